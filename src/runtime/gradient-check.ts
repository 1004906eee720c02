import { gradients, input, mul, program, sum, type Tensor } from "../graph/index.ts";
import { random } from "../random/index.ts";
import { openLocalRuntime } from "./local.ts";
import type { Value } from "./runtime.ts";

export interface GradientCheckOptions {
  /** Length of the finite step along a direction whose entries are standard normal. Default 1e-2. */
  readonly step?: number;
  /** Directions tried. Default 3. */
  readonly directions?: number;
  readonly seed?: number;
}

/**
 * Checks the gradient of a function of tensors against central differences, along random directions v:
 * compares `g . v` with `(L(x + h v) - L(x - h v)) / 2h`, where L = sum(R f(x)) for one fixed random R.
 * Returns the worst |difference| / max(|g|, 1e-3), |g| being the Euclidean length of all gradients together, which is
 * the standard deviation of g . v: about 1e-3 for a right rule in float32, about 1 for a wrong one.
 */
export const gradientError = async (
  build: (...inputs: Tensor[]) => Tensor,
  at: readonly { readonly shape: readonly number[]; readonly data?: Float32Array }[],
  { step = 1e-2, directions = 3, seed = 0 }: GradientCheckOptions = {},
): Promise<number> => {
  const rng = random("gradient check", seed);
  const normal = (size: number): Float32Array => Float32Array.from({ length: size }, () => rng.normal());
  const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

  const inputs = at.map(({ shape }, index) => input(`x${index}`, shape));
  const y = build(...inputs);
  const weights = input("weights", y.shape);
  const gradientNodes = gradients(sum(mul(y, weights)), inputs);
  const runtime = openLocalRuntime({ threads: 1 });
  const loaded = await runtime.load(
    program({
      feeds: [...inputs, weights],
      results: { y, ...Object.fromEntries(gradientNodes.map((node, i) => [`g${i}`, node])) },
    }),
  );

  const point = at.map(({ shape, data }) => data ?? normal(sizeOf(shape)));
  const weightValues: Value = { data: normal(sizeOf(y.shape as number[])), shape: y.shape as number[] };
  const evaluate = async (values: readonly Float32Array[]) =>
    loaded.run({
      weights: weightValues,
      ...Object.fromEntries(values.map((data, i) => [`x${i}`, { data, shape: at[i].shape }])),
    });
  const loss = async (values: readonly Float32Array[]): Promise<number> =>
    dot((await evaluate(values)).y.data, weightValues.data);

  const analytic = await evaluate(point);
  const slopes = at.map((_, i) => analytic[`g${i}`].data as Float32Array);
  const length = Math.sqrt(slopes.reduce((total, slope) => total + dot(slope, slope), 0));
  let worst = 0;
  for (let direction = 0; direction < directions; direction++) {
    const v = point.map((values) => normal(values.length));
    const moved = (sign: number) => point.map((values, i) => values.map((value, j) => value + sign * step * v[i][j]));
    const [ahead, behind] = [moved(1), moved(-1)];
    // The step as float32 really took it, so that rounding of the inputs is no error.
    const expected = slopes.reduce(
      (total, slope, i) =>
        total +
        dot(
          slope,
          ahead[i].map((value, j) => value - behind[i][j]),
        ),
      0,
    );
    const difference = (await loss(ahead)) - (await loss(behind));
    worst = Math.max(worst, Math.abs(difference - expected) / (2 * step) / Math.max(length, 1e-3));
  }
  await runtime.close();
  return worst;
};

const dot = (a: ArrayLike<number | bigint>, b: ArrayLike<number | bigint>): number => {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += Number(a[i]) * Number(b[i]);
  return total;
};
