import { basename, extname, join } from "node:path";
import { decodeImage, expandInputs, prefetch, type SkippedFile, writePng } from "../imaging/index.ts";
import type { Listener } from "../training/index.ts";
import type { Detector } from "./detector.ts";
import { heatOverlay } from "./pictures.ts";

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
}

/**
 * Scores files and folders of images, in order, and writes each one's heat map to `out` as PNG where that is given.
 * A file that cannot be read is named in `failures`; the others are finished.
 */
export const predict = async (
  detector: Detector,
  inputs: readonly string[],
  { out, listener }: { readonly out?: string; readonly listener?: Listener } = {},
): Promise<Predictions> => {
  const { paths, skipped } = await expandInputs(inputs);
  const failures = [...skipped];
  const predictions: Prediction[] = [];
  const names = new Map<string, number>();
  let done = 0;
  const tasks = paths.map((path) => () => decodeImage(path).catch((error: Error) => error));
  for await (const image of prefetch(tasks, 2)) {
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
  return { predictions, failures };
};

/** `crack.jpg` -> `crack.heatmap.png`; a second file of that name gets `crack-2.heatmap.png`. */
const pictureName = (file: string, names: Map<string, number>): string => {
  const stem = basename(file, extname(file));
  const count = (names.get(stem) ?? 0) + 1;
  names.set(stem, count);
  return `${stem}${count === 1 ? "" : `-${count}`}.heatmap.png`;
};
