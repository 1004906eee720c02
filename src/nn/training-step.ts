import { GraphError, gradients, input, type Program, program, type Tensor } from "../graph/index.ts";
import type { Value, Values } from "../runtime/index.ts";
import { clipByGlobalNorm, globalNorm, type Optimiser, scheduledInput } from "./optimisers.ts";
import { type Parameters, trainable } from "./parameters.ts";

export interface TrainingStepDefinition {
  /** Shapes of the batch, by name: float32 tensors fed at every step. */
  readonly batch: Readonly<Record<string, readonly number[]>>;
  /** The loss, a single value, from the network's parameters and the batch. Further results are reported beside it. */
  readonly objective: (
    p: Parameters,
    batch: Readonly<Record<string, Tensor>>,
  ) => { readonly loss: Tensor } & Readonly<Record<string, Tensor>>;
  readonly optimiser: Optimiser;
  /** Largest global norm of the gradients. Default: no limit. */
  readonly clipNorm?: number;
  /** Seeds the first values of the parameters. Default 0. */
  readonly seed?: number;
}

export interface TrainingStep {
  /** Forward, backward and update in one program. Results: the objective's, and `gradient_norm` before clipping. */
  readonly program: Program;
  /** First values of everything the program keeps. */
  readonly initialState: ReadonlyMap<string, Value>;
  /** Names of what belongs to the network: its weights and running statistics, without the optimiser's memory. */
  readonly networkState: readonly string[];
  /** The scheduled numbers of a step (counted from 1), to be fed with the batch. */
  schedule(step: number, learningRate: number): Values;
}

/** Builds the graph of one training step: loss, gradients of every weight, optimiser, running statistics. */
export const trainingStep = ({ batch, objective, optimiser, clipNorm, seed = 0 }: TrainingStepDefinition): TrainingStep => {
  const feeds = Object.fromEntries(Object.entries(batch).map(([name, shape]) => [name, input(name, shape)]));
  const p = trainable({ seed });
  const results = objective(p, feeds);
  const trained = [...p.declarations].filter(([, { trained }]) => trained);
  if (trained.length === 0) throw new GraphError("trainingStep: the objective uses no weights, so there is nothing to train.");

  const raw = gradients(
    results.loss,
    trained.map(([, { tensor }]) => tensor),
  );
  const norm = globalNorm(raw);
  const limited = clipNorm === undefined ? raw : clipByGlobalNorm(raw, norm, clipNorm);

  const scheduleNames = Object.keys(optimiser.schedule(1, 1));
  const scheduled = Object.fromEntries(scheduleNames.map((name) => [name, scheduledInput(name)]));
  const updates = new Map(p.updates);
  const memory = new Map<string, Tensor>();
  for (const [index, [name, { tensor }]] of trained.entries()) {
    const remembered = (kind: string): Tensor => {
      const key = memoryName(name, kind);
      const slot = memory.get(key) ?? input(key, tensor.shape);
      memory.set(key, slot);
      return slot;
    };
    // Weight decay is for the weights of linear maps: shrinking biases and scales only hinders (Loshchilov's and later practice).
    const next = optimiser.update(tensor, limited[index], remembered, (key) => scheduled[key], tensor.rank > 1);
    updates.set(name, next.parameter);
    for (const [kind, value] of Object.entries(next.memory)) updates.set(memoryName(name, kind), value);
  }

  const initialState = new Map([...p.declarations].map(([name, { initialise }]) => [name, initialise()]));
  for (const [name, { shape }] of memory) {
    const sizes = shape as readonly number[];
    initialState.set(name, { data: new Float32Array(sizes.reduce((product, size) => product * size, 1)), shape: sizes });
  }
  return {
    program: program({
      feeds: [...Object.values(feeds), ...Object.values(scheduled)],
      state: [...[...p.declarations.values()].map(({ tensor }) => tensor), ...memory.values()],
      updates,
      results: { ...results, gradient_norm: norm },
    }),
    initialState,
    networkState: [...p.declarations.keys()],
    schedule: (step, learningRate) =>
      Object.fromEntries(
        Object.entries(optimiser.schedule(step, learningRate)).map(([name, value]) => [
          `schedule.${name}`,
          { data: Float32Array.of(value), shape: [] },
        ]),
      ),
  };
};

const memoryName = (parameter: string, kind: string): string => `optimiser.${kind}.${parameter}`;
