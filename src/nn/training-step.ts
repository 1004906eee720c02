import {
  add,
  type DataType,
  GraphError,
  gradients,
  input,
  mul,
  type Program,
  program,
  type Tensor,
  zerosLike,
} from "../graph/index.ts";
import type { Value, Values } from "../runtime/index.ts";
import { type Parameters, trainable } from "./parameters.ts";
import { gradientName, type Kept, requireFreeNames, schedule, type UpdateDefinition, update, zeroValue } from "./update.ts";

/** A shape of float32 values, or shape and type, as class numbers need. */
export type BatchShape = readonly number[] | { readonly shape: readonly number[]; readonly type: DataType };

export interface TrainingStepDefinition extends UpdateDefinition {
  /** What is fed at every step, by name. */
  readonly batch: Readonly<Record<string, BatchShape>>;
  /** The loss, a single value, from the network's parameters and the batch. Further results are reported beside it. */
  readonly objective: (
    p: Parameters,
    batch: Readonly<Record<string, Tensor>>,
  ) => { readonly loss: Tensor } & Readonly<Record<string, Tensor>>;
  /** Micro-batches of `batch` whose mean gradient makes one step: for steps larger than the memory. Default 1. */
  readonly accumulate?: number;
  /** Seeds the first values of the parameters. Default 0. */
  readonly seed?: number;
  /** First values of parameters, by name, instead of seeded ones. */
  readonly from?: ReadonlyMap<string, Value>;
}

export interface TrainingStep {
  /**
   * Forward, backward and update in one program. Results: the objective's, and `gradient_norm` before clipping.
   * With `accumulation` it is the update alone: it is fed the scheduled numbers and returns `gradient_norm`.
   */
  readonly program: Program;
  /**
   * Forward and backward of one micro-batch over the same state: adds to the sums of gradients. It runs `count` times, then
   * `program` once, which takes their mean and sets the sums back to 0. Results: the objective's. Absent with one micro-batch.
   */
  readonly accumulation?: { readonly program: Program; readonly count: number };
  /** First values of everything the programs keep, made one after the other: they need not all lie in memory at once. */
  initialState(): Iterable<[name: string, value: Value]>;
  /** Names of what belongs to the network: its weights and running statistics, without what is kept beside them. */
  readonly networkState: readonly string[];
  /** The scheduled numbers of a step (counted from 1), to be fed to `program`. */
  schedule(step: number, learningRate: number): Values;
}

/** Builds the graph of one training step: loss, gradients of every weight, optimiser, running statistics. */
export const trainingStep = (definition: TrainingStepDefinition): TrainingStep => {
  const { batch, objective, accumulate = 1, seed, from } = definition;
  requireSensible(definition);
  const feeds = Object.fromEntries(Object.entries(batch).map(([name, given]) => [name, feedOf(name, given)]));
  const p = trainable({ seed, from });
  const results = objective(p, feeds);
  const weights = [...p.declarations].filter(([, { trained }]) => trained);
  if (weights.length === 0) throw new GraphError("trainingStep: the objective uses no weights, so there is nothing to train.");
  requireFreeNames(p.declarations.keys());
  const slopes = gradients(
    results.loss,
    weights.map(([, { tensor }]) => tensor),
  );
  const pass = {
    definition,
    p,
    feeds: Object.values(feeds),
    results,
    slopes: new Map(weights.map(([name], i) => [name, slopes[i]])),
  };
  const { kept, ...programs } = accumulate === 1 ? atOnce(pass) : inParts(pass, accumulate);
  return {
    ...programs,
    *initialState() {
      for (const [name, { initialise }] of [...p.declarations, ...kept]) yield [name, initialise()];
    },
    networkState: [...p.declarations.keys()],
    schedule: (step, learningRate) =>
      Object.fromEntries(
        Object.entries(schedule(definition, step, learningRate)).map(([name, value]) => [
          `schedule.${name}`,
          { data: Float32Array.of(value), shape: [] },
        ]),
      ),
  };
};

/** Forward and backward: nodes from a batch to results and the gradient of every weight. */
interface Pass {
  readonly definition: TrainingStepDefinition;
  readonly p: Parameters;
  readonly feeds: readonly Tensor[];
  readonly results: Readonly<Record<string, Tensor>>;
  readonly slopes: ReadonlyMap<string, Tensor>;
}

type Programs = Pick<TrainingStep, "program" | "accumulation"> & { readonly kept: Kept };

const tensorsOf = (kept: Kept): Tensor[] => [...kept.values()].map(({ tensor }) => tensor);

/** Everything in one program. */
const atOnce = ({ definition, p, feeds, results, slopes }: Pass): Programs => {
  const { scheduled, kept, updates, norm } = update(definition, p.declarations, slopes, p.updates);
  return {
    kept,
    program: program({
      feeds: [...feeds, ...scheduled],
      state: [...tensorsOf(p.declarations), ...tensorsOf(kept)],
      updates: new Map([...p.updates, ...updates]),
      results: { ...results, gradient_norm: norm },
    }),
  };
};

/** A program that sums gradients, and one that makes a step of their mean. */
const inParts = ({ definition, p, feeds, results, slopes }: Pass, count: number): Programs => {
  const sums = new Map(
    [...slopes].map(([name, { shape }]) => [
      gradientName(name),
      { tensor: input(gradientName(name), shape), initialise: () => zeroValue(shape as readonly number[]) },
    ]),
  );
  const sumOf = (weight: string): Tensor => sums.get(gradientName(weight))!.tensor;
  const totals = [...slopes].map(([name, slope]) => [gradientName(name), add(sumOf(name), slope)] as const);
  const accumulation = program({
    feeds,
    state: [...tensorsOf(p.declarations), ...tensorsOf(sums)],
    updates: new Map([...p.updates, ...totals]),
    results,
  });

  const means = new Map([...slopes.keys()].map((name) => [name, mul(sumOf(name), 1 / count)]));
  // Running statistics are state here: the micro-batches have already brought them to their values after this step.
  const { scheduled, kept, updates, norm } = update(definition, p.declarations, means, new Map());
  const cleared = [...sums].map(([name, { tensor }]) => [name, zerosLike(tensor)] as const);
  return {
    kept: new Map([...kept, ...sums]),
    accumulation: { program: accumulation, count },
    program: program({
      feeds: scheduled,
      state: [...tensorsOf(p.declarations), ...tensorsOf(kept), ...tensorsOf(sums)],
      updates: new Map([...updates, ...cleared]),
      results: { gradient_norm: norm },
    }),
  };
};

const feedOf = (name: string, given: BatchShape): Tensor =>
  "type" in given ? input(name, given.shape, given.type) : input(name, given);

const requireSensible = ({ accumulate = 1, average }: TrainingStepDefinition): void => {
  if (!Number.isInteger(accumulate) || accumulate < 1) {
    throw new GraphError(`trainingStep: ${accumulate} is not a number of micro-batches.`);
  }
  if (average !== undefined && !(average.decay >= 0 && average.decay < 1)) {
    throw new GraphError(`trainingStep: the decay of an average must be at least 0 and below 1, but is ${average.decay}.`);
  }
};
