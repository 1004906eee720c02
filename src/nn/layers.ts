import {
  add,
  type ConvolutionOptions,
  conv2d,
  convTranspose2d,
  GraphError,
  matmul,
  reshape,
  type Tensor,
  type TransposedConvolutionOptions,
} from "../graph/index.ts";
import { heNormal, zeros } from "./initialisers.ts";
import type { Initialiser, Parameters } from "./parameters.ts";

interface LayerOptions {
  /** Add a learnt value per output channel. Default true; useless before a normalisation. */
  readonly bias?: boolean;
  /** First values of the weight. Default: He et al. 2015. */
  readonly initialise?: Initialiser;
}

/** Convolution with `filters` kernels of size x size. Parameters `weight` [filters, channels, size, size], `bias` [filters]. */
export const conv = (
  p: Parameters,
  x: Tensor,
  filters: number,
  size: number,
  { bias = true, initialise, ...options }: ConvolutionOptions & LayerOptions = {},
): Tensor => {
  const channels = channelsOf(x);
  const weight = p.weight("weight", [filters, channels, size, size], initialise ?? heNormal(channels * size * size));
  return withBias(p, conv2d(x, weight, options), filters, bias);
};

/** Transposed convolution with `filters` kernels of size x size. Parameters `weight` [channels, filters, size, size], `bias` [filters]. */
export const convTranspose = (
  p: Parameters,
  x: Tensor,
  filters: number,
  size: number,
  { bias = true, initialise, ...options }: TransposedConvolutionOptions & LayerOptions = {},
): Tensor => {
  const channels = channelsOf(x);
  const stride = options.stride ?? 1;
  const fanIn = Math.max(1, (channels * size * size) / (stride * stride));
  const weight = p.weight("weight", [channels, filters, size, size], initialise ?? heNormal(fanIn));
  return withBias(p, convTranspose2d(x, weight, options), filters, bias);
};

/** Affine map y = x W^T + b of the last axis. Parameters `weight` [outputs, inputs], `bias` [outputs]. */
export const dense = (p: Parameters, x: Tensor, outputs: number, { bias = true, initialise }: LayerOptions = {}): Tensor => {
  const inputs = x.shape[x.rank - 1];
  if (typeof inputs !== "number") throw new GraphError("dense: the last axis must have a size known when the graph is built.");
  const y = matmul(x, p.weight("weight", [outputs, inputs], initialise ?? heNormal(inputs)), { transposeB: true });
  return bias ? add(y, p.weight("bias", [outputs], zeros)) : y;
};

const withBias = (p: Parameters, y: Tensor, filters: number, bias: boolean): Tensor =>
  bias ? add(y, reshape(p.weight("bias", [filters], zeros), [1, filters, 1, 1])) : y;

const channelsOf = (x: Tensor): number => {
  const channels = x.shape[1];
  if (typeof channels !== "number")
    throw new GraphError("A convolution needs a number of channels known when the graph is built.");
  return channels;
};
