import { expect } from "vitest";
import { gradients, input, program, type Tensor } from "../../graph/index.ts";
import { openLocalRuntime, type Value, type Values } from "../../runtime/index.ts";
import { frozen, type Parameters, trainable } from "../index.ts";

// For tests alone: left out of the package. The fixtures are made by scripts/reference/networks.py, more-networks.py and distillation.py.

/** A tensor in base64: float32 values or, with a scale, signed bytes that are multiples of it. */
export interface Packed {
  readonly shape: number[];
  readonly data: string;
  readonly scale?: number;
}

/** One training step of a network in float64 PyTorch. */
export interface ReferenceStep {
  readonly loss: number;
  readonly gradients: Readonly<Record<string, string>>;
  readonly statisticsAfter: Readonly<Record<string, Packed>>;
  /** Output of `eval()` for the first image, with the first weights and these statistics. */
  readonly evaluated: string;
}

/** First values of weights and running statistics. */
export type FirstValues = Readonly<Record<string, Packed>>;

const floats = (text: string): Float32Array => new Float32Array(Uint8Array.from(Buffer.from(text, "base64")).buffer);

export const unpack = ({ shape, data, scale }: Packed): Value => ({
  shape,
  data: scale === undefined ? floats(data) : Float32Array.from(new Int8Array(Buffer.from(data, "base64")), (n) => n * scale),
});

const lengthOf = (values: Float32Array): number => Math.sqrt(values.reduce((total, value) => total + value * value, 0));

/** ||found - expected|| / (||expected|| + floor), the floor standing for float32's noise on a vanishing tensor. */
const error = (found: Value, expected: Float32Array, floor = 1e-7 * Math.sqrt(expected.length)): number => {
  expect(found.data).toHaveLength(expected.length);
  const difference = expected.map((value, i) => Number(found.data[i]) - value);
  return lengthOf(difference) / (lengthOf(expected) + floor);
};

/** Runs forward and backward pass on a batch, and expects the reference's loss, gradient of every weight, and running statistics. */
export const expectSameStep = async (
  step: ReferenceStep,
  values: FirstValues,
  batch: Values,
  objective: (p: Parameters, batch: Readonly<Record<string, Tensor>>) => Tensor,
  tolerance = 1e-4,
): Promise<void> => {
  const feeds = Object.fromEntries(
    Object.entries(batch).map(([name, { data, shape }]) => [
      name,
      input(name, shape, data instanceof BigInt64Array ? "int64" : "float32"),
    ]),
  );
  const p = trainable();
  const loss = objective(p, feeds);
  const weights = [...p.declarations].filter(([, { trained }]) => trained);
  const slopes = gradients(
    loss,
    weights.map(([, { tensor }]) => tensor),
  );
  const results: Record<string, Tensor> = { loss };
  for (const [i, [name]] of weights.entries()) results[`d ${name}`] = slopes[i];

  const runtime = openLocalRuntime({ threads: 1 });
  const state = [...p.declarations.values()].map(({ tensor }) => tensor);
  const loaded = await runtime.load(program({ feeds: Object.values(feeds), state, updates: p.updates, results }));
  await runtime.writeState(new Map([...p.declarations.keys()].map((name) => [name, unpack(values[name])])));
  const found = await loaded.run(batch);
  const statistics = await runtime.readState([...p.updates.keys()]);
  await runtime.close();

  expect(Math.abs(Number(found.loss.data[0]) / step.loss - 1)).toBeLessThan(1e-5);
  expect(weights.map(([name]) => name).sort()).toEqual(Object.keys(step.gradients).sort());
  const expected = Object.entries(step.gradients).map(([name, slope]) => [name, floats(slope)] as const);
  const longest = Math.max(...expected.map(([, slope]) => lengthOf(slope)));
  for (const [name, slope] of expected) {
    // A shift before a normalisation has no influence: what float32 leaves of its gradient is measured by the others.
    const vanishing = lengthOf(slope) < 1e-12 * longest;
    const floor = vanishing ? 1e-2 * longest : undefined;
    expect(error(found[`d ${name}`], slope, floor), `gradient of ${name}`).toBeLessThan(tolerance);
  }
  expect([...statistics.keys()].sort()).toEqual(Object.keys(step.statisticsAfter).sort());
  for (const [name, value] of statistics) {
    expect(error(value, floats(step.statisticsAfter[name].data)), name).toBeLessThan(1e-5);
  }
};

/** Expects of the network with constants, as it is exported, the reference's output for the first image of the batch. */
export const expectSameExport = async (
  step: ReferenceStep,
  values: FirstValues,
  images: Value,
  network: (p: Parameters, image: Tensor) => Tensor,
): Promise<void> => {
  const trained = Object.entries({ ...values, ...step.statisticsAfter }).map(([name, value]) => [name, unpack(value)] as const);
  const shape = [1, ...images.shape.slice(1)];
  const first = { data: images.data.slice(0, images.data.length / images.shape[0]) as Float32Array, shape };
  const x = input("x", shape);
  const runtime = openLocalRuntime({ threads: 1 });
  const y = network(frozen(new Map(trained)), x);
  const loaded = await runtime.load(program({ feeds: [x], results: { y } }));
  const results = await loaded.run({ x: first });
  await runtime.close();
  expect(error(results.y, floats(step.evaluated))).toBeLessThan(1e-5);
};
