import type { ImageOf, Slide } from "../../imaging/index.ts";
import { classesOf, type TissueClass } from "./classes.ts";
import type { Config } from "./config.ts";
import { denseCrf, type Refine } from "./crf/index.ts";
import { gradeOf, type Pattern, patternAreas } from "./grade.ts";
import { readPatch } from "./patch-pixels.ts";
import type { PatchResult } from "./result.ts";
import type { Patch } from "./sampling/index.ts";
import type { Segmenter } from "./segmenter.ts";

/** A patch and the probabilities of its pixels' classes, [classes, size, size], in 255ths. */
export interface SeenPatch {
  readonly patch: Patch;
  readonly probabilities: Uint8Array;
}

export interface SeeOptions {
  /** Patches that the network sees at once. Default 8. */
  readonly batch?: number;
  readonly stains: (image: ImageOf<Uint8Array>) => ImageOf<Uint8Array>;
  readonly signal?: AbortSignal;
}

/** The network's answer, refined where the configuration asks for it, for each patch in turn; the next ones are read while it computes. */
export async function* seePatches(
  segmenter: Pick<Segmenter, "segment" | "config">,
  slide: Slide,
  patches: readonly Patch[],
  { batch = 8, stains, signal }: SeeOptions,
): AsyncGenerator<SeenPatch> {
  const { patch: size, crf, classes } = segmenter.config;
  const refine = crf.use ? denseCrf(crf) : undefined;
  const length = classesOf(classes).length * size * size;
  const read = (from: number) =>
    Promise.all(patches.slice(from, from + batch).map(async (square) => stains(await readPatch(slide, square, size))));
  let next = read(0);
  for (let from = 0; from < patches.length; from += batch) {
    signal?.throwIfAborted();
    const images = await next;
    next = from + batch < patches.length ? read(from + batch) : Promise.resolve([]);
    next.catch(() => undefined); // a failure surfaces where it is awaited
    const found = await segmenter.segment(Buffer.concat(images.map(({ data }) => data)));
    for (const [index, image] of images.entries()) {
      const own = found.subarray(index * length, (index + 1) * length);
      yield { patch: patches[from + index], probabilities: inBytes(refined(own, image, refine)) };
    }
  }
}

const refined = (probabilities: Float32Array, image: ImageOf<Uint8Array>, refine: Refine | undefined): Float32Array =>
  refine === undefined ? probabilities : refine(probabilities, image);

const inBytes = (probabilities: Float32Array): Uint8Array => {
  const coarse = new Uint8Array(probabilities.length);
  for (let i = 0; i < coarse.length; i++) coarse[i] = Math.round(255 * probabilities[i]);
  return coarse;
};

/** The most likely class of each pixel, of probabilities [classes, pixels]; of equal ones the first. */
export const mostLikely = (probabilities: ArrayLike<number>, classes: number): Uint8Array => {
  const pixels = probabilities.length / classes;
  const labels = new Uint8Array(pixels);
  for (let pixel = 0; pixel < pixels; pixel++) {
    let best = probabilities[pixel];
    for (let c = 1; c < classes; c++) {
      const value = probabilities[c * pixels + pixel];
      if (value > best) {
        best = value;
        labels[pixel] = c;
      }
    }
  }
  return labels;
};

/** The Gleason pattern of each class. */
export const patternsOf = (classes: readonly TissueClass[]): (Pattern | 0)[] => classes.map(({ pattern }) => pattern);

/** How a patch is graded: by the table, from the areas of its pixels' most likely classes. */
export const gradePatch = (
  { patch, probabilities }: SeenPatch,
  { classes: setting, grade }: Pick<Config, "classes" | "grade">,
): PatchResult => {
  const classes = classesOf(setting);
  const labels = mostLikely(probabilities, classes.length);
  const areas = new Array<number>(classes.length).fill(0);
  for (const label of labels) areas[label]++;
  const gleason = gradeOf(patternAreas(labels, patternsOf(classes)), {
    ...grade,
    minimumCancer: grade.minimumCancer * labels.length,
  });
  const { x, y, size, density, frequency } = patch;
  return { x, y, size, density, frequency, areas, gleason };
};
