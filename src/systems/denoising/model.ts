import { add, leakyRelu, reshape, type Tensor } from "../../graph/index.ts";
import {
  batchNorm,
  conv,
  convTranspose,
  dense,
  glorotUniform,
  groupNorm,
  type Initialiser,
  type Parameters,
  unetFeatures,
  zeros,
} from "../../nn/index.ts";

export interface NetworkOptions {
  /** `unet`: an encoder and decoder with skip connections; `bottleneck`: an autoencoder through one narrow vector. */
  readonly architecture: "unet" | "bottleneck";
  /** Channels of the first level; each further level has twice as many. */
  readonly width: number;
  /** How often height and width are halved. */
  readonly depth: number;
  /** Size of the bottleneck's vector. */
  readonly latent: number;
  readonly normalisation: "batch" | "group";
  /** U-Net only: the network computes what is to be added to its input (Zhang et al. 2017), and starts as the identity. */
  readonly residual: boolean;
}

/** A network that restores images: [batch, channels, height, width] -> the same shape. Height and width divide by 2^depth. */
export const restore = (p: Parameters, x: Tensor, options: NetworkOptions): Tensor =>
  options.architecture === "unet" ? unet(p, x, options) : bottleneck(p, x, options);

const normalise = (p: Parameters, x: Tensor, { normalisation, width }: NetworkOptions): Tensor =>
  normalisation === "batch" ? batchNorm(p, x) : groupNorm(p, x, largestDivisor(width, 8));

/** The largest number up to `limit` that divides `value`: every level has `width` channels times a power of two. */
const largestDivisor = (value: number, limit: number): number => {
  for (let divisor = Math.min(limit, value); divisor > 1; divisor--) if (value % divisor === 0) return divisor;
  return 1;
};

/** A U-Net: what the corruption left intact passes through the skips, what it covered must come from the context below. */
const unet = (p: Parameters, x: Tensor, options: NetworkOptions): Tensor => {
  const { width, depth } = options;
  const y = unetFeatures(p, x, { width, depth, normalise: (scope, input) => normalise(scope, input, options) });
  return options.residual ? add(x, output(p, y, x, zeros)) : output(p, y, x);
};

/**
 * Convolutional autoencoder (Bergmann et al. 2019, table 1, in structure): strided 4x4 convolutions down to a small map,
 * one vector of `latent` numbers, and the mirror image back. Nothing passes beside the vector.
 */
const bottleneck = (p: Parameters, x: Tensor, options: NetworkOptions): Tensor => {
  const { width, depth, latent } = options;
  let y = x;
  for (let level = 0; level < depth; level++) {
    const scope = p.at(`encoder${level}`);
    y = leakyRelu(
      normalise(
        scope.at("norm"),
        conv(scope.at("conv"), y, width * 2 ** level, 4, { stride: 2, padding: 1, bias: false }),
        options,
      ),
      0.2,
    );
  }
  const [batch, channels, height, columns] = y.shape as readonly number[];
  const vector = dense(p.at("latent"), reshape(y, [batch, channels * height * columns]), latent);
  y = reshape(leakyRelu(dense(p.at("expand"), vector, channels * height * columns), 0.2), y.shape);
  for (let level = depth - 1; level >= 0; level--) {
    const scope = p.at(`decoder${level}`);
    const filters = width * 2 ** Math.max(level - 1, 0);
    const up = convTranspose(scope.at("conv"), y, filters, 4, { stride: 2, padding: 1, bias: false });
    y = leakyRelu(normalise(scope.at("norm"), up, options), 0.2);
  }
  return output(p, y, x);
};

/** A last 3x3 convolution to the image's channels, without activation. */
const output = (p: Parameters, y: Tensor, x: Tensor, initialise?: Initialiser): Tensor => {
  const [filters, channels] = [y.shape[1] as number, x.shape[1] as number];
  return conv(p.at("output"), y, channels, 3, { padding: 1, initialise: initialise ?? glorotUniform(9 * filters, 9 * channels) });
};
