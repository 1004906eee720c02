import { mkdir, rm } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { openSlide, type Slide } from "../../imaging/index.ts";
import { isUnsure, predictionSet } from "../../metrics/index.ts";
import { digestOf, type Listener } from "../../training/index.ts";
import { canGrade, isTissue, type TissueClass } from "./classes.ts";
import { gradeOf, type PatternAreas } from "./grade.ts";
import { openJournal } from "./journal.ts";
import { originOf } from "./origin.ts";
import { stainsOf } from "./patch-pixels.ts";
import { flawsOf, type PatchPlan, planPatches } from "./plan-patches.ts";
import { plausibleGrades } from "./plausible-grades.ts";
import type { LabelMap, PatchResult, SlideGrade, SlideResult } from "./result.ts";
import { gradePatch, seePatches } from "./see-patches.ts";
import type { Segmenter } from "./segmenter.ts";
import { decideGrade, gradeProportions, slideGradeProbabilities } from "./slide-grade.ts";
import { stitch } from "./stitching.ts";

export interface PredictSlideOptions {
  /** Folder for what is kept while it goes on, see `filesOfPrediction`. */
  readonly folder: string;
  /** Name of what is kept there. Default: the file's, without its ending. */
  readonly stem?: string;
  /** Micrometres per pixel of level 0, instead of what the file or the model's configuration says. */
  readonly micronsPerPixel?: number;
  /** Identifies the model: an interrupted prediction goes on only with the same. */
  readonly modelDigest: string;
  readonly listener?: Listener;
  readonly signal?: AbortSignal;
}

/** A slide that was predicted. The map can be read until it is closed. */
export interface PredictedSlide {
  readonly slide: Slide;
  readonly plan: PatchPlan;
  readonly result: SlideResult;
  readonly labels: LabelMap;
  /** Ends it. Finished patches are forgotten, unless they are wanted again (`keep`): their results could not be written, say. */
  close(options?: { readonly keep?: boolean }): Promise<void>;
}

/** What is kept in a folder while a slide is predicted. */
export const filesOfPrediction = (folder: string, stem: string) => ({
  labels: join(folder, `.${stem}.labels`),
  journal: join(folder, `.${stem}.journal`),
});

/**
 * Predicts a slide: chooses its patches, segments and grades each, joins them to a map and grades the slide by both rules. Every finished
 * patch is kept in a journal in `folder` until the slide is closed: an interrupted prediction of the same slide by the same model goes on
 * after it, to the same result. Of the map, memory holds one row of patches (a float32 for each class of its pixels). The journal takes
 * 1.4 to 2.1 bytes for a patch's pixel (six classes, phantom slides; some 30 kB for a patch of 128 x 128), a third of what it holds.
 * @throws ImageError for a slide that cannot be read; the signal's reason when it was interrupted.
 */
