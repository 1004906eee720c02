import { z } from "zod";
import { MODEL_KINDS } from "./models/index.ts";
import { PREDICTOR_FORMAT, PREDICTOR_VERSION, type Predictor } from "./predictor.ts";

/**
 * A predictor from parsed JSON, checked so that it can be used without harm, whoever wrote the file.
 * @throws RangeError that says what is wrong with it, and where.
 */
export const readPredictor = (json: unknown): Predictor => {
  const { success, data, error } = predictor.safeParse(json);
  if (success) return data as Predictor;
  throw new RangeError(`This is no predictor of change factors that can be used:\n${z.prettifyError(error)}`);
};

const name = z.string().min(1);
const count = z.int().nonnegative();
const number = z.number();
const numbers = z.array(number);

const input = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("numeric"), name, unit: z.string(), low: number, high: number }),
  z.object({ kind: z.literal("categorical"), name, categories: z.array(name).min(2) }),
]);

const encoder = z.object({
  columns: count,
  inputs: z.array(
    z.object({
      name,
      from: count,
      columns: count,
      categories: count,
      fill: number,
      indicator: z.boolean(),
      low: number,
      high: number,
      missing: number,
    }),
  ),
});

/** Branches lie behind their node, so that every way down ends. */
const tree = z
  .object({ column: z.array(z.int().min(-1)).min(1), cut: numbers, right: z.array(count) })
  .refine(
    ({ column, cut, right }) =>
      cut.length === column.length &&
      right.length === column.length &&
      column.every((asked, node) => asked < 0 || (right[node] > node + 1 && right[node] < column.length)),
    "The nodes of a tree do not fit together",
  );

const model = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("mean"), value: number }),
  z.object({ kind: z.literal("ridge"), weights: numbers, intercept: number, penalty: number }),
  z.object({ kind: z.literal("forest"), base: number, trees: z.array(tree).min(1) }),
  z.object({ kind: z.literal("boosting"), base: number, rate: number, trees: z.array(tree) }),
  z.object({
    kind: z.literal("perceptron"),
    scales: z.object({ mean: numbers, deviation: numbers }),
    mean: number,
    deviation: number,
    members: z.array(z.array(z.object({ weights: numbers, bias: numbers })).min(1)).min(1),
  }),
]);

/** Whether a model takes so many columns. */
const fits = (columns: number, own: z.infer<typeof model>): boolean => {
  switch (own.kind) {
    case "mean":
      return true;
    case "ridge":
      return own.weights.length === columns;
    case "forest":
    case "boosting":
      return own.trees.every(({ column }) => column.every((asked) => asked < columns));
    case "perceptron":
      return (
        own.scales.mean.length === columns &&
        own.scales.deviation.length === columns &&
        own.members.every((layers) =>
          layers.every(({ weights, bias }, layer) => {
            const before = layer === 0 ? columns : layers[layer - 1].bias.length;
            return weights.length === before * bias.length && (layer < layers.length - 1 || bias.length === 1);
          }),
        )
      );
  }
};

const fold = z
  .object({ encoder, model })
  .refine(({ encoder: { columns }, model: own }) => fits(columns, own), "The model does not fit its encoding")
  .refine(
    ({ encoder: { columns, inputs } }) =>
      inputs.every((own) => {
        const values = own.categories > 2 ? own.categories : 1;
        const needed = own.columns === 0 ? 0 : values + (own.indicator ? 1 : 0);
        return (
          own.columns === needed &&
          own.from + own.columns <= columns &&
          (own.categories === 0 || (Number.isInteger(own.fill) && own.fill >= 0 && own.fill < own.categories))
        );
      }),
    "The columns of an encoding do not fit its inputs",
  );

const targetModel = z
  .object({
    target: z.object({
      name,
      unit: z.string(),
      progression: z.enum(["increases", "decreases"]),
      deadBand: number.nonnegative().optional(),
    }),
    kind: z.enum(MODEL_KINDS),
    folds: z.array(fold).min(1),
    coverage: number.gt(0).lt(1),
    r2: number.optional(),
    bounds: z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("cross"), fold: z.array(count), residual: numbers, weight: numbers }),
      z.object({ kind: z.literal("split"), radius: number.nonnegative() }),
    ]),
  })
  .refine(
    ({ bounds, folds }) =>
      bounds.kind === "split" ||
      (bounds.residual.length === bounds.fold.length &&
        bounds.weight.length === bounds.fold.length &&
        bounds.fold.every((own) => own < folds.length)),
    "The errors that bound a prediction do not fit its folds",
  );

const predictor = z
  .object({
    format: z.literal(PREDICTOR_FORMAT),
    version: z.literal(PREDICTOR_VERSION),
    inputs: z.array(input).min(1),
    targets: z.array(targetModel).min(1),
  })
  .refine(
    ({ inputs, targets }) =>
      targets.every(({ folds }) =>
        folds.every(
          ({ encoder: { inputs: encoded } }) => encoded.map((own) => own.name).join() === inputs.map((own) => own.name).join(),
        ),
      ),
    "The inputs of an encoding are not those of the predictor",
  );
