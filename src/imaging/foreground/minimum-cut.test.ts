import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { random } from "../../random/index.ts";
import { type GridGraph, minimumCut } from "./minimum-cut.ts";

const reference = JSON.parse(readFileSync(new URL("fixtures/foreground.json", import.meta.url), "utf8"));

type Weights = "terminals" | "right" | "downLeft" | "down" | "downRight";
type PlainGraph = Readonly<Record<Weights, number[]> & Record<"width" | "height" | "flow", number>>;

const graphOf = (plain: PlainGraph): GridGraph => ({
  width: plain.width,
  height: plain.height,
  terminals: Float64Array.from(plain.terminals),
  right: Float64Array.from(plain.right),
  downLeft: Float64Array.from(plain.downLeft),
  down: Float64Array.from(plain.down),
  downRight: Float64Array.from(plain.downRight),
});

/** What a division of the pixels costs: the weights of all edges that it cuts. */
const weightOfCut = (graph: GridGraph, data: ArrayLike<number>): number => {
  const { width, height, terminals } = graph;
  let weight = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const pixel = y * width + x;
      weight += data[pixel] === 1 ? Math.max(0, -terminals[pixel]) : Math.max(0, terminals[pixel]);
      for (const [name, across, below] of [
        ["right", 1, 0],
        ["downLeft", -1, 1],
        ["down", 0, 1],
        ["downRight", 1, 1],
      ] as const) {
        if (x + across < 0 || x + across >= width || y + below >= height) continue;
        if (data[pixel] !== data[pixel + below * width + across]) weight += graph[name][pixel];
      }
    }
  }
  return weight;
};

const randomGraph = (width: number, height: number, seed: number, reach = 1): GridGraph => {
  const numbers = random(seed, "graph");
  const weights = (low: number, high: number): Float64Array =>
    new Float64Array(width * height).map(() => numbers.uniform(low, high));
  const [right, downLeft, down, downRight] = Array.from({ length: 4 }, () => weights(0, reach));
  return { width, height, terminals: weights(-1, 1), right, downLeft, down, downRight };
};

test.each(reference.cuts as PlainGraph[])("flow and cut are scipy's at $width x $height: $flow", (plain) => {
  const graph = graphOf(plain);
  const { flow, data } = minimumCut(graph);
  expect(flow).toBe(plain.flow);
  expect(weightOfCut(graph, data)).toBe(plain.flow);
});

test("no division of a small grid is cheaper", () => {
  for (let seed = 0; seed < 20; seed++) {
    const graph = randomGraph(4, 3, seed);
    let least = Number.POSITIVE_INFINITY;
    for (let code = 0; code < 2 ** 12; code++) {
      const data = Array.from({ length: 12 }, (_, pixel) => (code >> pixel) & 1);
      least = Math.min(least, weightOfCut(graph, data));
    }
    const { flow, data } = minimumCut(graph);
    expect(flow).toBeCloseTo(least, 9);
    expect(weightOfCut(graph, data)).toBeCloseTo(least, 9);
  }
});

test("on large grids of real weights, the cut weighs what flows: both are optimal", () => {
  for (const [seed, reach] of [
    [1, 0.3],
    [2, 0.1],
  ]) {
    const graph = randomGraph(150, 120, seed, reach);
    const { flow, data } = minimumCut(graph);
    expect(weightOfCut(graph, data)).toBeCloseTo(flow, 6);
    expect(data).toContain(1);
    expect(data).toContain(0);
  }
});
