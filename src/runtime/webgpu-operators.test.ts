import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as graph from "../graph/index.ts";
import { gradients, input, mul, program, sum, type Tensor } from "../graph/index.ts";
import { random } from "../random/index.ts";
import { openLocalRuntime, type Runtime, requireProvider, type Value, type Values } from "./index.ts";

const missing = await requireProvider("webgpu").then(
  () => undefined,
  (error: Error) => error.message,
);
const webgpu = missing === undefined ? "WebGPU" : `WebGPU (SKIPPED: ${missing})`;

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);
const someValues = (shape: readonly number[], ...keys: (string | number)[]): Value => {
  const rng = random("webgpu", ...keys);
  return { data: Float32Array.from({ length: sizeOf(shape) }, () => rng.uniform(0.2, 1.8)), shape };
};

interface Family {
  readonly shapes: readonly (readonly number[])[];
  readonly build: (...inputs: Tensor[]) => Tensor;
  /** It has no gradient. */
  readonly forwardOnly?: boolean;
}
const on = (shapes: Family["shapes"], build: Family["build"], forwardOnly = false): Family => ({ shapes, build, forwardOnly });
const truth = (x: Tensor): Tensor => graph.cast(x, "float32");
const at = (...positions: number[]): Tensor => graph.constant(BigInt64Array.from(positions, BigInt), [positions.length]);
const { add, sub, square } = graph;

const families: Readonly<Record<string, Family>> = {
  "sums and products": on([[2, 3], [3]], (a, b) =>
    graph.div(add(mul(a, b), graph.neg(a)), graph.maximum(b, graph.minimum(a, 0.7))),
  ),
  functions: on([[2, 5]], (x) =>
    [graph.exp, graph.log, graph.sqrt, graph.sigmoid, graph.tanh, graph.asinh, graph.erf, square].reduce(
      (total, f) => add(total, f(x)),
      graph.pow(x, 3),
    ),
  ),
  signs: on([[4, 5]], (x) => add(graph.abs(sub(x, 1)), graph.sign(sub(x, 1)))),
  activations: on([[3, 4]], (x) => {
    const centred = sub(x, 1);
    return [graph.relu, graph.leakyRelu, graph.gelu, graph.silu, graph.softplus].reduce((y, f) => add(y, f(centred)), centred);
  }),
  softmax: on([[3, 4]], (x) => add(graph.softmax(x), graph.logSoftmax(x, 0))),
  comparisons: on(
    [[3, 4], [4]],
    (a, b) => {
      const either = graph.or(graph.less(a, b), graph.greaterOrEqual(a, 1.2));
      return graph.where(graph.and(either, graph.not(graph.equal(a, b))), mul(a, b), truth(graph.lessOrEqual(b, 1)));
    },
    true,
  ),
  choices: on([[3, 4], [4]], (a, b) => graph.where(graph.greater(a, b), mul(a, b), square(b))),
  "sum and mean": on([[2, 3, 4]], (x) => add(graph.sum(x, [1]), graph.mean(x, [0, 1]))),
  "largest and smallest": on([[2, 3, 4]], (x) => sub(graph.max(x, [2]), graph.min(x, [2]))),
  "positions of the largest": on([[3, 5]], (x) => truth(graph.argMax(x, 1)), true),
  "top values": on([[3, 5]], (x) => graph.largest(x, 2), true),
  shapes: on([[2, 3, 4]], (x) => graph.reshape(graph.transpose(x, [2, 0, 1]), [4, 6])),
  parts: on([[2, 6, 5]], (x) => {
    const [left, right] = graph.split(x, [2, 4], 1);
    return graph.concat([graph.slice(right, 2, 1, 5, 2), graph.pad(left, 2, 1, -4)], 1);
  }),
  "many parts": on([[2, 30]], (x) =>
    graph.concat(
      Array.from({ length: 30 }, (_, i) => mul(graph.slice(x, 1, i, i + 1), i)),
      1,
    ),
  ),
  repetition: on([[2, 1, 3]], (x) => square(graph.expand(x, [2, 4, 3]))),
  order: on([[3, 6]], (x) => add(graph.reverse(x, 1), graph.roll(x, 2, 1))),
  gathering: on([[5, 3]], (x) => square(graph.gather(x, at(4, 0, 4, 2), 0))),
  blocks: on([[2, 4, 4, 6]], (x) => graph.concat([graph.depthToSpace(x, 2), graph.reshape(square(x), [2, 1, 8, 12])], 1)),
  "products of matrices": on(
    [
      [2, 3, 4],
      [4, 5],
    ],
    (a, b) => graph.matmul(a, b),
  ),
  "products of turned matrices": on(
    [
      [4, 3],
      [5, 4],
    ],
    (a, b) => graph.matmul(a, b, { transposeA: true, transposeB: true }),
  ),
  convolution: on(
    [
      [2, 3, 7, 6],
      [4, 3, 3, 3],
    ],
    (x, w) => graph.conv2d(x, w, { padding: 1 }),
  ),
  "convolution, 5 channels": on(
    [
      [2, 5, 7, 6],
      [4, 5, 3, 3],
    ],
    (x, w) => graph.conv2d(x, w, { padding: 1 }),
  ),
  "convolution, 1x1": on(
    [
      [2, 5, 4, 4],
      [3, 5, 1, 1],
    ],
    (x, w) => graph.conv2d(x, w),
  ),
  "convolution, strided": on(
    [
      [2, 5, 8, 7],
      [4, 5, 4, 4],
    ],
    (x, w) => graph.conv2d(x, w, { stride: 2, padding: 1 }),
  ),
  "convolution, grouped": on(
    [
      [2, 4, 6, 6],
      [8, 2, 3, 3],
    ],
    (x, w) => graph.conv2d(x, w, { padding: 1, groups: 2 }),
  ),
  "convolution, dilated": on(
    [
      [2, 3, 8, 8],
      [4, 3, 3, 3],
    ],
    (x, w) => graph.conv2d(x, w, { padding: 2, dilation: 2 }),
  ),
  "transposed convolution": on(
    [
      [2, 4, 4, 4],
      [4, 3, 2, 2],
    ],
    (x, w) => graph.convTranspose2d(x, w, { stride: 2 }),
  ),
  "transposed convolution, 4x4": on(
    [
      [2, 4, 4, 4],
      [4, 3, 4, 4],
    ],
    (x, w) => graph.convTranspose2d(x, w, { stride: 2, padding: 1 }),
  ),
  pooling: on([[2, 3, 6, 6]], (x) => add(graph.maxPool2d(x, 2), graph.averagePool2d(x, 2))),
  "overlapping pooling": on([[2, 3, 7, 7]], (x) => graph.maxPool2d(x, 3, { stride: 2, padding: 1 })),
  "adaptive pooling": on([[2, 3, 7, 5]], (x) => graph.adaptiveAveragePool2d(x, [3, 2])),
  resizing: on([[1, 2, 5, 6]], (x) => add(graph.resize2d(x, [8, 9], "bilinear"), graph.resize2d(x, [8, 9], "nearest"))),
  smoothing: on([[2, 3, 12, 12]], (x) => {
    const filter = graph.filterMatrix(12, graph.gaussianKernel(1.5, 4));
    return graph.separable(x, filter, filter);
  }),
};

