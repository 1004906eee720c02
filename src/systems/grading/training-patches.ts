import { ImageError, type SkippedFile } from "../../imaging/index.ts";
import type { Listener } from "../../training/index.ts";
import { classesOf } from "./classes.ts";
import type { Config } from "./config.ts";
import type { SlideSample } from "./data.ts";
import { openedSlides } from "./opened-slides.ts";
import { maskReader, readPatch, requireClasses, type Square, stainsOf } from "./patch-pixels.ts";
import { planPatches } from "./plan-patches.ts";

/** A patch to learn from. */
export interface TrainingPatch {
  /** [pixels, pixels, 3] in 0 .. 255. */
  readonly pixels: Uint8Array;
  /** Class numbers, [pixels, pixels]; `NO_CLASS` counts for nothing. */
  readonly labels: Uint8Array;
}

/** The patches of the slides that are learnt from, by position; patches of one slide follow each other. */
export interface TrainingPatches {
  readonly count: number;
  /** Of each slide that could be used, where its patches begin, and how many it has. */
  readonly slides: readonly { readonly sample: SlideSample; readonly first: number; readonly count: number }[];
  readonly skipped: readonly SkippedFile[];
  get(index: number): Promise<TrainingPatch>;
  close(): Promise<void>;
}

export interface PreparationWatch {
  readonly listener?: Listener;
  readonly signal?: AbortSignal;
}

/**
 * Plans the patches of every slide that has a mask. Pixels and classes are kept as far as `training.cacheMegabytes` reach; those of a training
 * that sees every patch are read beforehand, the others when they are first asked for. A slide that cannot be read is left out and named in `skipped`.
 */
export const trainingPatches = async (
  samples: readonly SlideSample[],
  config: Config,
  { listener, signal }: PreparationWatch = {},
): Promise<TrainingPatches> => {
  const classes = classesOf(config.classes);
  const opened = openedSlides(samples.length, config.slide);
  const slides: { sample: SlideSample; first: number; count: number; stains: ReturnType<typeof stainsOf> }[] = [];
  const skipped: SkippedFile[] = [];
  const squares: { readonly square: Square; readonly slide: number }[] = [];
  let done = 0;
  for (const sample of samples) {
    signal?.throwIfAborted();
    try {
      if (sample.maskPath === undefined) throw new ImageError(sample.path, "it has no mask to learn from.");
      const { patches, thumbnail } = await opened.use(sample, async ({ slide, mask }) => {
        const plan = await planPatches(slide, config);
        if (plan.patches.length === 0) throw new ImageError(sample.path, "no tissue was found on it.");
        await requireClasses(maskReader(slide, mask, classes, config.patch), plan.patches, mask, classes);
        return plan;
      });
      slides.push({ sample, first: squares.length, count: patches.length, stains: stainsOf(thumbnail, config) });
      for (const square of patches) squares.push({ square, slide: slides.length - 1 });
    } catch (error) {
      skipped.push({ path: sample.path, reason: (error as Error).message });
    }
    listener?.({ kind: "count", text: "choosing patches of slides", done: ++done, total: samples.length });
  }

  const limit = config.training.cacheMegabytes * 2 ** 20;
  const cache = new Map<number, TrainingPatch>();
  let bytes = 0;
  const get = async (index: number): Promise<TrainingPatch> => {
    const kept = cache.get(index);
    if (kept !== undefined) return kept;
    const { square, slide } = squares[index];
    const { sample, stains } = slides[slide];
    const [image, labels] = await opened.use(sample, ({ slide, mask }) =>
      Promise.all([readPatch(slide, square, config.patch), maskReader(slide, mask, classes, config.patch)(square)]),
    );
    const patch = { pixels: stains(image).data, labels };
    if (bytes < limit) {
      bytes += patch.pixels.byteLength + labels.byteLength;
      cache.set(index, patch);
    }
    return patch;
  };
  // Slide by slide each tile is decoded once, in the order of training many times; not worth it for a training that sees few patches.
  if (config.training.steps * config.training.batch >= squares.length) {
    for (const [index, { first, count }] of slides.entries()) {
      for (let i = 0; i < count && bytes < limit; i++) {
        signal?.throwIfAborted();
        await get(first + i).catch(() => undefined); // a patch that cannot be read is said when it is learnt from
      }
      listener?.({ kind: "count", text: "reading patches", done: index + 1, total: slides.length });
    }
  }
  return {
    count: squares.length,
    slides: slides.map(({ sample, first, count }) => ({ sample, first, count })),
    skipped,
    get,
    close: opened.close,
  };
};
