import { add, GraphError, input, mul, reshape, sub, type Tensor } from "../graph/index.ts";
import type { Value } from "../runtime/index.ts";
import { clipByGlobalNorm, globalNorm, type Optimiser, scheduledInput } from "./optimisers.ts";
import type { Declaration } from "./parameters.ts";

export interface UpdateDefinition {
  readonly optimiser: Optimiser;
  /** Largest global norm of the gradients. Default: no limit. */
  readonly clipNorm?: number;
  /**
   * Keep an exponential moving average of the network beside it: at every step `a = d a + (1 - d) w`, w being the step's new value
   * and d = min(decay, (1 + t) / (10 + t)) at step t, so that a short training is not ruled by its first values. Running statistics
   * are averaged alike: those of the last weights would not suit the averaged ones. Default: none is kept.
   */
  readonly average?: { readonly decay: number };
}

/** What is kept from step to step, by name: graph inputs and their first values. */
export type Kept = ReadonlyMap<string, Pick<Declaration, "tensor" | "initialise">>;

/** What a step makes of its gradients: nodes of the training graph. */
export interface Update {
  /** Inputs for the step's scheduled numbers. */
  readonly scheduled: readonly Tensor[];
  /** What is kept beside the network: the optimiser's memory and the averages. */
  readonly kept: Kept;
  /** Next values of the weights and of all that is kept. */
  readonly updates: ReadonlyMap<string, Tensor>;
  /** Global norm of the gradients before clipping. */
  readonly norm: Tensor;
}

/**
 * Clips the gradients, moves the weights by the optimiser and lets the averages follow. `statistics` are the values after this
 * step of what the network changes itself.
 */
export const update = (
  { optimiser, clipNorm, average }: UpdateDefinition,
  network: ReadonlyMap<string, Declaration>,
  gradients: ReadonlyMap<string, Tensor>,
  statistics: ReadonlyMap<string, Tensor>,
): Update => {
  const raw = [...gradients.values()].map(compact);
  const norm = globalNorm(raw);
  const limited = clipNorm === undefined ? raw : clipByGlobalNorm(raw, norm, clipNorm);

  const scheduled = new Map(Object.keys(schedule({ optimiser, average }, 1, 1)).map((name) => [name, scheduledInput(name)]));
  const kept = new Map<string, Pick<Declaration, "tensor" | "initialise">>();
  const keep = (name: string, shape: readonly number[], initialise: () => Value): Tensor => {
    const tensor = kept.get(name)?.tensor ?? input(name, shape);
    kept.set(name, { tensor, initialise });
    return tensor;
  };
  const updates = new Map<string, Tensor>();
  for (const [index, name] of [...gradients.keys()].entries()) {
    const { tensor, decays } = network.get(name)!;
    const shape = tensor.shape as readonly number[];
    const memory = (kind: string): Tensor => compact(keep(memoryName(name, kind), shape, () => zeroValue(shape)));
    const next = optimiser.update(compact(tensor), limited[index], memory, (key) => scheduled.get(key)!, decays);
    updates.set(name, reshape(next.parameter, shape));
    for (const [kind, value] of Object.entries(next.memory)) updates.set(memoryName(name, kind), reshape(value, shape));
  }
  if (average !== undefined) {
    for (const [name, { tensor, initialise }] of network) {
      const follower = keep(averageName(name), tensor.shape as readonly number[], initialise);
      const value = updates.get(name) ?? statistics.get(name) ?? tensor;
      // This form stays exactly where it is once the weights rest, whatever the rounding of the share.
      updates.set(averageName(name), add(follower, mul(sub(value, follower), scheduled.get(AVERAGE_SHARE)!)));
    }
  }
  return { scheduled: [...scheduled.values()], kept, updates, norm };
};

/**
 * The weights of a 1x1 convolution, [a, b, 1, 1], as [a, b]: ONNX Runtime's arithmetic with a single number takes some thirty times as long
 * where the last axes have one position.
 */
const compact = (x: Tensor): Tensor =>
  x.rank === 4 && x.shape[2] === 1 && x.shape[3] === 1 ? reshape(x, x.shape.slice(0, 2)) : x;

/** The numbers of a step (counted from 1) that change from step to step, in double precision. */
export const schedule = (
  { optimiser, average }: Pick<UpdateDefinition, "optimiser" | "average">,
  step: number,
  learningRate: number,
): Record<string, number> => ({
  ...optimiser.schedule(step, learningRate),
  ...(average === undefined ? {} : { [AVERAGE_SHARE]: 1 - Math.min(average.decay, (1 + step) / (10 + step)) }),
});

/** Share of the new value in an average: 1 - d. */
const AVERAGE_SHARE = "average_share";

const memoryName = (parameter: string, kind: string): string => `optimiser.${kind}.${parameter}`;
const averageName = (parameter: string): string => `average.${parameter}`;

/** Name of the state that sums a weight's gradients over micro-batches. */
export const gradientName = (parameter: string): string => `gradient.${parameter}`;

/** Beginnings of the names of what a training keeps beside its network. */
const RESERVED = /^(optimiser|average|gradient)\./;

/** @throws GraphError when a parameter would share its name with what a training keeps beside it. */
export const requireFreeNames = (names: Iterable<string>): void => {
  for (const name of names) {
    if (RESERVED.test(name)) {
      throw new GraphError(`trainingStep: "${name}" is no name for a parameter: what begins so is kept beside the network.`);
    }
  }
};

/** The network in the state of a training, by its own names: the averages where they are kept, else weights and statistics. */
export const networkOf = (state: ReadonlyMap<string, Value>): Map<string, Value> =>
  new Map(
    [...state].filter(([name]) => !RESERVED.test(name)).map(([name, value]) => [name, state.get(averageName(name)) ?? value]),
  );

export const zeroValue = (shape: readonly number[]): Value => ({
  data: new Float32Array(shape.reduce((product, size) => product * size, 1)),
  shape,
});
