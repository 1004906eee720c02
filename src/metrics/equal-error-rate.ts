import { type Roc, requireBothClasses } from "./roc.ts";

/**
 * Equal error rate: the false positive rate where it equals the miss rate 1 - (true positive rate), in [0, 1]; 0 is perfect, 0.5 is
 * chance. Between two operating points the curve is a straight line, as it is where scores of both classes are tied, so that the value
 * is defined for every ranking: the point at which the curve meets the line from (0, 1) to (1, 0).
 *
 * @throws OneClassError when a class is missing.
 */
export const equalErrorRate = (roc: Roc): number => {
  requireBothClasses(roc, "The equal error rate");
  let [hitRate, missRate] = [0, 1];
  let value: number | undefined;
  roc.visit((_threshold, truePositives, falsePositives) => {
    if (value !== undefined) return;
    const [hit, missed] = [falsePositives / roc.negatives, 1 - truePositives / roc.positives];
    const [before, after] = [missRate - hitRate, hit - missed];
    if (after >= 0) value = hitRate + (before / (before + after)) * (hit - hitRate);
    [hitRate, missRate] = [hit, missed];
  });
  return value ?? hitRate; // the curve ends at (1, 1), but for the rounding of weights
};
