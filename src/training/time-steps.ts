import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Listener } from "./events.ts";

/** The first steps compile and fill caches. */
const WARM_UP_STEPS = 2;
const TIMED_STEPS = 20;

export interface TimedTraining {
  /** A temporary folder, which is removed. */
  readonly out: string;
  /** Steps that it is begun for; it is stopped before the last. */
  readonly steps: number;
  readonly listener: Listener;
  readonly signal: AbortSignal;
}

/**
 * Seconds of a step where a quarter of the steps of a training, given up after a few, took less: for trainings of as many minutes, whatever a
 * step takes. Not the median, which other work on the machine lengthens sooner.
 * @throws the signal's reason when it was interrupted.
 */
export const timeSteps = async (
  train: (timed: TimedTraining) => Promise<unknown>,
  { listener, signal }: { readonly listener?: Listener; readonly signal?: AbortSignal } = {},
): Promise<number> => {
  const folder = await mkdtemp(join(tmpdir(), "lynceus-timing-"));
  const enough = new AbortController();
  const ends: number[] = [];
  const watch: Listener = (event) => {
    if (event.kind === "count") listener?.(event);
    if (event.kind !== "step") return;
    ends.push(performance.now());
    if (ends.length === WARM_UP_STEPS + TIMED_STEPS) enough.abort();
  };
  try {
    listener?.({ kind: "stage", text: `timing ${TIMED_STEPS} steps` });
    await train({
      out: folder,
      steps: WARM_UP_STEPS + TIMED_STEPS + 1,
      listener: watch,
      signal: AbortSignal.any([enough.signal, ...(signal ? [signal] : [])]),
    });
    signal?.throwIfAborted();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const seconds = ends
    .slice(WARM_UP_STEPS)
    .map((end, index) => (end - ends[WARM_UP_STEPS - 1 + index]) / 1000)
    .sort((a, b) => a - b);
  return seconds[Math.floor(seconds.length / 4)];
};