/** Value and gradients of a family, under a fixed random weight of every value. */
const programOf = ({ shapes, build, forwardOnly }: Family) => {
  const inputs = shapes.map((shape, i) => input(`x${i}`, shape));
  const y = build(...inputs);
  if (forwardOnly) return program({ feeds: inputs, results: { y } });
  const weights = graph.constant(someValues(y.shape as number[], "weights").data as Float32Array, y.shape as number[]);
  const slopes = gradients(sum(mul(y, weights)), inputs);
  return program({ feeds: inputs, results: { y, ...Object.fromEntries(slopes.map((slope, i) => [`g${i}`, slope])) } });
};

/** Largest difference between two tensors, in units of the largest value. */
const difference = (is: Value, should: Value): number => {
  const [a, b] = [is, should].map(({ data }) => Array.from(data as Float32Array));
  const scale = b.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1e-3);
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i])), 0) / scale;
};

describe.skipIf(missing)(`on ${webgpu}, an operator has the processor's values and gradients:`, () => {
  let [cpu, device]: Runtime[] = [];
  beforeAll(() => {
    [cpu, device] = [openLocalRuntime({ threads: 1 }), openLocalRuntime({ provider: "webgpu", threads: 1 })];
  });
  afterAll(() => Promise.all([cpu?.close(), device?.close()]));

  test.each(Object.keys(families))("%s", async (name) => {
    const compiled = programOf(families[name]);
    const feeds: Values = Object.fromEntries(families[name].shapes.map((shape, i) => [`x${i}`, someValues(shape, name, i)]));
    const should = await (await cpu.load(compiled)).run(feeds);
    const is = await (await device.load(compiled)).run(feeds);
    for (const result of Object.keys(should)) {
      expect(is[result].shape).toEqual(should[result].shape);
      expect(difference(is[result], should[result]), result).toBeLessThan(1e-5);
    }
  });
});
