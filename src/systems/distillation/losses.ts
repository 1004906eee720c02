import { add, matmul, mean, mul, reshape, sqrt, square, stopGradient, sub, sum, type Tensor } from "../../graph/index.ts";
import { cosineSimilarity, unitVectors, weightedMean } from "../../nn/index.ts";
import type { Recollection } from "./memory/recall.ts";

/** Whether directions are compared position by position, or of whole maps as one long vector (reverse distillation). */
export type CosineForm = "position" | "flattened";

/**
 * L_KD, how far the student's features are from the teacher's: the sum over scales of `mean(1 - cos(t, s))`, each in [0, 2]. `weights`, where
 * given, say per scale how much each position counts, [batch, 1, height, width].
 */
export const distillationLoss = (
  teacher: readonly Tensor[],
  student: readonly Tensor[],
  form: CosineForm,
  weights?: readonly Tensor[],
): Tensor =>
  teacher
    .map((t, scale) => {
      const s = student[scale];
      const counts = weights?.[scale];
      if (form === "position") return weightedMean(cosineDistance(t, s), counts);
      const flat = (x: Tensor) => {
        const counted = counts === undefined ? x : mul(x, sqrt(counts));
        return reshape(counted, [x.shape[0], x.shape.slice(1).reduce<number>((product, size) => product * (size as number), 1)]);
      };
      return mean(sub(1, cosineSimilarity(flat(t), flat(s), 1)));
    })
    .reduce((total, loss) => add(total, loss));

/** 1 - cos(t, s) at every position: [batch, channels, height, width] twice -> [batch, 1, height, width], in [0, 2]. */
export const cosineDistance = (t: Tensor, s: Tensor): Tensor => sub(1, cosineSimilarity(t, s, 1));

/**
 * L_NM, how far the memory's recollections are from what was asked, for normal exemplars: the mean of `1 - cos(asked, recalled)`. What was
 * asked is taken as given: the memory is to follow the features, not they the memory. `weights` as in `distillationLoss`, per recollection.
 */
export const normalityLoss = (
  recollections: readonly Pick<Recollection, "asked" | "recalled">[],
  weights?: readonly Tensor[],
): Tensor =>
  recollections
    .map(({ asked, recalled }, index) => weightedMean(cosineDistance(stopGradient(asked), recalled), weights?.[index]))
    .reduce((total, loss) => add(total, loss));

/**
 * L_ORTH, how alike memory items are: the mean of `cos(a_i, a_j)^2` over pairs i != j of the rows of a memory [items, channels], in [0, 1], summed over memories. It is 0
 * where all are at right angles. With unit rows R the sum over all pairs is `|R R^T|^2 = |R^T R|^2`, of which the smaller is computed.
 */
export const orthogonalityLoss = (memories: readonly Tensor[]): Tensor =>
  memories
    .map((items) => {
      const [count, channels] = items.shape as readonly number[];
      const rows = unitVectors(items, 1);
      const products = count < channels ? matmul(rows, rows, { transposeB: true }) : matmul(rows, rows, { transposeA: true });
      const withThemselves = sum(square(sum(square(rows), [1])));
      return mul(sub(sum(square(products)), withThemselves), 1 / (count * (count - 1)));
    })
    .reduce((total, loss) => add(total, loss));
