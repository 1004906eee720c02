import { add, averagePool2d, matmul, mul, reshape, softmax, type Tensor } from "../../../graph/index.ts";
import { conv, heNormal, type Parameters, unitVectors, zeros } from "../../../nn/index.ts";

export interface RecallOptions {
  /** L: how many pairs of key and value are remembered. */
  readonly items: number;
  /** Divides the cosines before the softmax: the smaller, the fewer items a recollection is made of. */
  readonly temperature: number;
}

/** A feature and what the memory answers to it. */
export interface Recollection {
  /** The feature that was asked about, [batch, channels, height, width]. */
  readonly asked: Tensor;
  /** What the memory was asked with, [batch, channels, height * width]. */
  readonly query: Tensor;
  /** Its recollection, of the feature's shape. */
  readonly recalled: Tensor;
}

/**
 * What a memory of L pairs answers at every position: with the query q = W x of the 3 x 3 positions around, keys k_i and values v_i,
 * `recalled = sum_i w_i v_i`, `w = softmax_i(cos(q, k_i) / temperature)`. Whatever is asked, the answer is a mixture of the values.
 * x: [batch, channels, height, width] -> the same shape. Keys and values are weights, [L, channels]: trained, saved.
 */
export const recall = (p: Parameters, x: Tensor, { items, temperature }: RecallOptions): Recollection => {
  const [batch, channels, height, width] = x.shape as readonly number[];
  const around = averagePool2d(x, 3, { stride: 1, padding: 1, countPadding: false });
  const learnt = conv(p.at("query"), x, channels, 1, { bias: false, initialise: zeros });
  const query = reshape(add(around, mul(learnt, channels ** -0.5)), [batch, channels, height * width]);
  const similarity = matmul(unitVectors(keys(p, items, channels), 1), unitVectors(query, 1));
  const weights = softmax(mul(similarity, 1 / temperature), 1);
  const recalled = matmul(values(p, items, channels), weights, { transposeA: true });
  return { asked: x, query, recalled: reshape(recalled, x.shape) };
};

const keys = (p: Parameters, items: number, channels: number): Tensor => p.weight("keys", [items, channels], heNormal(channels));
const values = (p: Parameters, items: number, channels: number): Tensor => p.weight("values", [items, channels], heNormal(2));