export const predictSlide = async (segmenter: Segmenter, path: string, options: PredictSlideOptions): Promise<PredictedSlide> => {
  const { folder, modelDigest, listener, signal } = options;
  const { config, classes } = segmenter;
  const { micronsPerPixel = config.slide.micronsPerPixel } = options;
  const origin = await originOf(segmenter, path, { modelDigest, micronsPerPixel });
  const slide = await openSlide(path, { micronsPerPixel });
  const closing: (() => Promise<void>)[] = [() => slide.close()];
  const closeAll = async (): Promise<void> => {
    for (const close of closing.splice(0).reverse()) await close();
  };
  try {
    const name = basename(path);
    listener?.({ kind: "stage", text: `${name}: choosing patches` });
    const plan = await planPatches(slide, config);
    const { patches, downsample } = plan;
    await mkdir(folder, { recursive: true });
    const files = filesOfPrediction(folder, options.stem ?? basename(path, extname(path)));
    const { width, height } = slide;
    const stitching = await stitch(files.labels, {
      width,
      height,
      downsample,
      patch: config.patch,
      classes: classes.length,
    });
    closing.push(() => stitching.remove());
    const identity = digestOf(JSON.stringify({ modelDigest, name, width, height, downsample, patches, crf: config.crf }));
    const journal = await openJournal(files.journal, identity);
    closing.push(() => journal.close());

    const results: PatchResult[] = [];
    const add = async (probabilities: Uint8Array): Promise<void> => {
      const patch = patches[results.length];
      await stitching.add(patch, probabilities);
      results.push(gradePatch({ patch, probabilities }, config));
      listener?.({ kind: "count", text: `${name}: patches`, done: results.length, total: patches.length });
    };
    for await (const record of journal.records()) await add(record);
    const started = performance.now();
    const rest = patches.slice(results.length);
    // Without patches there may be no stains to be found.
    const seen =
      rest.length === 0 ? [] : seePatches(segmenter, slide, rest, { stains: stainsOf(plan.thumbnail, config), signal });
    for await (const { probabilities } of seen) {
      await journal.append(probabilities);
      await add(probabilities);
    }
    const seconds = (performance.now() - started) / 1000;
    const { labels, areas } = await stitching.finish();
    const result: SlideResult = {
      name,
      width,
      height,
      micronsPerPixel: slide.micronsPerPixel,
      magnification: slide.magnification,
      classes,
      patches: results,
      finest: plan.finest,
      areas,
      grade: canGrade(classes) && results.length > 0 ? gradeSlide(segmenter, results, areas) : undefined,
      warnings: await flawsOf(slide, plan),
      origin,
      seconds,
    };
    const close: PredictedSlide["close"] = async ({ keep = false } = {}) => {
      await closeAll();
      if (!keep) await rm(files.journal, { force: true });
    };
    return { slide, plan, result, labels, close };
  } catch (error) {
    // The journal stays: what is finished is not lost.
    await closeAll();
    throw error;
  }
};

/** The slide's grade by both rules. */
export const gradeSlide = (
  { config, classes, grading }: Pick<Segmenter, "config" | "classes" | "grading">,
  patches: readonly PatchResult[],
  areas: readonly number[],
): SlideGrade => {
  const proportions = gradeProportions(patches.map(({ gleason }) => gleason.isup));
  const { cancer, tissue } = tissueOf(classes, areas);
  const { secondary } = config.grade;
  const { minimumCancer, minimumPattern } = grading?.limits ?? config.grade;
  const map = gradeOf(cancer, { secondary, minimumPattern, minimumCancer: minimumCancer * tissue });
  const probabilities = grading && slideGradeProbabilities(grading.rule, proportions);
  const byPatches = probabilities && config.grade.rule === "patches" ? decideGrade(probabilities) : undefined;
  const plausible =
    byPatches === undefined ? plausibleGrades({ cancer, tissue }, { secondary, minimumCancer, minimumPattern }) : probabilities;
  const calibration = byPatches === undefined ? grading?.mapCalibration : grading?.calibration;
  const set = plausible && calibration && predictionSet(plausible, calibration);
  const isup = byPatches ?? map.isup;
  return {
    rule: byPatches === undefined ? "map" : "patches",
    isup,
    probabilities,
    proportions,
    map,
    set,
    unsure: set && (isUnsure(set) || !set.includes(isup)),
  };
};

/** How much of a map is cancer, by pattern, and how much is tissue. */
export const tissueOf = (
  classes: readonly TissueClass[],
  areas: readonly number[],
): { readonly cancer: PatternAreas; readonly tissue: number } => {
  const total = (counts: (tissue: TissueClass) => boolean): number =>
    areas.reduce((sum, area, c) => sum + (counts(classes[c]) ? area : 0), 0);
  const [three, four, five] = [3, 4, 5].map((pattern) => total((tissue) => tissue.pattern === pattern));
  return { cancer: [three, four, five], tissue: total(isTissue) };
};
