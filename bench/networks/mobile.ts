import {
  adaptiveAveragePool2d,
  add,
  averagePool2d,
  type ConvolutionOptions,
  mul,
  resize2d,
  sigmoid,
  silu,
  type Tensor,
} from "../../src/graph/index.ts";
import { batchNorm, conv, type Parameters } from "../../src/nn/index.ts";

export interface MobileOptions {
  /** Channels of the stem; the three stages have 1, 2 and 3 times as many. */
  readonly width: number;
  /** Blocks of each stage. */
  readonly blocks: number;
  /** Channels inside a block, as a multiple of those at its entry. Default 4. */
  readonly expansion?: number;
  readonly classes: number;
}

/**
 * A segmentation network of inverted residuals (Sandler et al. 2018): [batch, channels, height, width] -> logits of every fourth
 * position, [batch, classes, height / 4, width / 4]. The last stage dilates its kernels instead of halving the image once more.
 */
export const mobile = (p: Parameters, image: Tensor, { width, blocks, expansion = 4, classes }: MobileOptions): Tensor => {
  const stage = (name: string, x: Tensor, filters: number, stride: number, dilation: number): Tensor => {
    let y = x;
    for (let block = 0; block < blocks; block++) {
      const options = { filters, expansion, stride: block === 0 ? stride : 1, dilation };
      y = invertedResidual(p.at(name).at(`block${block}`), y, options);
    }
    return y;
  };
  const stem = silu(convNorm(p.at("stem"), image, width, 3, { stride: 2, padding: 1 }));
  const fine = stage("stage0", stem, width, 2, 1);
  const coarse = stage("stage2", stage("stage1", fine, 2 * width, 2, 1), 3 * width, 1, 2);
  return head(p.at("head"), fine, coarse, 2 * width, classes);
};

interface BlockOptions {
  readonly filters: number;
  readonly expansion: number;
  readonly stride: number;
  readonly dilation: number;
}

/** Expansion by a 1x1, a depthwise 3x3, squeeze and excitation, projection by a 1x1 convolution; plus x where the shape stays. */
const invertedResidual = (p: Parameters, x: Tensor, { filters, expansion, stride, dilation }: BlockOptions): Tensor => {
  const channels = x.shape[1] as number;
  const inner = channels * expansion;
  const wide = silu(convNorm(p.at("expand"), x, inner, 1));
  const depthwise = { stride, dilation, padding: dilation, groups: inner };
  const filtered = silu(convNorm(p.at("depthwise"), wide, inner, 3, depthwise));
  const y = convNorm(p.at("project"), squeezeExcite(p.at("squeeze"), filtered, Math.max(1, channels >> 1)), filters, 1);
  return stride === 1 && channels === filters ? add(x, y) : y;
};

/** Channels weighted by what all positions together say (Hu et al. 2018): x sigmoid(W2 silu(W1 mean(x))). */
const squeezeExcite = (p: Parameters, x: Tensor, hidden: number): Tensor => {
  const squeezed = silu(conv(p.at("reduce"), adaptiveAveragePool2d(x, [1, 1]), hidden, 1));
  return mul(x, sigmoid(conv(p.at("restore"), squeezed, x.shape[1] as number, 1)));
};

/** Head of Howard et al. 2019 (figure 10): coarse features gated by their surroundings, brought to the fine size, plus fine ones. */
const head = (p: Parameters, fine: Tensor, coarse: Tensor, channels: number, classes: number): Tensor => {
  const surroundings = averagePool2d(coarse, 3, { stride: 2, padding: 1, countPadding: false });
  const gate = resize2d(sigmoid(conv(p.at("gate"), surroundings, channels, 1, { bias: false })), sizeOfImage(coarse), "bilinear");
  const gated = mul(silu(convNorm(p.at("features"), coarse, channels, 1)), gate);
  const enlarged = resize2d(gated, sizeOfImage(fine), "bilinear");
  return add(conv(p.at("coarse"), enlarged, classes, 1), conv(p.at("fine"), fine, classes, 1));
};

const sizeOfImage = (x: Tensor): [number, number] => x.shape.slice(2) as [number, number];

const convNorm = (
  p: Parameters,
  x: Tensor,
  filters: number,
  size: number,
  options: Omit<ConvolutionOptions, "bias"> = {},
): Tensor => batchNorm(p.at("norm"), conv(p.at("conv"), x, filters, size, { ...options, bias: false }));
