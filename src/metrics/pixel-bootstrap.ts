import { type BootstrapOptions, type Measure, percentileIntervals } from "./bootstrap.ts";
import {
  defaultOverlapLimit,
  labelledPixels,
  type OverlapOptions,
  rankPixels,
  regionRoc,
  type ScoredMap,
} from "./pixel-measures.ts";
import { averagePrecision } from "./precision-recall.ts";
import type { LabelledScores, Ranking } from "./ranking.ts";
import { areaUnderRoc, type Roc, rocOf } from "./roc.ts";
import { bitsOf, keyOfBits, scoreOfKey } from "./score-order.ts";

export type PixelMeasures = { pixelAuroc: Measure; pixelAveragePrecision: Measure; perRegionOverlap: Measure };

/**
 * Pixel AUROC, pixel average precision and PRO from a single ranking, with intervals over resampled IMAGES (pixels of an
 * image are not independent), images with and without counted defect pixels resampled separately.
 *
 * The values are exact. The replicates behind the intervals are computed from histograms of each image over about two
 * thousand bins, bounded by quantiles of the scores of either class: a bin holds at most 1/1024 of the normal and of the
 * defect pixels (scores tied with each other aside), so that binning moves the AUROC by at most 1/2048 and PRO by at most
 * 1/(2048 limit), in practice by far less.
 *
 * @throws OneClassError when there is no defect or no normal pixel; RangeError as `perRegionOverlap`.
 */
export const pixelMeasures = (images: readonly ScoredMap[], options: OverlapOptions & BootstrapOptions = {}): PixelMeasures => {
  const ranking = rankPixels(images, options.connectivity);
  const values = exactMeasures(ranking, options);
  const edges = binEdges(ranking);
  const histograms = Array.from(labelledPixels(images, options.connectivity), (image) =>
    histogramOf(image, edges, ranking.groupSizes),
  );
  return withIntervals(values, histograms, edges, options);
};

/** Pixel AUROC, average precision and PRO of a ranking, in this order. */
export const exactMeasures = (ranking: Ranking, { limit = defaultOverlapLimit }: OverlapOptions): number[] =>
  measuresOf(rocOf(ranking), regionRoc(ranking), limit);

/** The values of `exactMeasures` with intervals over resampled images, given by their histograms. */
export const withIntervals = (
  values: readonly number[],
  histograms: readonly PixelHistogram[],
  edges: Uint32Array,
  options: OverlapOptions & BootstrapOptions,
): PixelMeasures => {
  const positions = Uint32Array.from(histograms.keys());
  const strata = [
    positions.filter((position) => histograms[position].defect === undefined),
    positions.filter((position) => histograms[position].defect !== undefined),
  ];
  const { limit = defaultOverlapLimit } = options;
  const resampled = (drawn: Uint32Array): number[] => binnedMeasures(histograms, drawn, edges, limit);
  const intervals = percentileIntervals(strata, resampled, options);
  const [pixelAuroc, pixelAveragePrecision, perRegionOverlap] = values.map((value, index) => ({ value, ...intervals[index] }));
  return { pixelAuroc, pixelAveragePrecision, perRegionOverlap };
};

const measuresOf = (pixels: Roc, regions: Roc, limit: number): number[] => [
  areaUnderRoc(pixels),
  averagePrecision(pixels),
  areaUnderRoc(regions, limit),
];

/** One image's pixels a bin: how many normal ones and defect ones, and the latter weighed by 1 / (size of their region). */
export type PixelHistogram = { normal: Float64Array; defect?: Float64Array; regions?: Float64Array };

const quantilesPerClass = 1024;

/** The lowest key of each bin, ascending; the first is the lowest key of all. */
export const binEdges = (ranking: Ranking): Uint32Array => {
  const edges = new Set<number>();
  for (const keys of [ranking.normalKeys, ranking.anomalousKeys]) {
    for (let i = 0; i < quantilesPerClass; i++) edges.add(keys[Math.floor((i * keys.length) / quantilesPerClass)]);
  }
  return Uint32Array.from(edges).sort();
};

export const histogramOf = (
  { scores, groups }: LabelledScores,
  edges: Uint32Array,
  regionSizes: Float64Array,
): PixelHistogram => {
  const histogram: PixelHistogram = { normal: new Float64Array(edges.length) };
  const bits = bitsOf(scores);
  for (let i = 0; i < bits.length; i++) {
    const group = groups === undefined ? 0 : groups[i];
    if (group < 0) continue;
    const bin = binOf(keyOfBits(bits[i]), edges);
    if (group === 0) {
      histogram.normal[bin]++;
    } else {
      histogram.defect ??= new Float64Array(edges.length);
      histogram.regions ??= new Float64Array(edges.length);
      histogram.defect[bin]++;
      histogram.regions[bin] += 1 / regionSizes[group];
    }
  }
  return histogram;
};

/** The last bin that begins at or below the key, by bisection. */
const binOf = (key: number, edges: Uint32Array): number => {
  let low = 0;
  let high = edges.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (edges[middle] <= key) low = middle;
    else high = middle;
  }
  return low;
};

/** The measures of the images at the given positions, repeated ones counting repeatedly; NaN when a class is missing. */
export const binnedMeasures = (
  histograms: readonly PixelHistogram[],
  positions: Uint32Array,
  edges: Uint32Array,
  limit: number,
): number[] => {
  const times = new Uint32Array(histograms.length);
  for (const position of positions) times[position]++;
  const sums = (["normal", "defect", "regions"] as const).map((name) => {
    const sum = new Float64Array(edges.length);
    for (let image = 0; image < times.length; image++) {
      const counts = histograms[image][name];
      if (times[image] > 0 && counts !== undefined) addTimes(sum, counts, times[image]);
    }
    return sum;
  });
  const pixels = binnedRoc(sums[0], sums[1], edges);
  const regions = binnedRoc(sums[0], sums[2], edges);
  return pixels.positives > 0 && pixels.negatives > 0 ? measuresOf(pixels, regions, limit) : [NaN, NaN, NaN];
};

const addTimes = (sum: Float64Array, counts: Float64Array, times: number): void => {
  for (let bin = 0; bin < sum.length; bin++) sum[bin] += times * counts[bin];
};

/** The ROC curve through the bin edges, the classes mixed evenly within a bin. */
const binnedRoc = (normal: Float64Array, anomalous: Float64Array, edges: Uint32Array): Roc => ({
  positives: anomalous.reduce((sum, weight) => sum + weight, 0),
  negatives: normal.reduce((sum, count) => sum + count, 0),
  visit: (visitor) => {
    let found = 0;
    let hit = 0;
    for (let bin = edges.length - 1; bin >= 0; bin--) {
      if (normal[bin] === 0 && anomalous[bin] === 0) continue;
      found += anomalous[bin];
      hit += normal[bin];
      visitor(scoreOfKey(edges[bin]), found, hit);
    }
  },
});
