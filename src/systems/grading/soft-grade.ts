import {
  add,
  concat,
  formatShape,
  GraphError,
  log,
  mul,
  sigmoid,
  slice,
  softmax,
  sub,
  sum,
  type Tensor,
} from "../../graph/index.ts";
import { type GradeOptions, requireLimits } from "./grade.ts";

export interface SoftGradeOptions extends GradeOptions {
  /** As of `GradeOptions`, a share of the patch; here it must be above 0. */
  readonly minimumCancer: number;
  /** As of `GradeOptions`; here it must be above 0. */
  readonly minimumPattern: number;
  /** The exponent s: 1 compares areas as they are, infinity is the table of `gradeOf`. Default 4. */
  readonly sharpness?: number;
}

/** Added to every area, a share of the patch, so that its logarithm exists. */
const LEAST_AREA = 1e-6;

/**
 * The table of `gradeOf` as a smooth function, through which the loss of a slide's grade reaches the network. Every decision
 * between areas or limits a and b becomes the weight a^s / (a^s + b^s), which depends on their ratio alone:
 *
 *   cancer      T^s / (T^s + minimumCancer^s), T = a3 + a4 + a5
 *   primary k   a_k^s / (a3^s + a4^s + a5^s)
 *   present j   a_j^s / (a_j^s + (minimumPattern T)^s)
 *
 * and the secondary pattern follows from the other two patterns as the convention says. As s grows the result approaches the
 * grade of the table, 0 or 1; where areas are equal it shares the weight, and the table takes the higher pattern.
 *
 * @param areas expected areas of the patterns 3, 4, 5, in shares of the patch: means over pixels of their probabilities,
 * [patches, 3].
 * @returns probabilities of the ISUP grades 0 .. 5, [patches, 6].
 * @throws GraphError for another shape; RangeError for an option out of its range.
 */
export const softGrades = (areas: Tensor, options: SoftGradeOptions): Tensor => {
  const { secondary = "second-most", minimumCancer, minimumPattern, sharpness = 4 } = options;
  requireLimits(minimumCancer, minimumPattern);
  if (!(minimumCancer > 0 && minimumPattern > 0 && sharpness > 0)) {
    throw new RangeError(
      `Soft grades need a minimum area, a minimum share and a sharpness above 0, not ${minimumCancer}, ${minimumPattern}, ${sharpness}.`,
    );
  }
  if (areas.rank !== 2 || areas.shape[1] !== 3) {
    throw new GraphError(`softGrades: needs areas [patches, 3], but got the shape ${formatShape(areas.shape)}.`);
  }
  const positive = add(areas, LEAST_AREA);
  const logAreas = log(positive);
  const logCancer = log(sum(positive, [1], { keepAxes: true }));
  /** a^s / (a^s + b^s) of log a - log b. */
  const weight = (logRatio: Tensor): Tensor => sigmoid(mul(logRatio, sharpness));
  const not = (probability: Tensor): Tensor => sub(1, probability);
  const column = (x: Tensor, pattern: number): Tensor => slice(x, 1, pattern - 3, pattern - 2);

  const cancer = weight(sub(logCancer, Math.log(minimumCancer)));
  const present = weight(sub(logAreas, add(logCancer, Math.log(minimumPattern))));
  const primary = softmax(mul(logAreas, sharpness), 1);

  /** Probabilities of a primary pattern with either of the others, the lower and the higher, as secondary, and with itself. */
  const scores = (pattern: number, lower: number, higher: number): readonly [Tensor, Tensor, Tensor] => {
    const [hasLower, hasHigher] = [column(present, lower), column(present, higher)];
    const higherFirst = weight(sub(column(logAreas, higher), column(logAreas, lower)));
    const [withLower, withHigher] =
      secondary === "worst"
        ? [mul(not(hasHigher), hasLower), hasHigher]
        : [mul(not(higherFirst), hasLower), mul(higherFirst, hasHigher)];
    const first = column(primary, pattern);
    return [mul(first, withLower), mul(first, withHigher), mul(first, not(add(withLower, withHigher)))];
  };
  const [with34, with35, with33] = scores(3, 4, 5);
  const [with43, with45, with44] = scores(4, 3, 5);
  const [with53, with54, with55] = scores(5, 3, 4);
  const grades = [with33, with34, with43, add(with44, add(with35, with53)), add(with45, add(with54, with55))];
  return concat([not(cancer), mul(concat(grades, 1), cancer)], 1);
};
