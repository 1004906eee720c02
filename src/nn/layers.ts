import {
  affine,
  type ConvolutionOptions,
  conv2d,
  convTranspose2d,
  GraphError,
  matmul,
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

/** Convolution with `filters` kernels of size x size. Parameters `weight` [filters, channels / groups, size, size], `bias` [filters]. */
export const conv = (
  p: Parameters,
  x: Tensor,
  filters: number,
  size: number,
  { bias = true, initialise, ...options }: Omit<ConvolutionOptions, "bias"> & LayerOptions = {},
): Tensor => {
  const channels = channelsOf(x) / (options.groups ?? 1);
  const weight = p.weight("weight", [filters, channels, size, size], initialise ?? heNormal(channels * size * size));
  return conv2d(x, weight, { ...options, bias: bias ? p.weight("bias", [filters], zeros) : undefined });
};

/** Transposed convolution with `filters` kernels of size x size. Parameters `weight` [channels, filters, size, size], `bias` [filters]. */
export const convTranspose = (
  p: Parameters,
  x: Tensor,
  filters: number,
  size: number,
  { bias = true, initialise, ...options }: Omit<TransposedConvolutionOptions, "bias" | "groups"> & LayerOptions = {},
): Tensor => {
  const channels = channelsOf(x);
  const stepped = typeof options.stride === "object" ? options.stride[0] * options.stride[1] : (options.stride ?? 1) ** 2;
  const fanIn = Math.max(1, (channels * size * size) / stepped);
  const weight = p.weight("weight", [channels, filters, size, size], initialise ?? heNormal(fanIn));
  return convTranspose2d(x, weight, { ...options, bias: bias ? p.weight("bias", [filters], zeros) : undefined });
};

/** Affine map y = x W^T + b of the last axis. Parameters `weight` [outputs, inputs], `bias` [outputs]. */
export const dense = (p: Parameters, x: Tensor, outputs: number, { bias = true, initialise }: LayerOptions = {}): Tensor => {
  const inputs = x.shape[x.rank - 1];
  if (typeof inputs !== "number") throw new GraphError("dense: the last axis must have a size known when the graph is built.");
  const weight = p.weight("weight", [outputs, inputs], initialise ?? heNormal(inputs));
  return bias ? affine(x, weight, p.weight("bias", [outputs], zeros)) : matmul(x, weight, { transposeB: true });
};

const channelsOf = (x: Tensor): number => {
  const channels = x.shape[1];
  if (typeof channels !== "number")
    throw new GraphError("A convolution needs a number of channels known when the graph is built.");
  return channels;
};
