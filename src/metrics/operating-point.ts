import { type BootstrapOptions, classesOf, type Measure, percentileIntervals } from "./bootstrap.ts";
import { confusionAt, type ImageLabels, imageRoc } from "./image-measures.ts";
import { rank } from "./ranking.ts";
import { requireBothClasses } from "./roc.ts";
import { scoreOfKey } from "./score-order.ts";

/** What wrong decisions cost in production. */
export type CostModel = {
  /** Cost of passing an anomalous image, at least 0, in any unit. */
  miss: number;
  /** Cost of stopping a normal image, at least 0, in the same unit. */
  falseAlarm: number;
  /** Share of anomalous images in production, in [0, 1]; test sets hold far more of them, so it is not read off the labels. */
  prevalence: number;
};

/** What follows from calling anomalous every image whose score >= threshold. */
export type OperatingPoint = {
  /** -Infinity where everything is called anomalous, +Infinity where everything passes (JSON knows neither). */
  threshold: number;
  /** Share of anomalous images that pass, in [0, 1]. */
  missRate: number;
  /** Share of normal images that are stopped, in [0, 1]. */
  falseAlarmRate: number;
  /** Expected cost of one image in production: see `expectedCost`. */
  cost: number;
};

/**
 * Expected cost of one image in production (see Elkan, "The Foundations of Cost-Sensitive Learning", IJCAI 2001):
 * `prevalence * miss * missRate + (1 - prevalence) * falseAlarm * falseAlarmRate`.
 */
export const expectedCost = (missRate: number, falseAlarmRate: number, costs: CostModel): number =>
  costs.prevalence * costs.miss * missRate + (1 - costs.prevalence) * costs.falseAlarm * falseAlarmRate;

export type CostCurve = {
  /** Ascending. The other values at index i hold above threshold i - 1, up to and at threshold i. */
  thresholds: Float32Array;
  costs: Float64Array;
  missRates: Float64Array;
  falseAlarmRates: Float64Array;
};

const mostPoints = 500;

/**
 * Expected cost against the threshold, for drawing: an exact step function with a step at each score, from the lowest
 * score, up to which everything is called anomalous, to +Infinity, where everything passes (an image that scores
 * +Infinity never does). Of more than 500 steps those of least and greatest cost in each of equal stretches are kept;
 * the ends and the step that `lowestCost` chooses always are.
 *
 * @throws as `lowestCost`.
 */
export const costCurve = (scores: Float32Array, labels: ImageLabels, costs: CostModel): CostCurve => {
  requireCostData(scores, labels, costs);
  const kept = thinned(stepsOf(scores, labels, costs)).toReversed();
  return {
    thresholds: Float32Array.from(kept, ({ threshold }) => threshold),
    costs: Float64Array.from(kept, ({ cost }) => cost),
    missRates: Float64Array.from(kept, ({ missRate }) => missRate),
    falseAlarmRates: Float64Array.from(kept, ({ falseAlarmRate }) => falseAlarmRate),
  };
};

/**
 * The threshold of least expected cost on the given images. Of equally good ones it is that of the fewest false alarms
 * (and, where misses cost nothing, of the fewest misses beside). It lies halfway between the lowest score that reaches it
 * and the next one below, rounded to 32 bits, since a threshold at a sample itself changes its verdict with the last bit.
 *
 * The cost is that of a threshold chosen on the images it is measured on, so it is too low for new images: report
 * `estimatedLowestCost` instead.
 *
 * @throws OneClassError when a class is missing; RangeError when scores and labels differ in length, a score is NaN, a
 * cost is negative or not finite or the prevalence is outside [0, 1].
 */
export const lowestCost = (scores: Float32Array, labels: ImageLabels, costs: CostModel): OperatingPoint => {
  requireCostData(scores, labels, costs);
  return lowestOf(scores, labels, costs);
};

export type CostMeasures = { cost: Measure; missRate: Measure; falseAlarmRate: Measure };

/**
 * Expected cost and rates at a given threshold, fixed without looking at these images, with intervals over resampled
 * images, normal and anomalous ones resampled separately. A class without a mistake leaves its rate an interval without
 * width; what n images really leave open then is a rate up to about 3 / n (Hanley and Lippman-Hand 1983).
 *
 * @throws as `lowestCost`, and RangeError when the threshold is NaN.
 */
