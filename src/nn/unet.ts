import { concat, relu, type Tensor } from "../graph/index.ts";
import { conv, convTranspose } from "./layers.ts";
import type { Parameters } from "./parameters.ts";

export interface UNetOptions {
  /** Channels of the first level; each further level has twice as many. */
  readonly width: number;
  /** How often height and width are halved. */
  readonly depth: number;
  /** What follows each convolution, before its ReLU. */
  readonly normalise: (p: Parameters, x: Tensor) => Tensor;
}

/**
 * The U-Net (Ronneberger et al. 2015, figure 1) without its last layer, with padded convolutions, normalisation, and strided convolutions for
 * pooling: details pass through the skips, context comes from below. [batch, channels, height, width] -> [batch, width, height, width] features;
 * height and width divide by 2^depth.
 */
export const unetFeatures = (p: Parameters, x: Tensor, { width, depth, normalise }: UNetOptions): Tensor => {
  const convNormRelu = (scope: Parameters, input: Tensor, filters: number, stride = 1): Tensor =>
    relu(normalise(scope.at("norm"), conv(scope.at("conv"), input, filters, 3, { stride, padding: 1, bias: false })));
  const block = (scope: Parameters, input: Tensor, filters: number, stride = 1): Tensor =>
    convNormRelu(scope.at("second"), convNormRelu(scope.at("first"), input, filters, stride), filters);

  const skips = [block(p.at("encoder0"), x, width)];
  for (let level = 1; level <= depth; level++)
    skips.push(block(p.at(`encoder${level}`), skips[level - 1], width * 2 ** level, 2));

  let y = skips[depth];
  for (let level = depth - 1; level >= 0; level--) {
    const filters = width * 2 ** level;
    const up = convTranspose(p.at(`up${level}`), y, filters, 2, { stride: 2 });
    y = block(p.at(`decoder${level}`), concat([skips[level], up], 1), filters);
  }
  return y;
};
