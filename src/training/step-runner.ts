import type { Program } from "../graph/index.ts";
import type { StepRun, TrainingStep } from "../nn/index.ts";
import type { LoadedProgram, Runtime, Values } from "../runtime/index.ts";

export interface StepRunnerOptions {
  readonly runtime: Runtime;
  readonly step: TrainingStep;
  /**
   * A batch by its number (from 1), a function of that alone: prepared ahead, and the same after a resume. Where a step takes k
   * batches, step s takes the batches (s - 1) k + 1 ... s k.
   */
  readonly batch: (number: number) => Promise<Values>;
  /** Number of steps in all. */
  readonly steps: number;
}

/** Runs the steps of a training in order, from the one after `done`; returns each one's results, averaged over the runs of a program. */
export const openStepRunner = async ({ runtime, step, batch, steps }: StepRunnerOptions, done: number) => {
  const runs: (StepRun & { readonly loaded: LoadedProgram })[] = [];
  const programs = new Map<Program, LoadedProgram>();
  for (const run of step.runs) {
    const loaded = programs.get(run.program) ?? (await runtime.load(run.program));
    programs.set(run.program, loaded);
    runs.push({ ...run, loaded });
  }
  const batchesPerStep = step.runs.reduce((total, { count, takesBatch }) => total + (takesBatch ? count : 0), 0);

  let asked = done * batchesPerStep;
  let next: Promise<Values> | undefined;
  const onNextBatch = async (program: LoadedProgram, scheduled: Values): Promise<Values> => {
    const running = program.run({ ...(await (next ?? batch(++asked))), ...scheduled });
    next = asked < steps * batchesPerStep ? batch(++asked) : undefined; // prepared while the program runs
    next?.catch(() => undefined); // a failure surfaces where it is awaited, one batch later
    return running;
  };

  return async (number: number, learningRate: number): Promise<Record<string, number>> => {
    const found: Record<string, number> = {};
    for (const { loaded, count, takesBatch, schedule, prefix = "" } of runs) {
      const parts: Values[] = [];
      while (parts.length < count) {
        const scheduled = schedule?.(number, learningRate, parts.length) ?? {};
        parts.push(await (takesBatch ? onNextBatch(loaded, scheduled) : loaded.run(scheduled)));
      }
      for (const [name, mean] of Object.entries(meansOf(parts))) found[`${prefix}${name}`] = mean;
    }
    return found;
  };
};

const meansOf = (parts: readonly Values[]): Record<string, number> => {
  const mean = (name: string) => parts.reduce((total, results) => total + Number(results[name].data[0]), 0) / parts.length;
  return Object.fromEntries(Object.keys(parts[0]).map((name) => [name, mean(name)]));
};
