import { vesselFeatures } from "../measurement/index.ts";

/** What a patient's row can hold in a column: a number, a word, yes or no, or nothing (missing). */
export type Cell = number | string | boolean | null | undefined;

/** A patient's values by the names of the inputs. */
export type InputValues = Readonly<Record<string, Cell>>;

export interface NumericInput {
  readonly kind: "numeric";
  readonly name: string;
  /** Unit, such as "mm2"; "1" for a ratio. */
  readonly unit: string;
  /** Plausible values, both ends included: one outside is taken for a mistake, reported, and treated as missing. */
  readonly low: number;
  readonly high: number;
}

export interface CategoricalInput {
  readonly kind: "categorical";
  readonly name: string;
  /** At least two. Any other word is taken for a mistake, reported, and treated as missing. */
  readonly categories: readonly string[];
}

export type Input = NumericInput | CategoricalInput;

/** A numeric input. @throws RangeError when the range is empty. */
export const numeric = (name: string, unit: string, low: number, high: number): NumericInput => {
  if (!(low < high)) throw new RangeError(`The plausible range of "${name}" is ${low} to ${high}; the first must be smaller.`);
  return { kind: "numeric", name, unit, low, high };
};

/** A categorical input. @throws RangeError for fewer than two categories, or equal ones. */
export const categorical = (name: string, ...categories: readonly string[]): CategoricalInput => {
  if (categories.length < 2 || new Set(categories).size < categories.length) {
    throw new RangeError(`"${name}" needs at least two different categories, but has ${categories.join(", ") || "none"}.`);
  }
  return { kind: "categorical", name, categories };
};

/** An input that is "yes" or "no"; true and false are read as well. */
export const yesNo = (name: string): CategoricalInput => categorical(name, "no", "yes");

/**
 * Personal structured data of an adult: sex, age, weight, habits, blood pressure, glucose, heart rate, medication. Any subset may be
 * given. Ranges are what has been measured in living adults with some room, not what is healthy: they catch slips of units and digits.
 */
export const PERSONAL_INPUTS: readonly Input[] = [
  categorical("sex", "female", "male"),
  numeric("age", "years", 18, 110),
  numeric("weight", "kg", 30, 300),
  categorical("smoking", "never", "former", "current"),
  categorical("drinking", "never", "former", "current"),
  numeric("systolic_pressure", "mmHg", 60, 260),
  numeric("diastolic_pressure", "mmHg", 30, 160),
  numeric("glucose", "mmol/L", 1.5, 40),
  numeric("heart_rate", "1/min", 30, 220),
  yesNo("statin"),
  yesNo("antihypertensive"),
  yesNo("antiplatelet"),
  yesNo("glucose_lowering"),
];

/** By unit, what features of a carotid can be. */
const PLAUSIBLE = { mm3: [0, 20_000], mm2: [0, 500], mm: [0, 20], "1": [0, 1], "%": [-200, 100] } as const;

/** What is measured in the images of the first stage. A minimum cap thickness is missing where there is no lipid core. */
export const STAGE_1_INPUTS: readonly Input[] = vesselFeatures.map(({ name, unit }) => {
  const [low, high] = PLAUSIBLE[unit];
  return numeric(name, unit, low, high);
});

/** @throws RangeError without inputs, or when two have one name. */
export const requireInputs = (inputs: readonly Input[]): void => {
  if (inputs.length === 0) throw new RangeError("There are no inputs to predict from; give at least one column.");
  const names = inputs.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new RangeError(`Two inputs have the name "${twice}"; give each its own.`);
};
