import { random } from "../../../../random/index.ts";
import { type Matrix, meanOf, short } from "./matrix.ts";
import { divisions, type Keys, type TrainingSet, takeSet } from "./training-set.ts";
import { growTree, sortColumns, type Tree, treeValue } from "./tree.ts";

/** y = base + rate * sum over the trees. */
export interface BoostingModel {
  readonly kind: "boosting";
  readonly base: number;
  readonly rate: number;
  readonly trees: readonly Tree[];
}

export interface BoostingOptions {
  /** Shrinkage of each tree. Default 0.05. */
  readonly rate?: number;
  /** Questions from root to leaf: d of them see interactions of d columns. Default 3. */
  readonly depth?: number;
  /** Rows in a leaf, at least. Default 5. */
  readonly leaf?: number;
  /** Share of patients that each tree is grown on. Default 0.7. */
  readonly subsample?: number;
  /** Share of columns tried at each node. Default 0.5. */
  readonly tried?: number;
  /** Trees at most. Default 400. */
  readonly most?: number;
  /** Trees in a row that may bring no patient left out nearer before it stops. Default 40. */
  readonly patience?: number;
}

const FOLDS = 4;

/**
 * Gradient boosting for squared errors (Friedman 2001), stochastic (Friedman 2002): each tree is grown on the residuals of a random
 * share of the patients, and its shrunk values are added. How many trees is told by early stopping: a quarter of the patients is left
 * out in turn, all four boosted in step, and growing ends when their error has not fallen for a while. Then that many are
 * grown on everybody.
 */
export const fitBoosting = (set: TrainingSet, keys: Keys, options: BoostingOptions = {}): BoostingModel => {
  const { most = 400, patience = 40 } = options;
  const runs = divisions(set.patients, FOLDS, ...keys, "boosting").map(({ train, held }, fold) => {
    const left = takeSet(set, held);
    const booster = openBooster(takeSet(set, train), [...keys, fold], options);
    return { booster, left, predicted: new Float64Array(held.length).fill(booster.base) };
  });
  let [best, least] = [0, Number.POSITIVE_INFINITY];
  for (let count = 0; count <= most && count - best <= patience; count++) {
    let error = 0;
    for (const { booster, left, predicted } of runs) {
      if (count > 0) addTree(predicted, booster.grow(), booster.rate, left.x);
      for (let row = 0; row < predicted.length; row++) error += (predicted[row] - left.y[row]) ** 2;
    }
    if (error < least) [best, least] = [count, error];
  }
  const { base, rate, grow } = openBooster(set, keys, options);
  return { kind: "boosting", base, rate, trees: Array.from({ length: best }, grow) };
};

/** Boosting that grows a tree whenever it is asked. */
const openBooster = (
  { x, y, patients }: TrainingSet,
  keys: Keys,
  { rate = 0.05, depth = 3, leaf = 5, subsample = 0.7, tried = 0.5 }: BoostingOptions,
): { readonly base: number; readonly rate: number; readonly grow: () => Tree } => {
  const columns = sortColumns(x);
  const base = short(meanOf(y));
  const fitted = new Float64Array(x.rows).fill(base);
  const names = [...new Set(patients)];
  const numberOf = new Map(names.map((name, number) => [name, number]));
  const drawn = Math.max(1, Math.round(subsample * names.length));
  let grown = 0;
  const grow = (): Tree => {
    const rng = random(...keys, "boosting", grown++);
    const included = new Set(rng.permutation(names.length).subarray(0, drawn));
    const weights = Float64Array.from(patients, (name) => (included.has(numberOf.get(name)!) ? 1 : 0));
    const residuals = y.map((value, row) => value - fitted[row]);
    const tree = growTree(columns, residuals, weights, {
      depth,
      leaf,
      tried: Math.max(1, Math.ceil(tried * x.columns)),
      random: rng,
    });
    addTree(fitted, tree, rate, x);
    return tree;
  };
  return { base, rate, grow };
};

const addTree = (sums: Float64Array, tree: Tree, rate: number, { columns, data }: Matrix): void => {
  for (let row = 0; row < sums.length; row++) sums[row] += rate * treeValue(tree, data, row * columns);
};

export const predictBoosting = ({ base, rate, trees }: BoostingModel, x: Matrix): Float64Array => {
  const predicted = new Float64Array(x.rows).fill(base);
  for (const tree of trees) addTree(predicted, tree, rate, x);
  return predicted;
};
