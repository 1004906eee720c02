import { concat, matmul, mul, reshape, softmax, type Tensor } from "../../../graph/index.ts";
import { conv, heNormal, type Parameters, unitVectors } from "../../../nn/index.ts";

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
 * What a memory of L pairs answers at every position: with query q = W x, keys k_i and values v_i,
 * `recalled = sum_i w_i v_i`, `w = softmax_i(cos(q, k_i) / temperature)`. Whatever is asked, the answer is a mixture of the values.
 * x: [batch, channels, height, width] -> the same shape. Keys and values are weights, [L, channels]: trained, saved.
 */
export const recall = (p: Parameters, x: Tensor, { items, temperature }: RecallOptions): Recollection => {
  const [batch, channels, height, width] = x.shape as readonly number[];
  const query = reshape(conv(p.at("query"), x, channels, 1, { bias: false }), [batch, channels, height * width]);
  const similarity = matmul(unitVectors(keys(p, items, channels), 1), unitVectors(query, 1));
  const weights = softmax(mul(similarity, 1 / temperature), 1);
  const recalled = matmul(values(p, items, channels), weights, { transposeA: true });
  return { asked: x, query, recalled: reshape(recalled, x.shape) };
};

const keys = (p: Parameters, items: number, channels: number): Tensor => p.weight("keys", [items, channels], heNormal(channels));
const values = (p: Parameters, items: number, channels: number): Tensor => p.weight("values", [items, channels], heNormal(2));

/** The feature beside its recollection, mixed by a 1x1 convolution: [batch, channels, height, width]. */
export const fuse = (p: Parameters, { asked, recalled }: Pick<Recollection, "asked" | "recalled">): Tensor =>
  conv(p.at("fusion"), concat([asked, recalled], 1), asked.shape[1] as number, 1);
