/** The value to be made small at a point, and its gradient there into `gradient`. Infinity where the point is not allowed. */
export type Objective = (point: Float64Array, gradient: Float64Array) => number;

export interface BfgsOptions {
  /** The length of the first step. */
  readonly firstStep: number;
  /** No step is longer. */
  readonly longestStep: number;
  /** Ends when two steps in turn were shorter. */
  readonly shortestStep: number;
  readonly iterations: number;
}

export interface Minimum {
  readonly point: Float64Array;
  readonly value: number;
  readonly iterations: number;
}

/**
 * Minimises by the method of Broyden, Fletcher, Goldfarb and Shanno (Nocedal and Wright 2006, algorithm 6.1) from `start`: steps along
 * -H gradient, H growing into the inverse of the second derivatives; a step is shortened until the value falls as Armijo asks. Gives
 * the state after every iteration, so that a caller can tell how it goes, or stop.
 */
export function* bfgs(objective: Objective, start: Float64Array, options: BfgsOptions): Generator<Minimum, void> {
  const n = start.length;
  let point = start.slice();
  let gradient = new Float64Array(n);
  let value = objective(point, gradient);
  if (!Number.isFinite(value)) return;
  let inverse: Float64Array | undefined; // [n, n]
  for (let iteration = 1, short = 0; iteration <= options.iterations && short < 2; iteration++) {
    if (norm(gradient) === 0) return;
    let direction = inverse ? negativeProduct(inverse, gradient) : scaled(gradient, -options.firstStep / norm(gradient));
    if (!(dot(direction, gradient) < 0)) {
      inverse = undefined;
      direction = scaled(gradient, -options.firstStep / norm(gradient));
    }
    const length = norm(direction);
    if (length > options.longestStep) direction = scaled(direction, options.longestStep / length);

    const slope = dot(direction, gradient);
    const next = new Float64Array(n);
    const nextGradient = new Float64Array(n);
    let nextValue = Infinity;
    let step = 1;
    for (; step * norm(direction) > options.shortestStep / 8; step *= shorter(value, slope * step, nextValue)) {
      for (let i = 0; i < n; i++) next[i] = point[i] + step * direction[i];
      nextValue = objective(next, nextGradient);
      if (nextValue <= value + 1e-4 * step * slope) break;
    }
    if (!(nextValue <= value + 1e-4 * step * slope)) {
      if (!inverse) return;
      inverse = undefined; // start afresh along the gradient
      continue;
    }
    const moved = scaled(direction, step);
    const change = gradient.map((old, i) => nextGradient[i] - old);
    const curvature = dot(moved, change);
    if (curvature > 1e-8 * norm(moved) * norm(change)) {
      inverse ??= identity(n, curvature / dot(change, change));
      updateInverse(inverse, moved, change, curvature);
    }
    short = norm(moved) < options.shortestStep ? short + 1 : 0;
    [point, gradient, value] = [next, nextGradient, nextValue];
    yield { point, value, iterations: iteration };
  }
}

/** By how much to shorten a step: to the minimum of the parabola through both values and the slope, within 0.1 .. 0.5. */
const shorter = (value: number, slope: number, reached: number): number => {
  const parabola = -slope / (2 * (reached - value - slope));
  return Number.isFinite(reached) ? Math.min(0.5, Math.max(0.1, parabola)) : 0.5;
};

/** H + (1 + y'Hy / s'y) ss' / s'y - (Hys' + sy'H) / s'y, in place. */
const updateInverse = (inverse: Float64Array, s: Float64Array, y: Float64Array, sy: number): void => {
  const n = s.length;
  const hy = scaled(negativeProduct(inverse, y), -1);
  const factor = (1 + dot(y, hy) / sy) / sy;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) inverse[i * n + j] += factor * s[i] * s[j] - (hy[i] * s[j] + s[i] * hy[j]) / sy;
  }
};

const identity = (n: number, scale: number): Float64Array =>
  Float64Array.from({ length: n * n }, (_, at) => (at % (n + 1) === 0 ? scale : 0));

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * b[i], 0);

const norm = (a: Float64Array): number => Math.sqrt(dot(a, a));

const scaled = (a: Float64Array, factor: number): Float64Array => a.map((value) => value * factor);

const negativeProduct = (matrix: Float64Array, a: Float64Array): Float64Array => {
  const n = a.length;
  return a.map((_, i) => -dot(matrix.subarray(i * n, i * n + n), a));
};
