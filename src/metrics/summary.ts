import { type BootstrapOptions, imageMeasure, type Measure } from "./bootstrap.ts";
import { type ImageLabels, imageRoc } from "./image-measures.ts";
import { pixelMeasures } from "./pixel-bootstrap.ts";
import type { OverlapOptions, ScoredMap } from "./pixel-measures.ts";
import { averagePrecision, maximumF1 } from "./precision-recall.ts";
import { areaUnderRoc, OneClassError } from "./roc.ts";

/** Every measure the data define; those that lack a class are left out. */
export type Summary = {
  imageAuroc?: Measure;
  imageAveragePrecision?: Measure;
  /** The maximal F1 score with the threshold that reaches it. */
  imageF1?: Measure & { threshold: number };
  pixelAuroc?: Measure;
  pixelAveragePrecision?: Measure;
  perRegionOverlap?: Measure;
};

export type Evaluated = {
  scores: Float32Array;
  labels: ImageLabels;
  /** The images' anomaly maps; leave out for the image measures alone. */
  maps?: readonly ScoredMap[];
};

/**
 * All measures with their 95 % intervals; those that need a class the data lack are omitted instead of throwing.
 *
 * @throws RangeError for data that are wrong rather than merely of one class: NaN scores, lengths that do not fit.
 */
export const summarise = (evaluated: Evaluated, options: OverlapOptions & BootstrapOptions = {}): Summary => {
  const { scores, labels, maps } = evaluated;
  return {
    ...whereDefined(() => ({
      imageAuroc: imageMeasure(areaUnderRoc, scores, labels, options),
      imageAveragePrecision: imageMeasure(averagePrecision, scores, labels, options),
      imageF1: {
        ...imageMeasure((roc) => maximumF1(roc).value, scores, labels, options),
        threshold: maximumF1(imageRoc(scores, labels)).threshold,
      },
    })),
    ...(maps === undefined ? {} : whereDefined(() => pixelMeasures(maps, options))),
  };
};

const whereDefined = (measures: () => Partial<Summary>): Partial<Summary> => {
  try {
    return measures();
  } catch (error) {
    if (error instanceof OneClassError) return {};
    throw error;
  }
};
