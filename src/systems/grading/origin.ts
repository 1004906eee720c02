import { stat } from "node:fs/promises";
import { basename } from "node:path";
import type { Nested } from "../../report/index.ts";
import { digestOf, environment } from "../../training/index.ts";
import type { Segmenter } from "./segmenter.ts";

/** What a slide's result was made of, by what version. */
export interface Origin {
  /** The version. */
  readonly lynceus: string;
  /** SHA-256. A slide is known by its name, its size in bytes and when it was changed. */
  readonly digests: { readonly model: string; readonly slide: string; readonly settings: string };
  readonly settings: { readonly [key: string]: Nested };
  /** What the model says of its training. */
  readonly provenance: { readonly [key: string]: Nested };
}

/**
 * What the result of a slide is made of. `micronsPerPixel` is what was said of level 0 instead of what the file says. Without the file, its
 * name alone counts.
 */
export const originOf = async (
  segmenter: Pick<Segmenter, "config" | "grading" | "provenance">,
  path: string,
  { modelDigest, micronsPerPixel }: { readonly modelDigest: string; readonly micronsPerPixel?: number },
): Promise<Origin> => {
  const file = await stat(path).catch(() => undefined);
  const settings = settingsOf(segmenter, micronsPerPixel);
  return {
    lynceus: environment(1).lynceus,
    digests: {
      model: modelDigest,
      slide: digestOf(JSON.stringify([basename(path), file?.size, file?.mtimeMs])),
      settings: digestOf(JSON.stringify(settings)),
    },
    settings,
    provenance: (segmenter.provenance ?? {}) as Origin["provenance"],
  };
};

/** Whether results of both are the same. */
export const sameOrigin = (one: Origin, other: Origin | undefined): boolean =>
  JSON.stringify([one.lynceus, one.digests]) === JSON.stringify([other?.lynceus, other?.digests]);

/** The settings that prediction goes by: where a model has learnt limits, these. */
const settingsOf = (
  { config, grading }: Pick<Segmenter, "config" | "grading">,
  micronsPerPixel = config.slide.micronsPerPixel,
): Origin["settings"] => ({
  slide: { ...config.slide, micronsPerPixel: micronsPerPixel ?? "as the file says" },
  patch: config.patch,
  sampling: config.sampling,
  crf: config.crf.use ? config.crf : { use: false },
  grade: { ...config.grade, ...grading?.limits },
  learnt: {
    rule: grading !== undefined,
    limits: grading?.limits !== undefined,
    calibration: grading?.calibration ?? false,
    mapCalibration: grading?.mapCalibration ?? false,
  },
});
