import type { Measure } from "./bootstrap.ts";
import { type CaseBootstrapOptions, measuresOverCases } from "./case-bootstrap.ts";
import {
  accuracy,
  type ConfusionMatrix,
  classMeasures,
  confusionMatrix,
  meanOverClasses,
  quadraticKappa,
} from "./confusion-matrix.ts";

/** How well ordered classes, such as grades, are predicted. */
export interface GradeMeasures {
  readonly accuracy: Measure;
  readonly quadraticKappa: Measure;
  /** Means over the classes that occur, each counting alike. */
  readonly precision: Measure;
  readonly recall: Measure;
  readonly f1: Measure;
  /** One entry a class; NaN for a class that is neither reference nor prediction of any case. */
  readonly classes: readonly {
    readonly precision: Measure;
    readonly recall: Measure;
    readonly f1: Measure;
    /** Cases whose reference is the class. */
    readonly support: number;
  }[];
  readonly confusion: ConfusionMatrix;
}

/**
 * Accuracy, quadratic weighted kappa and precision, recall and F1 of predicted classes, with 95 % intervals over resampled
 * cases, such as slides. A measure is NaN where it is undefined, see `quadraticKappa` and `classMeasures`.
 *
 * @param reference class numbers 0 .. classes - 1, one a case. @param predicted as many class numbers.
 * @throws RangeError as `confusionMatrix` and `measuresOverCases`.
 */
export const gradeMeasures = (
  reference: ArrayLike<number>,
  predicted: ArrayLike<number>,
  classes: number,
  options?: CaseBootstrapOptions,
): GradeMeasures => {
  const confusion = confusionMatrix(reference, predicted, classes);
  const measuresOf = (positions: Uint32Array): number[] => {
    const matrix = confusionMatrix(taken(reference, positions), taken(predicted, positions), classes);
    const each = classMeasures(matrix);
    return [
      accuracy(matrix),
      quadraticKappa(matrix),
      meanOverClasses(each, "precision"),
      meanOverClasses(each, "recall"),
      meanOverClasses(each, "f1"),
      ...each.flatMap(({ precision, recall, f1 }) => [precision, recall, f1]),
    ];
  };
  const [accuracyOfAll, kappa, meanPrecision, meanRecall, meanF1, ...ofClasses] = measuresOverCases(
    reference.length,
    measuresOf,
    options,
  );
  return {
    accuracy: accuracyOfAll,
    quadraticKappa: kappa,
    precision: meanPrecision,
    recall: meanRecall,
    f1: meanF1,
    classes: classMeasures(confusion).map(({ support }, c) => {
      const [precision, recall, f1] = ofClasses.slice(3 * c);
      return { precision, recall, f1, support };
    }),
    confusion,
  };
};

/**
 * Quadratic weighted kappa of one prediction less that of another of the same cases, in [-2, 2]. Both are resampled alike, so
 * that what makes a case hard for both cancels out: an interval without 0 speaks for a difference on such cases.
 *
 * @throws as `gradeMeasures`.
 */
export const kappaDifference = (
  reference: ArrayLike<number>,
  predicted: ArrayLike<number>,
  otherPredicted: ArrayLike<number>,
  classes: number,
  options?: CaseBootstrapOptions,
): Measure => {
  for (const grades of [predicted, otherPredicted]) confusionMatrix(reference, grades, classes); // whether they fit
  const kappa = (grades: ArrayLike<number>, positions: Uint32Array): number =>
    quadraticKappa(confusionMatrix(taken(reference, positions), taken(grades, positions), classes));
  const difference = (positions: Uint32Array): number[] => [kappa(predicted, positions) - kappa(otherPredicted, positions)];
  return measuresOverCases(reference.length, difference, options)[0];
};

const taken = (values: ArrayLike<number>, positions: Uint32Array): Float64Array =>
  Float64Array.from(positions, (position) => values[position]);
