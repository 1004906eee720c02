import { networkOf, type Schedule, type TrainingStep } from "../nn/index.ts";
import type { Value } from "../runtime/index.ts";
import { hasCheckpoint, requireCheckpointOf, writeTensors } from "./checkpoint.ts";
import type { Listener } from "./events.ts";
import { type MetricsLine, openMetricsLog, type RunFiles } from "./run-folder.ts";
import { openStepRunner, type StepRunnerOptions } from "./step-runner.ts";

export interface TrainingOptions extends StepRunnerOptions {
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
  /** Whether the lines of the log so far are reason to stop before `steps`: a function of them alone. Asked after each line. Default: never. */
  readonly until?: (lines: readonly MetricsLine[]) => boolean;
  /** Changes the first state of a training that starts anew, by what only data can tell. */
  readonly begin?: () => Promise<void>;
  readonly listener?: Listener;
  /** Saves and stops after the step that is running. */
  readonly signal?: AbortSignal;
}

export interface TrainingResult {
  /** Weights and running statistics of the network; their averages where the step keeps them. */
  readonly network: Map<string, Value>;
  readonly step: number;
  /** False when the signal stopped it early. */
  readonly finished: boolean;
}

/** The loop of every system: batch, step, log, checkpoint, until done. @throws Error when the loss is no longer a number. */
export const train = async (options: TrainingOptions): Promise<TrainingResult> => {
  const { runtime, steps, learningRate, files, checkpointEvery = 100, logEvery = 10, until, listener, signal } = options;
  const first = await writeFirstState(options);
  const runStep = await openStepRunner(options, first);
  const log = await openMetricsLog(files.metrics, first);
  let saved = first;
  const save = async (step: number): Promise<void> => {
    await writeTensors(files.checkpoint, await runtime.readState(), { step: String(step), digest: options.digest });
    saved = step;
  };

  const secondsBefore = log.lines.at(-1)?.seconds ?? 0;
  const started = performance.now();
  let done = first;
  const lines = [...log.lines];
  let enough = until?.(lines) ?? false;
  let beforePace = 0;
  while (done < steps && !enough && !signal?.aborted) {
    const step = done + 1;
    const rate = learningRate(step, steps);
    const measures = await runStep(step, rate).catch(async (error: unknown) => {
      // Such as an image that vanished: what was done so far is not lost. A failed program changes no state, but of a step of
      // several runs some may have changed it already.
      if (done > saved && isOneRun(options.step)) await save(done).catch(() => undefined);
      throw error;
    });
    done = step;
    for (const [name, value] of Object.entries(measures)) {
      // Checked before anything is saved: after an infinite gradient the weights are lost.
      if (Number.isFinite(value)) continue;
      throw new Error(
        `The ${name.replaceAll("_", " ")} is ${value} at step ${step}. A lower learning rate or gradient clipping usually cures this.`,
      );
    }
    const seconds = (performance.now() - started) / 1000;
    if (done === first + 1) beforePace = seconds;
    const paced = done - first - 1;
    const secondsLeft = paced < PACED ? undefined : ((seconds - beforePace) / paced) * (steps - done);
    listener?.({ kind: "step", step, total: steps, loss: measures.loss, learningRate: rate, secondsLeft });
    if (step % logEvery === 0 || step === 1 || step === steps) {
      const line = { step, learning_rate: rate, ...measures, seconds: Number((secondsBefore + seconds).toFixed(3)) };
      await log.append(line);
      lines.push(line);
      enough = until?.(lines) ?? false;
    }
    if (step % checkpointEvery === 0 && step < steps) await save(step);
  }
  if (done > saved) await save(done);
  const state = await runtime.readState([
    ...new Set(options.step.runs.flatMap(({ program }) => program.state.map(({ name }) => name))),
  ]);
  return { network: networkOf(state), step: done, finished: enough || done === steps };
};

/** Steps by which the time of a step is known. */
const PACED = 4;

const isOneRun = ({ runs }: TrainingStep): boolean => runs.length === 1 && runs[0].count === 1;

/** Writes the state that training starts from, of the checkpoint or new. Returns the number of steps already done. */
const writeFirstState = async ({ runtime, step, files, resume, digest, begin }: TrainingOptions): Promise<number> => {
  if (!resume || !(await hasCheckpoint(files))) {
    for (const first of step.initialState()) await runtime.writeState(new Map([first]));
    await begin?.();
    return 0;
  }
  const { tensors, metadata } = await requireCheckpointOf(files, digest);
  await runtime.writeState(tensors as ReadonlyMap<string, Value>);
  return Number(metadata.step);
};
