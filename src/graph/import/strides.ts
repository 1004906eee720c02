import { operationsOf } from "../gradients.ts";
import type { Shape, Tensor } from "../tensor.ts";
import type { FrozenFunction } from "./function.ts";
import { offsetOf } from "./offsets.ts";

/** A feature map of a model: one vector of `channels` features for every `stride` x `stride` pixels. */
export interface FeatureMap {
  readonly stride: number;
  readonly name: string;
  readonly channels: number;
  /** [batch, channels, height / stride, width / stride] */
  readonly shape: Shape;
  /** How far its positions look beyond the squares that stand for them, in pixels [down, right]; see `offsetOf`. */
  readonly offset: readonly [number, number];
}

/**
 * The last feature map of each stride, from fine to coarse, when a model is given an image: [batch, channels, height, width],
 * or [batch, height, width, channels]. A stride that the model has among its outputs has the last of these: who cut a network so
 * meant them. Values of one position only (pooled ones) are none.
 * @throws GraphError when the image does not fit the model's first input.
 */
export const lastOfEachStride = (model: FrozenFunction, image: Tensor): FeatureMap[] => {
  const channelsLast = image.shape[3] === 1 || image.shape[3] === 3;
  const [height, width] = channelsLast ? image.shape.slice(1, 3) : image.shape.slice(2);
  const outputs = new Set(model.outputs.map(({ name }) => name));
  const last = new Map<number, FeatureMap>();
  for (const { name, tensor } of model.values({ [model.inputs[0].name]: image })) {
    if (tensor?.rank !== 4 || tensor.type !== "float32" || !isMadeOf(image, tensor)) continue;
    const [, channels, rows, columns] = tensor.shape as readonly number[];
    const stride = strideOf(height as number, rows);
    // Larger than the image are no features but, say, the weights between all pairs of tokens.
    if (rows * columns === 1 || stride < 1 || stride !== strideOf(width as number, columns)) continue;
    const known = last.get(stride);
    if (known !== undefined && outputs.has(known.name) && !outputs.has(name)) continue;
    last.set(stride, { stride, name, channels, shape: tensor.shape, offset: offsetOf(image, tensor) });
  }
  return [...last.values()].sort((a, b) => a.stride - b.stride);
};

/** Not so a weight that the file turns or renames. */
const isMadeOf = (image: Tensor, tensor: Tensor): boolean =>
  operationsOf([tensor]).some((operation) => operation.inputs.includes(image));

/** A whole quotient of both sizes, or, where borders were cut or added on the way, the nearest power of two. */
const strideOf = (size: number, positions: number): number => {
  const quotient = size / positions;
  return Number.isInteger(quotient) ? quotient : 2 ** Math.round(Math.log2(quotient));
};
