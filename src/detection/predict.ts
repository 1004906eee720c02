import { basename, extname, join } from "node:path";
import { expandInputs, prefetch, type SkippedFile, writePng } from "../imaging/index.ts";
import type { Detector } from "./detector.ts";
import type { EvaluationOptions } from "./evaluate.ts";
import { heatOverlay } from "./pictures.ts";
import { readImage } from "./read.ts";

export interface Prediction {
  readonly file: string;
  readonly score: number;
  readonly anomalous: boolean | undefined;
  /** The picture that was written. */
  readonly heatmap: string | undefined;
}

export interface Predictions {
  readonly predictions: readonly Prediction[];
  /** Files that could not be used, each with its reason. */
  readonly failures: readonly SkippedFile[];
  /** Masks of data sets among the inputs: they were left out. */
  readonly masks: readonly string[];
  /** Whether the signal stopped it before the last file. */
  readonly stopped: boolean;
}

/**
 * Scores files and folders of images, in order, and writes each one's heat map to `out` as PNG where that is given.
 * A file that cannot be read is named in `failures`; the others are finished. Stopped by the signal, it returns what is done.
 */
export const predict = async (
  detector: Detector,
  inputs: readonly string[],
  { out, listener, signal, workers = 2 }: EvaluationOptions & { readonly out?: string } = {},
): Promise<Predictions> => {
  const { paths, masks, skipped } = await expandInputs(inputs);
  const failures = [...skipped];
  const predictions: Prediction[] = [];
  const names = new Set<string>();
  let done = 0;
  const tasks = paths.map((path) => () => readImage(path, detector.description).catch((error: Error) => error));
  for await (const image of prefetch(tasks, workers)) {
    if (signal?.aborted) return { predictions, failures, masks, stopped: true };
    const file = paths[done++];
    listener?.({ kind: "count", text: "predicting", done, total: paths.length });
    try {
      if (image instanceof Error) throw image;
      const detection = await detector.detect(image);
      const heatmap = out === undefined ? undefined : join(out, pictureName(file, names));
      if (heatmap !== undefined) await writePng(heatmap, heatOverlay(image, detection, detector.description));
      predictions.push({ file, score: detection.score, anomalous: detection.anomalous, heatmap });
    } catch (error) {
      failures.push({ path: file, reason: (error as Error).message });
    }
  }
  return { predictions, failures, masks, stopped: false };
};

/** Bytes of a file's name that every system can write, less what is added to it. */
const LONGEST_STEM = 200;

/** `crack.jpg` -> `crack.heatmap.png`; a second file of that name gets `crack-2.heatmap.png`. */
const pictureName = (file: string, taken: Set<string>): string => {
  const stem = Buffer.from(basename(file, extname(file)))
    .subarray(0, LONGEST_STEM)
    .toString()
    .replace(/\ufffd+$/, "");
  for (let number = 1; ; number++) {
    const name = `${stem}${number === 1 ? "" : `-${number}`}.heatmap.png`;
    if (taken.has(name.toLowerCase())) continue; // some systems do not tell A from a
    taken.add(name.toLowerCase());
    return name;
  }
};
