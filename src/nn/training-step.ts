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
import { type Declaration, type Parameters, trainable } from "./parameters.ts";
import { gradientName, type Kept, requireFreeNames, schedule, type UpdateDefinition, update, zeroValue } from "./update.ts";

/** A shape of float32 values, or shape and type, as class numbers need. */
export type BatchShape = readonly number[] | { readonly shape: readonly number[]; readonly type: DataType };

export interface TrainingStepDefinition extends UpdateDefinition {
  /** What is fed at every step, by name. */
  readonly batch: Readonly<Record<string, BatchShape>>;
  /** Whether a weight is trained, by its name. Default: all are. The others, and running statistics beside them, are held as they are. */
  readonly trains?: (name: string) => boolean;
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

/** A program that a step runs, once or several times in a row. */
export interface StepRun {
  readonly program: Program;
  readonly count: number;
  /** Whether it is fed a batch, another one each time. */
  readonly takesBatch: boolean;
  /** The scheduled numbers that it is fed the time `index` (from 0) of a step (from 1). Default: none. */
  readonly schedule?: (step: number, learningRate: number, index: number) => Values;
  /** Stands before the names of its results in a report. Default: nothing. */
  readonly prefix?: string;
}

export interface TrainingStep {
  /**
   * What a step runs, in this order, over one state. A plain step is one run: forward, backward and update, with the objective's results and `gradient_norm`
   * before clipping. With k micro-batches it is k runs of forward and backward, which add to sums of gradients, and one that takes
   * their mean for the update and sets the sums back to 0.
   */
  readonly runs: readonly StepRun[];
  /** The program of the last of these, which updates. */
  readonly program: Program;
  /** First values of everything the programs keep, made one after the other: they need not all lie in memory at once. */
  initialState(): Iterable<[name: string, value: Value]>;
  /** Names of what belongs to the network: its weights and running statistics, without what is kept beside them. */
  readonly networkState: readonly string[];
  /** The scheduled numbers of a step (counted from 1) that `program` is fed. */
  schedule(step: number, learningRate: number): Values;
}

/** Builds the graph of one training step: loss, gradients of every weight, optimiser, running statistics. */
export const trainingStep = (definition: TrainingStepDefinition): TrainingStep => {
  const { batch, objective, accumulate = 1, trains = () => true, seed, from } = definition;
  requireSensible(definition);
  const feeds = Object.fromEntries(Object.entries(batch).map(([name, given]) => [name, feedOf(name, given)]));
  const p = trainable({ seed, from });
  const results = objective(p, feeds);
  const weights = [...p.declarations].filter(([name, { trained }]) => trained && trains(name));
  if (weights.length === 0) throw new GraphError("trainingStep: the objective uses no weights, so there is nothing to train.");
  requireFreeNames(p.declarations.keys());
  const slopes = gradients(
    results.loss,
    weights.map(([, { tensor }]) => tensor),
  );
  const statistics = new Map([...p.updates].filter(([name]) => trains(name)));
  const pass = {
    definition,
    network: p.declarations,
    statistics,
    feeds: Object.values(feeds),
    results,
    slopes: new Map(weights.map(([name], i) => [name, slopes[i]])),
  };
  const scheduled = (step: number, learningRate: number): Values =>
    Object.fromEntries(
      Object.entries(schedule(definition, step, learningRate)).map(([name, value]) => [
        `schedule.${name}`,
        { data: Float32Array.of(value), shape: [] },
      ]),
    );
  const { kept, program, accumulation } = accumulate === 1 ? atOnce(pass) : inParts(pass, accumulate);
  return {
    runs: [
      ...(accumulation ? [{ program: accumulation, count: accumulate, takesBatch: true }] : []),
      { program, count: 1, takesBatch: accumulation === undefined, schedule: scheduled },
    ],
    program,
    *initialState() {
      for (const [name, { initialise }] of [...p.declarations, ...kept]) yield [name, initialise()];
    },
    networkState: [...p.declarations.keys()],
    schedule: scheduled,
  };
};

/** Forward and backward: nodes from a batch to results and the gradient of every weight. */
interface Pass {
  readonly definition: TrainingStepDefinition;
  readonly network: ReadonlyMap<string, Declaration>;
  /** Next values of running statistics. */
  readonly statistics: ReadonlyMap<string, Tensor>;
  readonly feeds: readonly Tensor[];
  readonly results: Readonly<Record<string, Tensor>>;
  readonly slopes: ReadonlyMap<string, Tensor>;
}

interface Programs {
  readonly program: Program;
  readonly accumulation?: Program;
  readonly kept: Kept;
}

const tensorsOf = (kept: Kept): Tensor[] => [...kept.values()].map(({ tensor }) => tensor);

/** Everything in one program. */
const atOnce = ({ definition, network, statistics, feeds, results, slopes }: Pass): Programs => {
  const { scheduled, kept, updates, norm } = update(definition, network, slopes, statistics);
  return {
    kept,
    program: program({
      feeds: [...feeds, ...scheduled],
      state: [...tensorsOf(network), ...tensorsOf(kept)],
      updates: new Map([...statistics, ...updates]),
      results: { ...results, gradient_norm: norm },
    }),
  };
};

/** A program that sums gradients, and one that makes a step of their mean. */
const inParts = ({ definition, network, statistics, feeds, results, slopes }: Pass, count: number): Programs => {
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
    state: [...tensorsOf(network), ...tensorsOf(sums)],
    updates: new Map([...statistics, ...totals]),
    results,
  });

  const means = new Map([...slopes.keys()].map((name) => [name, mul(sumOf(name), 1 / count)]));
  // Running statistics are state here: the micro-batches have already brought them to their values after this step.
  const { scheduled, kept, updates, norm } = update(definition, network, means, new Map());
  const cleared = [...sums].map(([name, { tensor }]) => [name, zerosLike(tensor)] as const);
  return {
    kept: new Map([...kept, ...sums]),
    accumulation,
    program: program({
      feeds: scheduled,
      state: [...tensorsOf(network), ...tensorsOf(kept), ...tensorsOf(sums)],
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
