import { prefetch, type Sample, type SkippedFile } from "../imaging/index.ts";
import { crossFittedThreshold, foldsOf, thresholdAtFalseAlarmRate } from "../metrics/index.ts";
import type { Listener } from "../training/index.ts";
import type { Threshold } from "./contract.ts";
import type { Detector } from "./detector.ts";
import type { PreparedImages } from "./prepared-images.ts";
import { readSample } from "./read.ts";
import type { DetectorConfig } from "./settings.ts";

/** What a normal image got from a network that was not trained on it. */
export interface NormalScore {
  readonly score: number;
  /** Mean of its map. */
  readonly level: number;
}

export interface ScoringOptions {
  readonly workers: number;
  readonly listener?: Listener;
  readonly signal?: AbortSignal;
}

/**
 * Scores normal images, each once although it may occur several times (see `PreparedImages`), and closes the detector. One that cannot
 * be read goes to `skipped`.
 */
export const scoreNormal = async (
  detector: Detector,
  normal: readonly Sample[],
  { listener, signal, workers }: ScoringOptions,
  skipped: SkippedFile[] = [],
): Promise<NormalScore[]> => {
  const scores: NormalScore[] = [];
  const images = [...new Set(normal)];
  const tasks = images.map((sample) => () => readSample(sample, detector.description).catch((error: Error) => error));
  let done = 0;
  try {
    for await (const picture of prefetch(tasks, workers)) {
      signal?.throwIfAborted();
      const { path } = images[done++];
      try {
        if (picture instanceof Error) throw picture;
        const { score, map } = await detector.detect(picture.image, picture.ignore);
        scores.push({ score, level: map.reduce((sum, value) => sum + value, 0) / map.length });
      } catch (error) {
        skipped.push({ path, reason: (error as Error).message });
        listener?.({ kind: "warning", text: (error as Error).message });
      }
      listener?.({ kind: "count", text: "scoring validation images", done, total: images.length });
    }
  } finally {
    await detector.close();
  }
  return scores;
};

/** Positions of the images that each further network is trained on (`kept`), and of the normal ones it is asked about (`left`). */
export const foldsOfImages = (
  { samples }: PreparedImages,
  { seed, validation }: DetectorConfig,
): { readonly kept: number[]; readonly left: number[] }[] => {
  const normal = samples.flatMap(({ label }, position) => (label === 0 ? [position] : []));
  const count = Math.min(validation.folds, normal.length);
  if (count < 2) return [];
  const folds = foldsOf(
    normal.map((position) => samples[position].group),
    count,
    "folds",
    seed,
  );
  return Array.from({ length: count }, (_, fold) => {
    const left = normal.filter((_, index) => folds[index] === fold);
    const out = new Set(left);
    return { left, kept: samples.flatMap((_, position) => (out.has(position) ? [] : [position])) };
  }).filter(({ left, kept }) => left.length > 0 && kept.length > 0);
};

/** The sentence about a threshold that rests on too few images for the rate that was asked for; undefined where they suffice. */
export const fewNormalImages = ({
  falseAlarmRate = 1,
  attainedRate = 0,
  normalImages = 0,
}: Omit<Threshold, "value">): string | undefined => {
  if (attainedRate <= falseAlarmRate) return undefined;
  const percent = (rate: number) => `${(100 * rate).toFixed(1)} %`;
  const images = `${normalImages} normal ${normalImages === 1 ? "image" : "images"}`;
  const needed = Math.ceil(1 / falseAlarmRate) - 1;
  return `The threshold rests on ${images}: ${percent(falseAlarmRate)} false alarms were asked for, ${percent(attainedRate)} is what they support. It takes ${needed} images kept for validation (validation.share).`;
};

/**
 * Sets a threshold at a false-alarm rate from the scores of normal images that took no part in training: of one network (split
 * conformal, see `thresholdAtFalseAlarmRate`), or of several that each left a part out (see `crossFittedThreshold`). Undefined,
 * with a warning, when there are none.
 */
export const thresholdOf = (
  folds: readonly (readonly NormalScore[])[],
  falseAlarmRate: number,
  listener?: Listener,
): Threshold | undefined => {
  const all = folds.flat();
  if (all.length === 0) {
    const text =
      "There are too few normal images to set a threshold: images get scores, but no verdict. With --set validation.folds=5 every image helps to set one.";
    listener?.({ kind: "warning", text });
    return undefined;
  }
  const byFold = folds.map((fold) => Float32Array.from(fold, ({ score }) => score));
  const { threshold, attainedRate } =
    byFold.length === 1 ? thresholdAtFalseAlarmRate(byFold[0], falseAlarmRate) : crossFittedThreshold(byFold, falseAlarmRate);
  const text = fewNormalImages({ falseAlarmRate, attainedRate, normalImages: all.length });
  if (text !== undefined) {
    const cure = byFold.length === 1 ? " Or --set validation.folds=5 lets every training image help." : "";
    listener?.({ kind: "warning", text: `${text}${cure}` });
  }
  const levels = all.map(({ level }) => level).sort((a, b) => a - b);
  return {
    value: threshold,
    falseAlarmRate,
    attainedRate,
    normalImages: all.length,
    normalLevel: levels[Math.floor(levels.length / 2)],
  };
};
