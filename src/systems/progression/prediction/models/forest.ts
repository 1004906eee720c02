import { random } from "../../../../random/index.ts";
import { type Matrix, meanOf, short } from "./matrix.ts";
import type { Keys, TrainingSet } from "./training-set.ts";
import { growTree, sortColumns, type Tree, treeValue } from "./tree.ts";

/** y = base + mean over the trees. */
export interface ForestModel {
  readonly kind: "forest";
  readonly base: number;
  readonly trees: readonly Tree[];
}

export interface ForestOptions {
  /** Default 100. */
  readonly trees?: number;
  /** Rows in a leaf, at least. Default 5, as Breiman's for regression. */
  readonly leaf?: number;
  /** Columns tried at each node. Default: a third. */
  readonly tried?: number;
}

/**
 * Random forest (Breiman 2001): trees on bootstrap samples, a random third of the columns tried at each node. What is drawn with
 * replacement are patients, each with all its rows.
 */
export const fitForest = (
  { x, y, patients }: TrainingSet,
  keys: Keys,
  { trees = 100, leaf = 5, tried = Math.max(1, Math.ceil(x.columns / 3)) }: ForestOptions = {},
): ForestModel => {
  const columns = sortColumns(x);
  const base = short(meanOf(y));
  const centred = y.map((value) => value - base); // sums of squares lose digits around a large mean
  const names = [...new Set(patients)];
  const numberOf = new Map(names.map((name, number) => [name, number]));
  return {
    kind: "forest",
    base,
    trees: Array.from({ length: trees }, (_, number) => {
      const rng = random(...keys, "forest", number);
      const times = new Float64Array(names.length);
      for (let drawn = 0; drawn < names.length; drawn++) times[rng.integer(0, names.length - 1)]++;
      const weights = Float64Array.from(patients, (name) => times[numberOf.get(name)!]);
      return growTree(columns, centred, weights, { depth: Number.POSITIVE_INFINITY, leaf, tried, random: rng });
    }),
  };
};

export const predictForest = ({ base, trees }: ForestModel, { rows, columns, data }: Matrix): Float64Array =>
  Float64Array.from(
    { length: rows },
    (_, row) => base + trees.reduce((sum, tree) => sum + treeValue(tree, data, row * columns), 0) / trees.length,
  );
