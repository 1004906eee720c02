import type { Measure } from "./bootstrap.ts";
import { type CaseBootstrapOptions, measuresOverCases } from "./case-bootstrap.ts";
import { accuracy, type ConfusionMatrix, classMeasures, meanOverClasses, sumOfConfusions } from "./confusion-matrix.ts";

export interface SegmentationOptions extends CaseBootstrapOptions {
  /** The classes of the means: without a background, say, which is easy and lifts them. Default: all. */
  readonly meanOf?: readonly number[];
}

/** How well maps of classes are predicted. */
export interface SegmentationMeasures {
  /** The share of pixels that are right. */
  readonly pixelAccuracy: Measure;
  /** Means over the classes of `meanOf` that occur, each counting alike. */
  readonly meanDice: Measure;
  readonly meanIntersectionOverUnion: Measure;
  /** One entry a class; NaN for a class that is neither reference nor prediction of any pixel. */
  readonly classes: readonly {
    readonly dice: Measure;
    readonly intersectionOverUnion: Measure;
    readonly precision: Measure;
    readonly recall: Measure;
    /** Pixels whose reference is the class. */
    readonly support: number;
  }[];
  readonly confusion: ConfusionMatrix;
}

/**
 * Dice coefficient 2 |A and B| / (|A| + |B|) and intersection over union |A and B| / |A or B| of every class, over the pixels of
 * all images together, with 95 % intervals over images, such as slides, resampled whole.
 *
 * @param images the confusion matrix of each image's pixels; those of a slide's tiles are summed before (`sumOfConfusions`).
 * @throws RangeError as `measuresOverCases`.
 */
export const segmentationMeasures = (
  images: readonly ConfusionMatrix[],
  { meanOf, ...options }: SegmentationOptions = {},
): SegmentationMeasures => {
  const measuresOf = (positions: Uint32Array): number[] => {
    const matrix = sumOfConfusions(Array.from(positions, (position) => images[position]));
    const each = classMeasures(matrix);
    const chosen = meanOf?.map((c) => each[c]) ?? each;
    return [
      accuracy(matrix),
      meanOverClasses(chosen, "f1"),
      meanOverClasses(chosen, "intersectionOverUnion"),
      ...each.flatMap(({ f1, intersectionOverUnion, precision, recall }) => [f1, intersectionOverUnion, precision, recall]),
    ];
  };
  const [pixelAccuracy, meanDice, meanIntersectionOverUnion, ...ofClasses] = measuresOverCases(
    images.length,
    measuresOf,
    options,
  );
  const confusion = sumOfConfusions(images);
  return {
    pixelAccuracy,
    meanDice,
    meanIntersectionOverUnion,
    classes: classMeasures(confusion).map(({ support }, c) => {
      const [dice, intersectionOverUnion, precision, recall] = ofClasses.slice(4 * c);
      return { dice, intersectionOverUnion, precision, recall, support };
    }),
    confusion,
  };
};
