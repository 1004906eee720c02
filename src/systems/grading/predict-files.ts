import { stat } from "node:fs/promises";
import type { SkippedFile } from "../../imaging/index.ts";
import { digestOf } from "../../training/index.ts";
import type { Predicted, PredictRequest } from "../system.ts";
import { readSlides } from "./data.ts";
import { stemOf, writeSlideOutputs } from "./output/index.ts";
import { predictSlide } from "./predict.ts";
import type { SlideResult } from "./result.ts";
import { openSegmenter } from "./segmenter.ts";

/**
 * Predicts slides: what is said of each is written into the folder, see `writeSlideOutputs`. A slide
 * that cannot be used is a failure, and the others go on; an interrupted one goes on after its last finished patch when the same is
 * asked again.
 */
export const predict = async (request: PredictRequest): Promise<Predicted> => {
  const { model, inputs, out, threads, provider, micronsPerPixel, listener, signal } = request;
  const segmenter = await openSegmenter(model, { threads, provider });
  const modelDigest = digestOf(model);
  const lines: string[] = [];
  const predictions: unknown[] = [];
  const failures: SkippedFile[] = [];
  try {
    const paths: string[] = [];
    for (const input of inputs) paths.push(...(await slidesAt(input, failures)));
    for (const [path, stem] of stemsOf(paths)) {
      signal?.throwIfAborted();
      try {
        const options = { folder: out, stem, modelDigest, micronsPerPixel, listener, signal };
        const predicted = await predictSlide(segmenter, path, options);
        try {
          const { slide, result, labels } = predicted;
          const files = await writeSlideOutputs(out, slide, result, labels, { stem, signal });
          predictions.push({ file: path, grade: result.grade, warnings: result.warnings, files });
          lines.push(describe(path, predicted.result));
        } finally {
          await predicted.close();
        }
      } catch (error) {
        signal?.throwIfAborted();
        failures.push({ path, reason: (error as Error).message });
      }
    }
  } finally {
    await segmenter.close();
  }
  return { lines: [...lines, "For research use only: no diagnosis."], predictions, failures };
};

/**
 * What the results of each slide are named after: the file without its ending; where that is taken (letters' case aside), with -2, -3 and so
 * on. A slide given twice is one.
 */
export const stemsOf = (paths: readonly string[]): Map<string, string> => {
  const stems = new Map<string, string>();
  const taken = new Set<string>();
  for (const path of new Set(paths)) {
    const own = stemOf(path);
    let stem = own;
    for (let count = 2; taken.has(stem.toLowerCase()); count++) stem = `${own}-${count}`;
    taken.add(stem.toLowerCase());
    stems.set(path, stem);
  }
  return stems;
};

/** A file as it is, or the slides of a folder or table. */
const slidesAt = async (input: string, failures: SkippedFile[]): Promise<string[]> => {
  try {
    const status = await stat(input).catch(() => undefined);
    if (status?.isFile() && !/\.csv$/i.test(input)) return [input];
    const { slides, skipped } = await readSlides(input);
    failures.push(...skipped);
    return slides.map(({ path }) => path);
  } catch (error) {
    failures.push({ path: input, reason: (error as Error).message });
    return [];
  }
};

const describe = (path: string, { grade, patches, finest, warnings, seconds }: SlideResult): string => {
  const verdict =
    grade === undefined
      ? "no grade"
      : `ISUP ${grade.isup}${grade.unsure ? `  (unsure: ${grade.set?.length ? `ISUP ${grade.set.join(" or ")}` : "unlike the slides it was calibrated on"})` : ""}`;
  const looked = `${patches.length} patches of ${finest} on the finest grid, ${seconds.toFixed(0)} s`;
  return [`${verdict}  ${path}  (${looked})`, ...warnings.map((warning) => `  ${warning}`)].join("\n");
};
