import {
  add,
  concat,
  constant,
  div,
  expand,
  filterMatrix,
  GraphError,
  gaussianKernel,
  greater,
  largest,
  leakyRelu,
  max,
  mean,
  mul,
  neg,
  relu,
  reshape,
  separable,
  sub,
  type Tensor,
  where,
} from "../../graph/index.ts";
import { imageInput, preprocess } from "../../imaging/index.ts";
import {
  batchNorm,
  conv,
  convTranspose,
  dense,
  glorotUniform,
  groupNorm,
  type Initialiser,
  type Parameters,
  weightedResidual,
  zeros,
} from "../../nn/index.ts";
import { random } from "../../random/index.ts";
import type { Config } from "./config.ts";
import { occlude } from "./corruption/index.ts";

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
  normalisation === "batch" ? batchNorm(p, x) : groupNorm(p, x, Math.min(8, width));

/**
 * U-Net (Ronneberger et al. 2015, figure 1) with padded convolutions, normalisation, and strided convolutions for pooling:
 * what the corruption left intact passes through the skips, what it covered must come from the context below.
 */
const unet = (p: Parameters, x: Tensor, options: NetworkOptions): Tensor => {
  const { width, depth } = options;
  const convNormRelu = (scope: Parameters, input: Tensor, filters: number, stride = 1): Tensor =>
    relu(normalise(scope.at("norm"), conv(scope.at("conv"), input, filters, 3, { stride, padding: 1, bias: false }), options));
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

/** A configuration whose number of channels is decided. */
export type ModelConfig = Config & { readonly image: { readonly channels: 1 | 3 } };

/** What training images show at each position of the map, [size, size]: the zero and the unit of a standardised map. */
export interface Calibration {
  readonly mean: Float32Array;
  readonly deviation: Float32Array;
}

/** The smoothed residual of prepared images: x [1, channels, size, size] -> map [1, 1, size, size], and the restored image. */
export const anomalyMap = (p: Parameters, x: Tensor, { network, score, corruption, seed }: ModelConfig) => {
  const size = x.shape[2] as number;
  const views = score.passes === 0 ? x : occludedViews(x, score.passes, corruption, seed);
  const restored = restore(p, views, network);
  const map = mean(scoreResidual(score)(expand(x, views.shape), restored), [0], { keepAxes: true });
  const blur = filterMatrix(size, score.sigma > 0 ? gaussianKernel(score.sigma) : [1]);
  return { map: separable(map, blur, blur), restored: mean(restored, [0]) };
};

const scoreResidual = ({ l1, l2, ssim, msgms, contrast }: Config["score"]) => weightedResidual({ l1, l2, ssim, msgms, contrast });

/**
 * The whole detector, as it is exported: 8-bit pixels of any size in; out come `map` [height, width], the smoothed residual at
 * the image's own size, `score` [], and `restored` [channels, size, size], the image as the network thinks it should be.
 * With a calibration, map and score count standard deviations from the training images at the same position.
 */
export const detector = (p: Parameters, config: ModelConfig, calibration?: Calibration) => {
  const { size } = config.image;
  const image = imageInput();
  const { x, content, toImage } = preprocess(image, config.image);
  const { map: raw, restored } = anomalyMap(p, x, config);
  const map = calibration
    ? div(sub(raw, constant(calibration.mean, [size, size])), constant(calibration.deviation, [size, size]))
    : raw;
  // Around the image, where its edge is only repeated, nothing may raise the score. Zeros would, since a map can be negative.
  const scored = where(greater(content, 0.5), map, neg(max(neg(map))));
  return { image, map: toImage(map), score: imageScore(scored, config.score), restored };
};

const imageScore = (map: Tensor, { image, topShare }: Config["score"]): Tensor => {
  const flat = reshape(map, [map.shape.slice(-2).reduce<number>((product, length) => product * (length as number), 1)]);
  return image === "max" ? max(flat) : mean(largest(flat, Math.max(1, Math.round(topShare * (flat.shape[0] as number)))));
};

/** The image under several fixed occlusions drawn like those of the training, [passes, channels, size, size]. */
const occludedViews = (x: Tensor, passes: number, corruption: Config["corruption"], seed: number): Tensor => {
  if (corruption.kind !== "occlusion") throw new GraphError("Corrupted passes need a network trained with occlusion.");
  const [, channels, size] = x.shape as readonly number[];
  // On a black image an opaque fill is all there is to see. Texture and a kept base would need another image: noise stands in.
  const base = corruption.base === "keep" ? "grey" : corruption.base;
  const opaque = { ...corruption, base, fill: { noise: 1, texture: 0 }, opacity: { min: 1, max: 1 }, preserve: 0 } as const;
  const blank = new Float32Array(channels * size * size);
  const keep = new Float32Array(passes * size * size);
  const fill = new Float32Array(passes * blank.length);
  for (let pass = 0; pass < passes; pass++) {
    const { corrupted, mask } = occlude(blank, { channels, height: size, width: size }, opaque, random("pass", seed, pass));
    keep.set(
      Float32Array.from(mask, (covered) => 1 - covered),
      pass * size * size,
    );
    fill.set(corrupted, pass * blank.length);
  }
  return add(mul(x, constant(keep, [passes, 1, size, size])), constant(fill, [passes, channels, size, size]));
};
