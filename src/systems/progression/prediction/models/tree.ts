import type { Random } from "../../../../random/index.ts";
import { type Matrix, short } from "./matrix.ts";

/**
 * A regression tree, node after node, each followed by all of its left branch. Three numbers a node:
 * the column it asks, or -1 at a leaf; the cut, where x <= cut goes left, or the leaf's value; the node where its right branch begins, or 0.
 */
export interface Tree {
  readonly column: readonly number[];
  readonly cut: readonly number[];
  readonly right: readonly number[];
}

export interface TreeOptions {
  /** Questions from the root to a leaf, at most. */
  readonly depth: number;
  /** Weight of the rows in a leaf, at least. */
  readonly leaf: number;
  /** Columns that are tried at each node, drawn anew; all by default. */
  readonly tried?: number;
  /** Draws them. */
  readonly random?: Random;
}

/** Columns of a matrix with their rows in rising order: sorted once for all trees that grow on them. */
export interface SortedColumns {
  readonly rows: number;
  readonly values: readonly Float64Array[];
  readonly orders: readonly Int32Array[];
}

export const sortColumns = ({ rows, columns, data }: Matrix): SortedColumns => {
  const values = Array.from({ length: columns }, (_, column) =>
    Float64Array.from({ length: rows }, (_, row) => data[row * columns + column]),
  );
  const orders = values.map((own) => Int32Array.from(own, (_, row) => row).sort((a, b) => own[a] - own[b] || a - b));
  return { rows, values, orders };
};

interface Split {
  readonly column: number;
  readonly cut: number;
  readonly gain: number;
}

/**
 * Grows a regression tree (Breiman et al. 1984): each node is split where the sum of squared deviations falls most, exactly, over all
 * cuts half way between neighbouring values; a leaf's value is its weighted mean. Each level costs one pass over the sorted columns.
 *
 * @param weights of rows, such as how often each was drawn; rows of weight 0 are left out.
 */
export const growTree = (
  { rows, values, orders }: SortedColumns,
  y: Float64Array,
  weights: Float64Array,
  { depth: deepest, leaf, tried = values.length, random }: TreeOptions,
): Tree => {
  const columns = values.length;
  let size = 0;
  for (let row = 0; row < rows; row++) if (weights[row] > 0) size++;
  const taken = new Int32Array(columns * size); // the order of each column after that of the one before, without rows of weight 0
  for (let tested = 0, at = 0; tested < columns; tested++) {
    const order = orders[tested];
    for (let i = 0; i < rows; i++) if (weights[order[i]] > 0) taken[at++] = order[i];
  }
  const goesLeft = new Uint8Array(rows);
  const spill = new Int32Array(size);
  const [column, cut, right]: [number[], number[], number[]] = [[], [], []];

  /** The best cut of one column, for the rows from start to end of its order. */
  const bestCut = (tested: number, start: number, end: number, sum: number, weight: number): Split | undefined => {
    const value = values[tested];
    const from = tested * size;
    let leftSum = 0;
    let leftWeight = 0;
    let best = Number.NEGATIVE_INFINITY;
    let at = -1;
    for (let i = from + start; i < from + end - 1; i++) {
      const row = taken[i];
      leftSum += weights[row] * y[row];
      leftWeight += weights[row];
      if (leftWeight < leaf || value[row] === value[taken[i + 1]]) continue;
      if (weight - leftWeight < leaf) break;
      const rightSum = sum - leftSum;
      const score = (leftSum * leftSum) / leftWeight + (rightSum * rightSum) / (weight - leftWeight);
      if (score <= best) continue;
      best = score;
      at = i;
    }
    if (at < 0) return undefined;
    return { column: tested, cut: between(value[taken[at]], value[taken[at + 1]]), gain: best - (sum * sum) / weight };
  };

  const bestSplit = (start: number, end: number, sum: number, weight: number): Split | undefined => {
    const candidates = random === undefined ? values.keys() : random.permutation(columns);
    const least = (1e-12 * sum * sum) / weight; // what rounding gains where all values are equal
    let best: Split | undefined;
    let count = 0;
    for (const tested of candidates) {
      // A column that does not vary here is no choice; and columns are tried until one can be split at all.
      const from = tested * size;
      if (values[tested][taken[from + start]] === values[tested][taken[from + end - 1]]) continue;
      if (count++ >= tried && best !== undefined) break;
      const split = bestCut(tested, start, end, sum, weight);
      if (split !== undefined && split.gain > (best?.gain ?? least)) best = split;
    }
    return best;
  };

  /** Brings the rows that go left to the front of each column's order, in which they stay sorted. */
  const divide = (start: number, end: number): number => {
    let middle = start;
    for (let from = 0; from < taken.length; from += size) {
      let spilled = 0;
      middle = start;
      for (let i = start; i < end; i++) {
        const row = taken[from + i];
        if (goesLeft[row] === 1) taken[from + middle++] = row;
        else spill[spilled++] = row;
      }
      for (let i = 0; i < spilled; i++) taken[from + middle + i] = spill[i];
    }
    return middle;
  };

  const grow = (start: number, end: number, depth: number, sum: number, weight: number): void => {
    const node = column.length;
    column.push(-1);
    cut.push(weight > 0 ? short(sum / weight) : 0);
    right.push(0);
    if (depth >= deepest || weight < 2 * leaf || end - start < 2) return;
    const split = bestSplit(start, end, sum, weight);
    if (split === undefined) return;
    const from = split.column * size;
    let leftSum = 0;
    let leftWeight = 0;
    for (let i = start; i < end; i++) {
      const row = taken[from + i];
      goesLeft[row] = values[split.column][row] <= split.cut ? 1 : 0;
      if (goesLeft[row] === 0) continue;
      leftSum += weights[row] * y[row];
      leftWeight += weights[row];
    }
    const middle = depth + 1 < deepest ? divide(start, end) : start; // leaves need no order
    column[node] = split.column;
    cut[node] = split.cut;
    grow(start, middle, depth + 1, leftSum, leftWeight);
    right[node] = column.length;
    grow(middle, end, depth + 1, sum - leftSum, weight - leftWeight);
  };

  let sum = 0;
  let weight = 0;
  for (let row = 0; row < rows; row++) {
    sum += weights[row] * y[row];
    weight += weights[row];
  }
  grow(0, size, 0, sum, weight);
  return { column, cut, right };
};

/** Half way between two values, in few digits where those still separate them: at least `low` and below `high`. */
const between = (low: number, high: number): number => {
  const middle = (low + high) / 2;
  const rounded = short(middle);
  if (rounded >= low && rounded < high) return rounded;
  return middle < high ? middle : low;
};

/** The value of the leaf that a row, which begins at `from` of the data, falls into. */
export const treeValue = ({ column, cut, right }: Tree, data: Float64Array, from: number): number => {
  let node = 0;
  while (column[node] >= 0) node = data[from + column[node]] <= cut[node] ? node + 1 : right[node];
  return cut[node];
};
