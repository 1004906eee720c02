/**
 * A graph whose nodes are the pixels of a grid, each joined to a source, to a sink and to its eight neighbours.
 * Weights towards neighbours hold in both directions; those that would leave the grid are not read.
 */
export interface GridGraph {
  readonly width: number;
  readonly height: number;
  /** [height, width]: the weight from the source less the weight to the sink; only the difference matters for the cut. */
  readonly terminals: Float64Array;
  /** [height, width] each, at least 0: the weights to the neighbour on the right, and to the three below. */
  readonly right: Float64Array;
  readonly downLeft: Float64Array;
  readonly down: Float64Array;
  readonly downRight: Float64Array;
}

/** The eight directions; opposite ones add up to 7. */
const DIRECTIONS = 8;
const ROOT = 8;
const NONE = 9;

const FREE = 0;
const SOURCE = 1;
const SINK = 2;

/**
 * The cut of least weight between source and sink, and the flow, which is its weight when each pixel is joined to one terminal only, by
 * the absolute value of its difference. `data` of the result is [height, width], 1 where a
 * pixel stays with the source; pixels that could go either way go with the sink.
 *
 * By Boykov and Kolmogorov, "An experimental comparison of min-cut/max-flow algorithms for energy minimization in vision" (2004): one
 * tree grows from the source and one from the sink; where they meet, flow is sent along the path; branches cut off by saturated edges
 * look for a new parent in their tree or leave it.
 */
export const minimumCut = (graph: GridGraph): { readonly flow: number; readonly data: Uint8Array } => {
  const { width, height } = graph;
  // A rim of nodes without edges stands around the grid, so that every node has eight neighbours.
  const across = width + 2;
  const nodes = across * (height + 2);
  const offsets = Int32Array.of(-across - 1, -across, -across + 1, -1, 1, across - 1, across, across + 1);
  const { residual, terminal } = residualsOf(graph, across, nodes, offsets);

  const tree = new Uint8Array(nodes);
  const parent = new Uint8Array(nodes).fill(NONE);
  const checked = new Int32Array(nodes);
  const distance = new Int32Array(nodes);
  const active = new Queue(nodes);
  const orphans: number[] = [];
  let time = 0;
  let flow = 0;

  for (let node = 0; node < nodes; node++) {
    if (terminal[node] === 0) continue;
    tree[node] = terminal[node] > 0 ? SOURCE : SINK;
    parent[node] = ROOT;
    distance[node] = 1;
    active.push(node);
  }

  /** Grows the tree of an active node; returns the edge, node * 8 + direction from source to sink, where it meets the other tree. */
  const grow = (node: number): number => {
    const own = tree[node];
    for (let direction = 0; direction < DIRECTIONS; direction++) {
      const other = node + offsets[direction];
      const out = node * DIRECTIONS + direction;
      const back = other * DIRECTIONS + 7 - direction;
      if (residual[own === SOURCE ? out : back] <= 0) continue;
      if (tree[other] === FREE) {
        tree[other] = own;
        parent[other] = 7 - direction;
        checked[other] = checked[node];
        distance[other] = distance[node] + 1;
        active.push(other);
      } else if (tree[other] !== own) {
        return own === SOURCE ? out : back;
      } else if (checked[other] <= checked[node] && distance[other] > distance[node]) {
        // A shorter way to the root.
        parent[other] = 7 - direction;
        checked[other] = checked[node];
        distance[other] = distance[node] + 1;
      }
    }
    return -1;
  };

  /** The edge that flow takes between a node and its parent: towards the node in the source's tree, away from it in the sink's. */
  const treeEdge = (node: number): number =>
    tree[node] === SOURCE ? (node + offsets[parent[node]]) * DIRECTIONS + 7 - parent[node] : node * DIRECTIONS + parent[node];

  const send = (edge: number, amount: number): void => {
    const direction = edge % DIRECTIONS;
    const to = (edge - direction) / DIRECTIONS + offsets[direction];
    residual[edge] -= amount;
    residual[to * DIRECTIONS + 7 - direction] += amount;
  };

  const orphan = (node: number): void => {
    parent[node] = NONE;
    orphans.push(node);
  };

  /** Sends what the path through the edge can carry; the nodes behind saturated edges become orphans. */
  const augment = (edge: number): void => {
    const direction = edge % DIRECTIONS;
    const start = (edge - direction) / DIRECTIONS;
    const end = start + offsets[direction];
    let amount = residual[edge];
    for (const from of [start, end]) {
      let node = from;
      for (; parent[node] !== ROOT; node += offsets[parent[node]]) amount = Math.min(amount, residual[treeEdge(node)]);
      amount = Math.min(amount, Math.abs(terminal[node]));
    }
    send(edge, amount);
    for (const from of [start, end]) {
      let node = from;
      while (parent[node] !== ROOT) {
        const next = node + offsets[parent[node]];
        const saturated = treeEdge(node);
        send(saturated, amount);
        if (residual[saturated] <= 0) orphan(node);
        node = next;
      }
      terminal[node] += tree[node] === SOURCE ? -amount : amount;
      if (terminal[node] === 0) orphan(node);
    }
    flow += amount;
  };

  /** How far the node is from its terminal along living branches, or infinity when it hangs on an orphan. */
  const distanceToRoot = (from: number): number => {
    let node = from;
    let steps = 0;
    while (checked[node] !== time) {
      if (parent[node] === NONE) return Number.POSITIVE_INFINITY;
      steps++;
      if (parent[node] === ROOT) {
        checked[node] = time;
        distance[node] = 1;
        return steps;
      }
      node += offsets[parent[node]];
    }
    return steps + distance[node];
  };

  /** Finds the orphan its nearest new parent, or sets it free and makes orphans of its children. */
  const adopt = (node: number): void => {
    const own = tree[node];
    let [best, nearest] = [NONE, Number.POSITIVE_INFINITY];
    for (let direction = 0; direction < DIRECTIONS; direction++) {
      const other = node + offsets[direction];
      if (tree[other] !== own) continue;
      const towards = own === SOURCE ? other * DIRECTIONS + 7 - direction : node * DIRECTIONS + direction;
      if (residual[towards] <= 0) continue;
      const steps = distanceToRoot(other);
      if (steps === Number.POSITIVE_INFINITY) continue;
      if (steps < nearest) [best, nearest] = [direction, steps];
      let left = steps;
      for (let step = other; checked[step] !== time; step += offsets[parent[step]]) {
        checked[step] = time;
        distance[step] = left--;
      }
    }
    parent[node] = best;
    if (best !== NONE) {
      checked[node] = time;
      distance[node] = nearest + 1;
      return;
    }
    for (let direction = 0; direction < DIRECTIONS; direction++) {
      const other = node + offsets[direction];
      if (tree[other] !== own) continue;
      const towards = own === SOURCE ? other * DIRECTIONS + 7 - direction : node * DIRECTIONS + direction;
      if (residual[towards] > 0) active.push(other);
      if (parent[other] === 7 - direction) orphan(other);
    }
    tree[node] = FREE;
  };

  for (let node = active.pop(); node >= 0; node = active.pop()) {
    while (tree[node] !== FREE) {
      const edge = grow(node);
      if (edge < 0) break;
      time++;
      augment(edge);
      orphans.reverse(); // those near the roots first, so that whole branches find a parent at once
      for (let at = 0; at < orphans.length; at++) adopt(orphans[at]);
      orphans.length = 0;
    }
  }

  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) data[y * width + x] = tree[(y + 1) * across + x + 1] === SOURCE ? 1 : 0;
  }
  return { flow, data };
};

