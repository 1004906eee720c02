import { readCells } from "./cells.ts";
import type { Input, InputValues } from "./inputs.ts";
import { type Prediction, predictTarget, type TargetModel } from "./target-model.ts";

export const PREDICTOR_FORMAT = "lynceus progression predictor";
export const PREDICTOR_VERSION = 1;

/** Everything a prediction needs; plain data that survives JSON to the last bit. */
export interface Predictor {
  readonly format: typeof PREDICTOR_FORMAT;
  readonly version: typeof PREDICTOR_VERSION;
  readonly inputs: readonly Input[];
  readonly targets: readonly TargetModel[];
}

export interface PatientPrediction {
  /** By the target's name; the unit is the target's, and the probability of the interval as stated in `coverage`. */
  readonly targets: Readonly<Record<string, Prediction & Told>>;
  /** Inputs that were missing, and so replaced by what is usual. */
  readonly missing: readonly string[];
  /** What a reader should know: values that were not understood, and those beyond all training patients. */
  readonly warnings: readonly string[];
}

/** What is known of a target's model. */
interface Told extends Pick<TargetModel, "coverage" | "r2"> {
  readonly unit: string;
  readonly model: TargetModel["kind"];
}

/** Predicts the change of every target for a patient's values by the names of the inputs. */
export const predictPatient = ({ inputs, targets }: Predictor, values: InputValues): PatientPrediction => {
  const { values: cells, problems, unknownNames } = readCells(inputs, [values]);
  return {
    targets: Object.fromEntries(
      targets.map((model) => {
        const { name, unit } = model.target;
        const { coverage, kind, r2 } = model;
        return [name, { ...predictTarget(model, cells)[0], unit, coverage, model: kind, r2 }];
      }),
    ),
    missing: inputs.filter((_, column) => Number.isNaN(cells.data[column])).map(({ name }) => name),
    warnings: [
      ...problems.map(({ input, reason }) => `${input.replaceAll("_", " ")}: ${reason}, and is treated as missing.`),
      ...unknownNames.map((name) => `${name}: no input of this predictor, and is not used.`),
      ...inputs.flatMap((input, column) => beyondTraining(input, cells.data[column], targets)),
    ],
  };
};

const words = ({ name }: Input): string => name.replaceAll("_", " ");

/** A model knows nothing of values beyond those it has seen: trees stay at the edge, lines run on. */
const beyondTraining = (input: Input, value: number, targets: readonly TargetModel[]): string[] => {
  if (input.kind === "categorical" || Number.isNaN(value)) return [];
  const seen = targets
    .flatMap(({ folds }) => folds.flatMap(({ encoder }) => encoder.inputs))
    .filter(({ name, columns }) => name === input.name && columns > 0);
  if (seen.length === 0) return [`${words(input)}: no training patient had a value, so that it is not used.`];
  const [low, high] = [Math.min(...seen.map((own) => own.low)), Math.max(...seen.map((own) => own.high))];
  if (value >= low && value <= high) return [];
  const [shown, from, to] = [value, low, high].map((number) => Number(number.toPrecision(3)));
  const unit = input.unit === "1" ? "" : ` ${input.unit}`;
  return [`${words(input)}: ${shown}${unit} is beyond the training patients' ${from} to ${to}.`];
};
