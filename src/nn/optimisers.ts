import { add, div, input, matmul, minimum, mul, reshape, sqrt, square, sub, sum, type Tensor } from "../graph/index.ts";

/** One parameter's update: its next value, and the next values of what the optimiser remembers about it. */
interface Update {
  readonly parameter: Tensor;
  readonly memory: Readonly<Record<string, Tensor>>;
}

/** An optimiser whose arithmetic is part of the training graph. */
export interface Optimiser {
  /** Names of the tensors remembered per parameter, of the parameter's shape and 0 at first. */
  readonly memory: readonly string[];
  /** Numbers that change from step to step (counted from 1), computed here in double precision and fed to the graph. */
  schedule(step: number, learningRate: number): Readonly<Record<string, number>>;
  /** `scheduled` names a number of `schedule`; `decays` tells whether weight decay applies to this parameter. */
  update(
    parameter: Tensor,
    gradient: Tensor,
    memory: (name: string) => Tensor,
    scheduled: (name: string) => Tensor,
    decays: boolean,
  ): Update;
}

export interface SgdOptions {
  /** Share of the last step in the next. Default 0.9. */
  readonly momentum?: number;
  /** Added to the gradient as weightDecay w. Default 0. */
  readonly weightDecay?: number;
}

/** Stochastic gradient descent with momentum: `v = momentum v + g; w = w - rate v` (the form of PyTorch). */
export const sgd = ({ momentum = 0.9, weightDecay = 0 }: SgdOptions = {}): Optimiser => ({
  memory: ["velocity"],
  schedule: (_, rate) => ({ rate }),
  update: (w, gradient, memory, scheduled, decays) => {
    const g = decays && weightDecay > 0 ? add(gradient, mul(w, weightDecay)) : gradient;
    const velocity = add(mul(memory("velocity"), momentum), g);
    return { parameter: sub(w, mul(velocity, scheduled("rate"))), memory: { velocity } };
  },
});

export interface AdamOptions {
  /** Decay of the mean of gradients. Default 0.9. */
  readonly beta1?: number;
  /** Decay of the mean of squared gradients. Default 0.999. */
  readonly beta2?: number;
  /** Added to the root of the second moment. Default 1e-8. */
  readonly epsilon?: number;
}

/**
 * Adam (Kingma and Ba 2015): `m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2;
 * w = w - rate / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + epsilon)`.
 */
export const adam = (options: AdamOptions = {}): Optimiser => adamW({ ...options, weightDecay: 0 });

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019): `w = w (1 - rate decay)` before Adam's step.
 * Remembered are the plain sums `M = m / (1 - b1)` and `V = v / (1 - b2)`; their constants are part of the scheduled numbers,
 * so that an update takes ten passes over a parameter instead of thirteen.
 */
export const adamW = ({
  beta1 = 0.9,
  beta2 = 0.999,
  epsilon = 1e-8,
  weightDecay = 0.01,
}: AdamOptions & { readonly weightDecay?: number } = {}): Optimiser => ({
  memory: ["gradient_sum", "square_sum"],
  schedule: (step, rate) => {
    const root = Math.sqrt((1 - beta2) / (1 - beta2 ** step)); // the corrected second moment's root is root * sqrt(V)
    return {
      step_size: (rate * (1 - beta1)) / (1 - beta1 ** step) / root,
      epsilon: epsilon / root,
      shrink: 1 - rate * weightDecay,
    };
  },
  update: (w, g, memory, scheduled, decays) => {
    const sum = add(mul(memory("gradient_sum"), beta1), g);
    const squares = add(mul(memory("square_sum"), beta2), square(g));
    const direction = div(sum, add(sqrt(squares), scheduled("epsilon")));
    const start = decays && weightDecay > 0 ? mul(w, scheduled("shrink")) : w;
    return {
      parameter: sub(start, mul(direction, scheduled("step_size"))),
      memory: { gradient_sum: sum, square_sum: squares },
    };
  },
});

/** Euclidean length of all gradients together. */
export const globalNorm = (gradients: readonly Tensor[]): Tensor =>
  sqrt(gradients.map(sumOfSquares).reduce((total, part) => add(total, part)));

/** Row by row, as dot products that write nothing in between. */
const sumOfSquares = (g: Tensor): Tensor => {
  const [rows, ...rest] = g.shape as readonly number[];
  if (rest.length === 0) return sum(square(g));
  const each = reshape(g, [rows, 1, rest.reduce((product, size) => product * size, 1)]);
  return sum(matmul(each, each, { transposeB: true }));
};

/** Gradients scaled together so that their global norm is at most `limit` (Pascanu et al. 2013). */
export const clipByGlobalNorm = (gradients: readonly Tensor[], norm: Tensor, limit: number): Tensor[] => {
  const factor = minimum(div(limit, add(norm, 1e-6)), 1);
  return gradients.map((gradient) => mul(gradient, factor));
};

/** An input of the training step that carries one scheduled number. */
export const scheduledInput = (name: string): Tensor => input(`schedule.${name}`, []);
