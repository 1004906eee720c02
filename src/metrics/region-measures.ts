import type { Measure } from "./bootstrap.ts";
import { type CaseBootstrapOptions, measuresOverCases } from "./case-bootstrap.ts";
import { binEdges, binnedMeasures, histogramOf } from "./pixel-bootstrap.ts";
import { labelledPixels, rankPixels, requireFittingArrays, type ScoredMap } from "./pixel-measures.ts";
import { averagePrecision } from "./precision-recall.ts";
import { rocOf } from "./roc.ts";

/** How well the regions of images are found, each with its 95 % interval over images. */
export interface RegionMeasures {
  /** Intersection over union of the region found at the threshold and the true one, the mean over images. */
  readonly intersectionOverUnion: Measure;
  /** Average precision over the pixels of all images together: no threshold is in it. */
  readonly averagePrecision: Measure;
}

export interface RegionOptions extends CaseBootstrapOptions {
  /** A pixel belongs to the region found where map >= threshold. */
  readonly threshold: number;
}

/**
 * Intersection over union |P and M| / |P or M| of the pixels P at or above the threshold and the mask M, and the pixels' average
 * precision, with intervals over images, or groups of them, resampled whole. The average precision is exact; its resamples are computed
 * from histograms, as in `pixelMeasures`.
 *
 * @param images those with a region, each with its mask; whatever its ignore mask marks counts nowhere.
 * @throws RangeError without images, when an image's arrays do not fit its size, when its mask marks nothing that counts, and when a
 * score or the threshold is NaN; OneClassError when no pixel of any image lies outside its region.
 */
export const regionMeasures = (images: readonly ScoredMap[], { threshold, ...bootstrap }: RegionOptions): RegionMeasures => {
  const overlaps = images.map((image, index) => overlapOf(image, index, threshold));
  const ranking = rankPixels(images);
  const edges = binEdges(ranking);
  const histograms = Array.from(labelledPixels(images), (image) => histogramOf(image, edges, ranking.groupSizes));
  const measures = (positions: Uint32Array): number[] => [
    positions.reduce((sum, position) => sum + overlaps[position], 0) / positions.length,
    binnedMeasures(histograms, positions, edges, 1)[1],
  ];
  const [intersectionOverUnion, binned] = measuresOverCases(images.length, measures, bootstrap);
  return { intersectionOverUnion, averagePrecision: { ...binned, value: averagePrecision(rocOf(ranking)) } };
};

const overlapOf = (image: ScoredMap, index: number, threshold: number): number => {
  requireFittingArrays(image, index);
  if (Number.isNaN(threshold)) throw new RangeError("The threshold is NaN; give a number.");
  const { map, mask, ignore } = image;
  let [both, either, region] = [0, 0, 0];
  for (let i = 0; i < map.length; i++) {
    if (ignore !== undefined && ignore[i] !== 0) continue;
    const [found, marked] = [map[i] >= threshold, mask !== undefined && mask[i] !== 0];
    if (found && marked) both++;
    if (found || marked) either++;
    if (marked) region++;
  }
  if (region === 0) {
    throw new RangeError(`The mask of image ${index} marks no pixel that counts; give the images that have a region.`);
  }
  return both / either;
};
