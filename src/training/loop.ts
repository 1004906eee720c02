import type { Schedule, TrainingStep } from "../nn/index.ts";
import type { Runtime, Value, Values } from "../runtime/index.ts";
import { hasCheckpoint, requireCheckpointOf, writeTensors } from "./checkpoint.ts";
import type { Listener } from "./events.ts";
import { openMetricsLog, type RunFiles } from "./run-folder.ts";

export interface TrainingOptions {
  readonly runtime: Runtime;
  readonly step: TrainingStep;
  /** The batch of a step, a function of its number (from 1) alone: prepared ahead, and the same after a resume. */
  readonly batch: (step: number) => Promise<Values>;
  /** Number of steps in all. */
  readonly steps: number;
  readonly learningRate: Schedule;
  readonly files: RunFiles;
  /** Identifies what is being trained; a checkpoint of something else is refused. */
  readonly digest: string;
  /** Go on from the last checkpoint where there is one. Default false: start anew. */
  readonly resume?: boolean;
  /** Steps between checkpoints. Default 100. */
  readonly checkpointEvery?: number;
  /** Steps between lines of the log. Default 10. */
  readonly logEvery?: number;
  readonly listener?: Listener;
  /** Saves and stops after the step that is running. */
  readonly signal?: AbortSignal;
}

export interface TrainingResult {
  /** Weights and running statistics of the network. */
  readonly network: Map<string, Value>;
  readonly step: number;
  /** False when the signal stopped it early. */
  readonly finished: boolean;
}

/** The loop of every system: batch, step, log, checkpoint, until done. @throws Error when the loss is no longer a number. */
export const train = async (options: TrainingOptions): Promise<TrainingResult> => {
  const {
    runtime,
    step: program,
    batch,
    steps,
    learningRate,
    files,
    checkpointEvery = 100,
    logEvery = 10,
    listener,
    signal,
  } = options;
  const first = await startingState(options);
  await runtime.writeState(first.state);
  const loaded = await runtime.load(program.program);
  const log = await openMetricsLog(files.metrics, first.step);
  const save = async (step: number) =>
    writeTensors(files.checkpoint, await runtime.readState(), { step: String(step), digest: options.digest });

  const started = performance.now();
  let done = first.step;
  let next = done < steps && !signal?.aborted ? batch(done + 1) : undefined;
  while (next !== undefined && !signal?.aborted) {
    const step = done + 1;
    const feeds = await next;
    const rate = learningRate(step, steps);
    const running = loaded.run({ ...feeds, ...program.schedule(step, rate) });
    next = step < steps ? batch(step + 1) : undefined; // prepared while the step runs
    next?.catch(() => undefined); // a failure surfaces where it is awaited, one step later
    const results = await running;
    done = step;

    const measures = Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, Number(data[0])]));
    for (const [name, value] of Object.entries(measures)) {
      // Checked before anything is saved: after an infinite gradient the weights are lost.
      if (Number.isFinite(value)) continue;
      throw new Error(
        `The ${name.replaceAll("_", " ")} is ${value} at step ${step}. A lower learning rate or gradient clipping usually cures this.`,
      );
    }
    const secondsLeft = ((performance.now() - started) / 1000 / (done - first.step)) * (steps - done);
    listener?.({ kind: "step", step, total: steps, loss: measures.loss, learningRate: rate, secondsLeft });
    if (step % logEvery === 0 || step === 1) {
      await log.append({ step, learning_rate: rate, ...measures });
    }
    if (step % checkpointEvery === 0 && step < steps) await save(step);
  }
  if (done > first.step) await save(done);
  return { network: await runtime.readState(program.networkState), step: done, finished: done === steps };
};

const startingState = async ({ step, files, resume, digest }: TrainingOptions) => {
  if (!resume || !(await hasCheckpoint(files))) return { step: 0, state: step.initialState };
  const { tensors, metadata } = await requireCheckpointOf(files, digest);
  return { step: Number(metadata.step), state: tensors as ReadonlyMap<string, Value> };
};
