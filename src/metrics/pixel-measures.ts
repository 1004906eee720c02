import { type Connectivity, connectedComponents } from "./components.ts";
import { averagePrecision } from "./precision-recall.ts";
import { type LabelledScores, type Ranking, rank } from "./ranking.ts";
import { areaUnderRoc, type Roc, rocOf } from "./roc.ts";

/** One image's anomaly map with its ground truth; all arrays row-major with width * height values. */
export type ScoredMap = {
  map: Float32Array;
  width: number;
  height: number;
  /** Nonzero = defect. A normal image may leave it out. */
  mask?: Uint8Array;
  /** Nonzero = this pixel counts nowhere; its score may be anything, its mask still joins a region together. */
  ignore?: Uint8Array;
};

export type OverlapOptions = {
  /** The false positive rate up to which the curve is integrated, in (0, 1]; 0.3 by default. */
  limit?: number;
  /** How defect pixels join to regions; 8 by default. */
  connectivity?: Connectivity;
};

/** Where a limit is left open, the one of the MVTec papers. */
export const defaultOverlapLimit = 0.3;

/**
 * The pixels of all images in one ranking, defect pixels grouped by region (numbered through all images), from which
 * every pixel measure follows: see `rocOf` and `regionRoc`.
 *
 * @throws RangeError when an image's arrays do not fit its width and height or a counted score is NaN.
 */
export const rankPixels = (images: readonly ScoredMap[], connectivity?: Connectivity): Ranking =>
  rank(labelledPixels(images, connectivity), "image");

/** The images' scores with region numbers, made anew, one image at a time, whenever they are iterated. */
export const labelledPixels = (images: readonly ScoredMap[], connectivity?: Connectivity): Iterable<LabelledScores> => ({
  *[Symbol.iterator]() {
    let regionsBefore = 0;
    for (const [index, image] of images.entries()) {
      requireFittingArrays(image, index);
      const { map: scores, mask, ignore, width, height } = image;
      if (mask === undefined && ignore === undefined) {
        yield { scores };
        continue;
      }
      const { labels: groups, count } = connectedComponents(mask ?? new Uint8Array(scores.length), width, height, connectivity);
      for (let i = 0; i < groups.length; i++) {
        if (ignore !== undefined && ignore[i] !== 0) groups[i] = -1;
        else if (groups[i] > 0) groups[i] += regionsBefore;
      }
      regionsBefore += count;
      yield { scores, groups };
    }
  },
});

/**
 * The per-region overlap curve, as a ROC curve in which a pixel of a region of n counted pixels weighs 1 / n: the weight
 * found at a threshold, divided by the number of regions, is the mean over regions of the share of the region found.
 */
export const regionRoc = (ranking: Ranking): Roc =>
  rocOf(
    ranking,
    ranking.groupSizes.map((size) => 1 / size),
  );

/**
 * Area under the ROC curve over all counted pixels of all images together, in [0, 1].
 *
 * @throws OneClassError when there is no defect or no normal pixel; RangeError as `rankPixels`.
 */
export const pixelAuroc = (images: readonly ScoredMap[]): number => areaUnderRoc(rocOf(rankPixels(images)));

/**
 * Average precision over all counted pixels of all images together, in (0, 1].
 *
 * @throws as `pixelAuroc`.
 */
export const pixelAveragePrecision = (images: readonly ScoredMap[]): number => averagePrecision(rocOf(rankPixels(images)));

/**
 * Per-region overlap (PRO) of Bergmann et al., "The MVTec Anomaly Detection Dataset" (IJCV 2021): at each threshold the
 * share of a ground-truth region found, averaged over the connected regions of all images, against the false positive
 * rate of all normal pixels of all images, normal images included; integrated to the limit and divided by it. In [0, 1].
 * Exact: every score is a threshold. A region that is ignored wholly does not count, one in part with the rest of it.
 *
 * @throws as `pixelAuroc`; RangeError for a limit outside (0, 1].
 */
export const perRegionOverlap = (images: readonly ScoredMap[], options: OverlapOptions = {}): number =>
  areaUnderRoc(regionRoc(rankPixels(images, options.connectivity)), options.limit ?? defaultOverlapLimit);

/** Throws a RangeError that names the image when an array does not fit its width and height. */
export const requireFittingArrays = (image: ScoredMap, index: number): void => {
  const pixels = image.width * image.height;
  for (const name of ["map", "mask", "ignore"] as const) {
    const length = image[name]?.length ?? pixels;
    if (length === pixels) continue;
    const size = `${image.width} x ${image.height} = ${pixels}`;
    throw new RangeError(
      `The ${name} of image ${index} has ${length} values, but its size is ${size} pixels; resize one to fit.`,
    );
  }
};