export const costAt = (
  scores: Float32Array,
  labels: ImageLabels,
  threshold: number,
  costs: CostModel,
  options?: BootstrapOptions,
): CostMeasures => {
  requireCostData(scores, labels, costs);
  const { truePositives, falsePositives, trueNegatives, falseNegatives } = confusionAt(scores, labels, threshold);
  const measuresOf = (misses: number, falseAlarms: number): number[] => {
    const missRate = misses / (truePositives + falseNegatives);
    const falseAlarmRate = falseAlarms / (trueNegatives + falsePositives);
    return [expectedCost(missRate, falseAlarmRate, costs), missRate, falseAlarmRate];
  };
  const resampled = (positions: Uint32Array): number[] => {
    let [misses, falseAlarms] = [0, 0];
    for (const position of positions) {
      if (!labels[position] && scores[position] >= threshold) falseAlarms++;
      else if (labels[position] && scores[position] < threshold) misses++;
    }
    return measuresOf(misses, falseAlarms);
  };
  const intervals = percentileIntervals(classesOf(labels), resampled, options);
  const values = measuresOf(falseNegatives, falsePositives);
  const [cost, missRate, falseAlarmRate] = values.map((value, index) => ({ value, ...intervals[index] }));
  return { cost, missRate, falseAlarmRate };
};

/** Throws, as `lowestCost` says, what is wrong with the images or the costs. */
export const requireCostData = (scores: Float32Array, labels: ImageLabels, costs: CostModel): void => {
  for (const name of ["miss", "falseAlarm"] as const) {
    const cost = costs[name];
    if (!(cost >= 0 && cost < Infinity))
      throw new RangeError(`The cost "${name}" is ${cost}; it must be a number of at least 0.`);
  }
  if (!(costs.prevalence >= 0 && costs.prevalence <= 1)) {
    throw new RangeError(`The prevalence is ${costs.prevalence}; it is a share of images and must be between 0 and 1.`);
  }
  requireBothClasses(imageRoc(scores, labels), "The cost of a threshold");
};

/** `lowestCost` of images known to be in order. */
export const lowestOf = (scores: Float32Array, labels: ImageLabels, costs: CostModel): OperatingPoint => {
  const steps = stepsOf(scores, labels, costs);
  const best = lowestStep(steps);
  return { ...steps[best], threshold: halfway(steps[best + 1]?.threshold, steps[best].threshold) };
};

/** One point for each verdict on the images that a threshold can give, the greatest threshold of each, falling. */
const stepsOf = (scores: Float32Array, labels: ImageLabels, costs: CostModel): OperatingPoint[] => {
  const { normalKeys, anomalousKeys } = rank([{ scores, groups: Int32Array.from(labels, (label) => (label ? 1 : 0)) }]);
  const steps: OperatingPoint[] = [];
  let normalBelow = normalKeys.length;
  let anomalousBelow = anomalousKeys.length;
  const add = (threshold: number): void => {
    const missRate = anomalousBelow / anomalousKeys.length;
    const falseAlarmRate = (normalKeys.length - normalBelow) / normalKeys.length;
    steps.push({ threshold, missRate, falseAlarmRate, cost: expectedCost(missRate, falseAlarmRate, costs) });
  };
  const greatest = Math.max(normalKeys[normalBelow - 1], anomalousKeys[anomalousBelow - 1]);
  if (scoreOfKey(greatest) < Infinity) add(Infinity);
  while (normalBelow > 0 || anomalousBelow > 0) {
    const key = Math.max(normalKeys[normalBelow - 1] ?? 0, anomalousKeys[anomalousBelow - 1] ?? 0);
    while (normalKeys[normalBelow - 1] === key) normalBelow--;
    while (anomalousKeys[anomalousBelow - 1] === key) anomalousBelow--;
    add(scoreOfKey(key));
  }
  return steps;
};

/** The index of the step of least cost. Costs that differ by rounding alone are equal. */
const lowestStep = (steps: readonly OperatingPoint[]): number => {
  let best = 0;
  for (let index = 1; index < steps.length; index++) {
    const rise = steps[index].cost - steps[best].cost;
    const rounding = 1e-12 * steps[best].cost;
    const isFree = rise <= rounding && steps[index].falseAlarmRate === steps[best].falseAlarmRate;
    if (rise < -rounding || isFree) best = index;
  }
  return best;
};

/** A 32-bit threshold above `below`, which is undefined under the lowest score, and not above `reached`. */
const halfway = (below: number | undefined, reached: number): number => {
  if (below === undefined) return -Infinity;
  const middle = Math.fround((below + reached) / 2);
  return middle > below ? middle : reached;
};

const thinned = (steps: readonly OperatingPoint[]): OperatingPoint[] => {
  if (steps.length <= mostPoints) return [...steps];
  const kept = new Set([0, lowestStep(steps), steps.length - 1]);
  const stretches = (mostPoints - kept.size) >> 1;
  for (let stretch = 0; stretch < stretches; stretch++) {
    let least = Math.floor((stretch * steps.length) / stretches);
    let greatest = least;
    for (let index = least; index < Math.floor(((stretch + 1) * steps.length) / stretches); index++) {
      if (steps[index].cost < steps[least].cost) least = index;
      if (steps[index].cost > steps[greatest].cost) greatest = index;
    }
    kept.add(least).add(greatest);
  }
  return steps.filter((_, index) => kept.has(index));
};
