import type { TrainingStep } from "../nn/index.ts";
import type { LoadedProgram, Runtime, Values } from "../runtime/index.ts";

export interface StepRunnerOptions {
  readonly runtime: Runtime;
  readonly step: TrainingStep;
  /**
   * A batch by its number (from 1), a function of that alone: prepared ahead, and the same after a resume. Where a step takes k
   * micro-batches, step s takes the batches (s - 1) k + 1 ... s k.
   */
  readonly batch: (number: number) => Promise<Values>;
  /** Number of steps in all. */
  readonly steps: number;
}

/** Runs the steps of a training in order, from the one after `done`; returns each one's results, averaged over its micro-batches. */
export const openStepRunner = async ({ runtime, step, batch, steps }: StepRunnerOptions, done: number) => {
  const { accumulation } = step;
  const update = await runtime.load(step.program);
  const accumulate = accumulation && (await runtime.load(accumulation.program));
  const batchesPerStep = accumulation?.count ?? 1;

  let asked = done * batchesPerStep;
  let next: Promise<Values> | undefined;
  const onNextBatch = async (program: LoadedProgram, scheduled: Values = {}): Promise<Values> => {
    const running = program.run({ ...(await (next ?? batch(++asked))), ...scheduled });
    next = asked < steps * batchesPerStep ? batch(++asked) : undefined; // prepared while the program runs
    next?.catch(() => undefined); // a failure surfaces where it is awaited, one batch later
    return running;
  };

  return async (number: number, learningRate: number): Promise<Record<string, number>> => {
    const scheduled = step.schedule(number, learningRate);
    if (accumulate === undefined) return meansOf([await onNextBatch(update, scheduled)]);
    const parts: Values[] = [];
    while (parts.length < batchesPerStep) parts.push(await onNextBatch(accumulate));
    return { ...meansOf(parts), ...meansOf([await update.run(scheduled)]) };
  };
};

const meansOf = (parts: readonly Values[]): Record<string, number> => {
  const mean = (name: string) => parts.reduce((total, results) => total + Number(results[name].data[0]), 0) / parts.length;
  return Object.fromEntries(Object.keys(parts[0]).map((name) => [name, mean(name)]));
};
