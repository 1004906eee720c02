import type { BootstrapOptions } from "./bootstrap.ts";
import {
  binEdges,
  exactMeasures,
  histogramOf,
  type PixelHistogram,
  type PixelMeasures,
  withIntervals,
} from "./pixel-bootstrap.ts";
import { labelledPixels, type OverlapOptions, requireFittingArrays, type ScoredMap } from "./pixel-measures.ts";
import { type Ranking, rank } from "./ranking.ts";

/** An anomaly map with the kind of its image: a kind of defect, or the name of normality. */
export type ScoredMapOfKind = ScoredMap & { kind: string };

/**
 * The pixel measures of each kind of defect by itself: those of `pixelMeasures` on the images of that kind and the normal
 * ones. The kinds stand in order of appearance; one without a defect pixel (or without a normal one) is left out.
 * Give no defective image without a mask, since its pixels would count as normal.
 *
 * The pixels of normal images are sorted and binned once for all kinds. Each further kind costs its own images, a linear
 * merge with the sorted normal pixels and its resamples.
 *
 * @param normalKind the kind of the normal images.
 * @throws RangeError as `perRegionOverlap`, and when the mask of a normal image marks a defect.
 */
export const pixelMeasuresByKind = (
  images: readonly ScoredMapOfKind[],
  normalKind = "good",
  options: OverlapOptions & BootstrapOptions = {},
): Map<string, PixelMeasures> => {
  for (const [index, image] of images.entries()) {
    requireFittingArrays(image, index);
    if (image.kind !== normalKind || !image.mask?.some((inside) => inside !== 0)) continue;
    throw new RangeError(
      `Image ${index} is of the normal kind "${normalKind}", but its mask marks a defect; correct one of them.`,
    );
  }
  const pixelsOf = (kind: string) =>
    labelledPixels(
      images.filter((image) => image.kind === kind),
      options.connectivity,
    );
  const normal = rank(pixelsOf(normalKind), `image of the kind "${normalKind}"`);
  const kinds = [...new Set(images.map(({ kind }) => kind))].filter((kind) => kind !== normalKind);
  const ranked = kinds.flatMap((kind) => {
    const ranking = withNormal(rank(pixelsOf(kind), `image of the kind "${kind}"`), normal.normalKeys);
    if (ranking.anomalousKeys.length === 0 || ranking.normalKeys.length === 0) return [];
    return { kind, values: exactMeasures(ranking, options), edges: binEdges(ranking), groupSizes: ranking.groupSizes };
  });
  const allEdges = Uint32Array.from(new Set(ranked.flatMap(({ edges }) => [...edges]))).sort();
  const normalHistograms = Array.from(pixelsOf(normalKind), (image) => histogramOf(image, allEdges, normal.groupSizes));
  return new Map(
    ranked.map(({ kind, values, edges, groupSizes }) => {
      const ofKind = Array.from(pixelsOf(kind), (image) => histogramOf(image, edges, groupSizes));
      const ofNormal = normalHistograms.map((histogram) => coarsened(histogram, allEdges, edges));
      // In the images' own order, so that the resamples are those `pixelMeasures` would draw.
      const next = new Map([
        [kind, ofKind.values()],
        [normalKind, ofNormal.values()],
      ]);
      const histograms = images.flatMap((image) => next.get(image.kind)?.next().value ?? []);
      return [kind, withIntervals(values, histograms, edges, options)];
    }),
  );
};

/** The ranking with further normal samples, both ascending, merged into one. */
const withNormal = (ranking: Ranking, further: Uint32Array): Ranking => {
  const own = ranking.normalKeys;
  const normalKeys = new Uint32Array(own.length + further.length);
  let [left, right] = [0, 0];
  for (let place = 0; place < normalKeys.length; place++) {
    const isOwn = right === further.length || (left < own.length && own[left] <= further[right]);
    normalKeys[place] = isOwn ? own[left++] : further[right++];
  }
  return { ...ranking, normalKeys };
};

/** A normal image's histogram over fewer bins, whose edges are among the given ones. */
const coarsened = (histogram: PixelHistogram, from: Uint32Array, to: Uint32Array): PixelHistogram => {
  const normal = new Float64Array(to.length);
  let bin = 0;
  for (let i = 0; i < from.length; i++) {
    while (bin + 1 < to.length && to[bin + 1] <= from[i]) bin++;
    normal[bin] += histogram.normal[i];
  }
  return { normal };
};
