import { rm, stat } from "node:fs/promises";
import type { SkippedFile } from "../../imaging/index.ts";
import { digestOf } from "../../training/index.ts";
import { resultStems } from "../result-stems.ts";
import type { Predicted, PredictRequest } from "../system.ts";
import { readSlides } from "./data.ts";
import { originOf } from "./origin.ts";
import { readSlideOutputs, type SlideJson, slideJson, stemOf, writeSlideOutputs } from "./output/index.ts";
import { filesOfPrediction, type PredictSlideOptions, predictSlide } from "./predict.ts";
import { openSegmenter, type Segmenter } from "./segmenter.ts";

/**
 * Predicts slides: what is said of each is written into the folder, see `writeSlideOutputs`. A slide
 * that cannot be used is a failure, and the others go on. When the same is asked again, slides whose results stand there are not predicted
 * again, and an interrupted one, or one whose results could not be written, goes on after its last finished patch.
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
        const kept = await readSlideOutputs(out, stem, await originOf(segmenter, path, options));
        const { json, files } = kept ?? (await predictFile(segmenter, path, options));
        if (kept) await forget(out, stem);
        const { grade, warnings } = json;
        predictions.push({ file: path, grade, warnings, files, alreadyPredicted: kept !== undefined });
        lines.push(describe(path, json, kept !== undefined));
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

/** Predicts a slide and writes its results. */
const predictFile = async (segmenter: Segmenter, path: string, options: PredictSlideOptions & { readonly stem: string }) => {
  const { folder, stem, signal } = options;
  const { slide, result, labels, close } = await predictSlide(segmenter, path, options);
  let written = false;
  try {
    const files = await writeSlideOutputs(folder, slide, result, labels, { stem, signal });
    written = true;
    return { json: slideJson(result, labels.downsample), files };
  } finally {
    await close({ keep: !written });
  }
};

/** Removes what was left of a prediction that was killed when its results stood already. */
const forget = async (folder: string, stem: string): Promise<void> => {
  for (const path of Object.values(filesOfPrediction(folder, stem))) await rm(path, { force: true });
};

/** What the results of each slide are named after: the file without its ending, see `resultStems`. A slide given twice is one. */
export const stemsOf = (paths: readonly string[]): Map<string, string> => {
  const slides = [...new Set(paths)];
  const stems = resultStems(slides.map(stemOf));
  return new Map(slides.map((path, index) => [path, stems[index]]));
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

const describe = (path: string, { grade, sampling, warnings, seconds }: SlideJson, already: boolean): string => {
  const verdict =
    grade === null
      ? "no grade"
      : `ISUP ${grade.isup}${grade.unsure ? `  (unsure: ${grade.predictionSet?.length ? `ISUP ${grade.predictionSet.join(" or ")}` : "unlike the slides it was calibrated on"})` : ""}`;
  const looked = already
    ? "already predicted"
    : `${sampling.patches} patches of ${sampling.uniformAtFinestStride} on the finest grid, ${seconds.toFixed(0)} s`;
  return [`${verdict}  ${path}  (${looked})`, ...warnings.map((warning) => `  ${warning}`)].join("\n");
};
