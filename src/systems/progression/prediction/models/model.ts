import { type BoostingModel, fitBoosting, predictBoosting } from "./boosting.ts";
import { type ForestModel, fitForest, predictForest } from "./forest.ts";
import { type Matrix, meanOf } from "./matrix.ts";
import { fitPerceptron, type PerceptronModel, predictPerceptron } from "./perceptron.ts";
import { fitRidge, predictRidge, type RidgeModel } from "./ridge.ts";
import type { Keys, TrainingSet } from "./training-set.ts";

/** The mean of the training rows, whatever is asked: what every other model must beat. */
export interface MeanModel {
  readonly kind: "mean";
  readonly value: number;
}

/** A fitted model: plain data. */
export type Model = MeanModel | RidgeModel | ForestModel | BoostingModel | PerceptronModel;

export type ModelKind = Model["kind"];

/** From the simplest to the most elaborate. */
export const MODEL_KINDS: readonly ModelKind[] = ["mean", "ridge", "forest", "boosting", "perceptron"];

const fits: { readonly [Kind in ModelKind]: (set: TrainingSet, keys: Keys) => Model | Promise<Model> } = {
  mean: ({ y }) => ({ kind: "mean", value: meanOf(y) }),
  ridge: (set, keys) => fitRidge(set, keys),
  forest: (set, keys) => fitForest(set, keys),
  boosting: (set, keys) => fitBoosting(set, keys),
  perceptron: (set, keys) => fitPerceptron(set, keys),
};

/** Fits a model of a kind; a function of the set and the keys. Without a column there is nothing to tell from, and it is the mean. */
export const fitModel = async (kind: ModelKind, set: TrainingSet, keys: Keys): Promise<Model> =>
  fits[set.x.columns === 0 ? "mean" : kind](set, keys);

/** Predictions for each row of a matrix, encoded as the model's training rows were. */
export const predictModel = (model: Model, x: Matrix): Float64Array => {
  switch (model.kind) {
    case "mean":
      return new Float64Array(x.rows).fill(model.value);
    case "ridge":
      return predictRidge(model, x);
    case "forest":
      return predictForest(model, x);
    case "boosting":
      return predictBoosting(model, x);
    case "perceptron":
      return predictPerceptron(model, x);
  }
};
