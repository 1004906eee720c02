import { type BootstrapOptions, classesOf, percentileIntervals } from "./bootstrap.ts";
import { confusionAt, type ImageLabels } from "./image-measures.ts";
import { type CostMeasures, type CostModel, expectedCost, lowestOf, requireCostData } from "./operating-point.ts";

/**
 * What the threshold of `lowestCost` will cost on new images: the threshold is chosen on resampled images, normal and
 * anomalous ones resampled separately, and its cost and rates are measured on the images the resample left out. The value
 * is the mean over resamples, the interval runs from their 2.5th to their 97.5th percentile (Tsamardinos et al.,
 * "Bootstrapping the out-of-sample predictions for efficient and accurate cross-validation", Machine Learning 107, 2018,
 * with thresholds as the configurations).
 *
 * On scores that tell nothing, the value is about that of the better of "stop everything" and "pass everything", while
 * `lowestCost` promises less. A resample leaves out about 37 % of the images, so the interval is wider than it need be:
 * simulated with normal scores it covers the true cost of the chosen threshold in 97 to 100 % of test sets with 30 or
 * more images a class; with ten a class and few mistakes, in fewer than 90 %.
 *
 * @throws as `lowestCost`, and RangeError when a class has a single image, since none can be left out.
 */
export const estimatedLowestCost = (
  scores: Float32Array,
  labels: ImageLabels,
  costs: CostModel,
  options?: BootstrapOptions,
): CostMeasures => {
  requireCostData(scores, labels, costs);
  const classes = classesOf(labels);
  for (const [index, name] of ["normal", "anomalous"].entries()) {
    if (classes[index].length > 1) continue;
    throw new RangeError(
      `There is a single ${name} image, so none can be left out to measure on; evaluate on two or more of each class.`,
    );
  }
  const everyPosition = Uint32Array.from(scores.keys());
  const rows: number[][] = [];
  const measuredOutside = (positions: Uint32Array): number[] => {
    const drawn = new Uint8Array(scores.length);
    for (const position of positions) drawn[position] = 1;
    const leftOut = everyPosition.filter((position) => drawn[position] === 0);
    const chosen = scoresAt(positions);
    const { threshold } = lowestOf(chosen.scores, chosen.labels, costs);
    const outside = scoresAt(leftOut);
    const counts = confusionAt(outside.scores, outside.labels, threshold);
    // A class of which no image was left out makes its rate, and with it the cost, 0 / 0 = NaN: undefined here.
    const missRate = counts.falseNegatives / (counts.falseNegatives + counts.truePositives);
    const falseAlarmRate = counts.falsePositives / (counts.falsePositives + counts.trueNegatives);
    const row = [expectedCost(missRate, falseAlarmRate, costs), missRate, falseAlarmRate];
    rows.push(row);
    return row;
  };
  const scoresAt = (positions: Uint32Array) => ({
    scores: Float32Array.from(positions, (position) => scores[position]),
    labels: Uint8Array.from(positions, (position) => (labels[position] ? 1 : 0)),
  });
  const intervals = percentileIntervals(classes, measuredOutside, options);
  const defined = rows.filter(([cost]) => !Number.isNaN(cost));
  const [cost, missRate, falseAlarmRate] = intervals.map(({ low, high }, column) => {
    const value = defined.reduce((sum, row) => sum + row[column], 0) / defined.length;
    // Where all but a few resamples agree, the mean can lie outside the percentiles.
    return { value, low: Math.min(low, value), high: Math.max(high, value) };
  });
  return { cost, missRate, falseAlarmRate };
};
