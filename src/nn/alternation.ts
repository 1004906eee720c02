import type { Value, Values } from "../runtime/index.ts";
import type { TrainingStep } from "./training-step.ts";

/** The training of one part of a network, while the others are held: a step whose `trains` chooses its weights. */
export interface AlternatingPart {
  /** Stands before its results in a report. */
  readonly name: string;
  readonly step: TrainingStep;
  /** How many of its steps follow one another, each on a batch of its own. Default 1. */
  readonly count?: number;
  /** Its share of the learning rate. Default 1. */
  readonly rate?: number;
}

/**
 * Steps of several parts over one state, in turn, such as a generator's and a detector's (Goodfellow et al. 2014, algorithm 1): one step of the whole is
 * `count` of the first, then `count` of the second, and so on. What one part moves the next one sees. Each part counts its own steps for
 * its optimiser. What is reported is the last step's of each part; the
 * loss that is called `loss` is that of the last part.
 */
export const alternatingStep = (parts: readonly AlternatingPart[]): TrainingStep => {
  const last = parts[parts.length - 1];
  return {
    runs: parts.flatMap(({ name, step, count = 1, rate = 1 }) =>
      Array.from({ length: count }, (_, turn) =>
        step.runs.map(({ schedule, ...run }) => ({
          ...run,
          schedule: (number: number, learningRate: number, index: number): Values =>
            schedule?.((number - 1) * count + turn + 1, learningRate * rate, index) ?? {},
          ...(step === last.step ? {} : { prefix: `${name}_` }),
        })),
      ).flat(),
    ),
    program: last.step.program,
    *initialState() {
      const seen = new Set<string>();
      for (const { step } of parts) {
        for (const [name, value] of step.initialState() as Iterable<[string, Value]>) {
          if (!seen.has(name)) yield [name, value];
          seen.add(name);
        }
      }
    },
    networkState: [...new Set(parts.flatMap(({ step }) => step.networkState))],
    schedule: last.step.schedule,
  };
};
