import { input, program, type Tensor } from "../../../graph/index.ts";
import { frozen, Parameters, trainable } from "../../../nn/index.ts";
import { random } from "../../../random/index.ts";
import { type GradientCheckOptions, gradientError, openLocalRuntime, type Value } from "../../../runtime/index.ts";

// For tests alone: left out of the package.

/** A tensor of float32 values. */
export interface Floats {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** Standard normal values, a function of shape and keys. */
export const noise = (shape: readonly number[], ...keys: (string | number)[]): Floats => {
  const rng = random("distillation tests", ...keys);
  return { shape, data: Float32Array.from({ length: sizeOf(shape) }, () => rng.normal()) };
};

export const floats = (shape: readonly number[], values: readonly number[]): Floats => ({
  shape,
  data: Float32Array.from(values),
});

/** Computes a graph of some tensors. */
export const compute = async <Name extends string>(
  feeds: readonly Value[],
  build: (...inputs: Tensor[]) => Record<Name, Tensor>,
): Promise<Record<Name, Floats>> => {
  const inputs = feeds.map(({ shape }, index) => input(`x${index}`, shape));
  const runtime = openLocalRuntime({ threads: 1 });
  try {
    const loaded = await runtime.load(program({ feeds: inputs, results: build(...inputs) }));
    return (await loaded.run(Object.fromEntries(feeds.map((value, index) => [`x${index}`, value])))) as Record<Name, Floats>;
  } finally {
    await runtime.close();
  }
};

/** Everything that a network declares, with its first values. */
export const firstValues = (network: (p: Parameters) => unknown, seed = 0): Map<string, Floats> => {
  const p = trainable({ seed });
  network(p);
  return new Map([...p.declarations].map(([name, { initialise }]) => [name, initialise() as Floats]));
};

/** `gradientError` of a network, over its inputs and all of its weights. */
export const networkGradientError = (
  network: (p: Parameters, ...inputs: Tensor[]) => Tensor,
  at: readonly Floats[],
  options: GradientCheckOptions = {},
): Promise<number> => {
  const shapes = at.map(({ shape }, index) => input(`x${index}`, shape));
  const weights = [...firstValues((p) => network(p, ...shapes))];
  const build = (...tensors: Tensor[]): Tensor => {
    const given = new Map(weights.map(([name], index) => [name, tensors[at.length + index]]));
    return network(parametersOf(given), ...tensors.slice(0, at.length));
  };
  return gradientError(build, [...at, ...weights.map(([, value]) => value)], options);
};

/** Parameters that are these tensors, in training. */
const parametersOf = (tensors: ReadonlyMap<string, Tensor>): Parameters =>
  new Parameters({
    training: true,
    declarations: new Map(),
    updates: new Map(),
    declare: (name, shape, _, kind) => ({ tensor: tensors.get(name)!, initialise: () => noise(shape), ...kind }),
  });

/** Frozen parameters with first values, of which some are replaced. */
export const frozenWith = (values: ReadonlyMap<string, Value>, replaced: Readonly<Record<string, Value>> = {}): Parameters =>
  frozen(new Map([...values, ...Object.entries(replaced)]));

/** The largest difference between two lists of numbers of one length. */
export const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  if (a.length !== b.length) throw new RangeError(`${a.length} numbers are not ${b.length}.`);
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
};

/** The cosine of two vectors, in float64; 0 where one is zero. */
export const cosine = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let [product, squareOfA, squareOfB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    product += a[i] * b[i];
    squareOfA += a[i] * a[i];
    squareOfB += b[i] * b[i];
  }
  return product === 0 ? 0 : product / Math.sqrt(squareOfA * squareOfB);
};

/** The vector of channels at a position of a map [batch, channels, height, width]. */
export const vectorAt = ({ shape: [, channels, height, width], data }: Floats, image: number, position: number): number[] =>
  Array.from({ length: channels }, (_, channel) => data[(image * channels + channel) * height * width + position]);

/** The rows of a matrix [count, width]. */
export const rowsOf = ({ shape: [count, width], data }: Floats): number[][] =>
  Array.from({ length: count }, (_, row) => [...data.slice(row * width, (row + 1) * width)]);
