import { matmul, mul, reshape, softmax, type Tensor, transpose } from "../../../graph/index.ts";
import { heNormal, type Parameters, unitVectors } from "../../../nn/index.ts";

export interface AdaptiveOptions {
  /** M: how many memory items are made of an image. */
  readonly items: number;
  readonly temperature: number;
}

/**
 * Adaptive memory: M items are made of the image's own feature by what is remembered, and the feature is built from these alone.
 * The projection R (stored) maps every position to M numbers, whose softmax over positions says which part of the image each item
 * stands for: `item_m = sum_p softmax_p(R x)_mp x_p`. Then `y_p = sum_m softmax_m(cos(x_p, item_m) / temperature) item_m`.
 * x: [batch, channels, height, width] -> the same shape.
 */
export const adaptiveMemory = (p: Parameters, x: Tensor, { items: count, temperature }: AdaptiveOptions): Tensor => {
  const [batch, channels, height, width] = x.shape as readonly number[];
  const positions = height * width;
  const initial = reshape(x, [batch, channels, positions]);
  const shares = softmax(matmul(projection(p, count, channels), initial));
  const items = matmul(shares, initial, { transposeB: true });
  const similarity = matmul(unitVectors(items, 2), unitVectors(initial, 1));
  // Turned, so that the softmax runs along the last axis and the product needs no copy.
  const weights = softmax(mul(transpose(similarity, [0, 2, 1]), 1 / temperature));
  return reshape(matmul(items, weights, { transposeA: true, transposeB: true }), x.shape);
};

const projection = (p: Parameters, items: number, channels: number): Tensor =>
  p.weight("projection", [items, channels], heNormal(channels));