const residualsOf = (graph: GridGraph, across: number, nodes: number, offsets: Int32Array) => {
  const { width, height, terminals, right, downLeft, down, downRight } = graph;
  const residual = new Float64Array(nodes * DIRECTIONS);
  const terminal = new Float64Array(nodes);
  for (let y = 0; y < height; y++) terminal.set(terminals.subarray(y * width, (y + 1) * width), (y + 1) * across + 1);
  const join = (direction: number, weights: Float64Array, from: number, to: number, rows: number): void => {
    for (let y = 0; y < rows; y++) {
      for (let x = from; x < to; x++) {
        const node = (y + 1) * across + x + 1;
        residual[node * DIRECTIONS + direction] = weights[y * width + x];
        residual[(node + offsets[direction]) * DIRECTIONS + 7 - direction] = weights[y * width + x];
      }
    }
  };
  join(4, right, 0, width - 1, height);
  join(5, downLeft, 1, width, height - 1);
  join(6, down, 0, width, height - 1);
  join(7, downRight, 0, width - 1, height - 1);
  return { residual, terminal };
};

/** First in, first out; a node that waits already is not added again. */
class Queue {
  private readonly items: Int32Array;
  private readonly waiting: Uint8Array;
  private first = 0;
  private count = 0;

  constructor(nodes: number) {
    this.items = new Int32Array(nodes);
    this.waiting = new Uint8Array(nodes);
  }

  push(node: number): void {
    if (this.waiting[node] !== 0) return;
    this.waiting[node] = 1;
    const end = this.first + this.count++;
    this.items[end < this.items.length ? end : end - this.items.length] = node;
  }

  /** The next node, or -1. */
  pop(): number {
    if (this.count === 0) return -1;
    const node = this.items[this.first];
    this.first = this.first + 1 === this.items.length ? 0 : this.first + 1;
    this.count--;
    this.waiting[node] = 0;
    return node;
  }
}
