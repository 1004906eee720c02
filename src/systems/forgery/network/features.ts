import { add, concat, max, mean, relu, type Tensor } from "../../../graph/index.ts";
import { conv, groupNorm, type Parameters } from "../../../nn/index.ts";

export interface FeatureOptions {
  /** Channels of the first stage; each further one has twice as many. */
  readonly width: number;
  /** Residual blocks of each stage. */
  readonly depths: readonly number[];
}

interface ExtractorOptions extends FeatureOptions {
  /** By how much each stage, the first one included, makes the map smaller. Default 2. */
  readonly stride?: 1 | 2;
  /** Normalise by groups. Default true; a style is lost by it. */
  readonly normalised?: boolean;
}

/**
 * The convolutional extractor of every branch, a residual network (He et al. 2016): a stem, then stages of residual blocks.
 * x: [batch, channels, height, width] -> the map of each stage, the last one [batch, width 2^(stages - 1), height / 2^stages, width / 2^stages].
 * A stem looks at 3 x 3 places where it makes the map smaller, else at one.
 *
 * Normalised by groups of 8 channels (Wu and He 2018), each image on its own: batches alternate between real, generated and mixed ones, and with
 * batch statistics a detector could tell the forged from their company, and would predict by other numbers than it was trained with.
 */
export const features = (
  p: Parameters,
  x: Tensor,
  { width, depths, stride = 2, normalised = true }: ExtractorOptions,
): Tensor[] => {
  const size = stride === 1 ? 1 : 3;
  let y = relu(normalise(p.at("stem"), convolution(p.at("stem"), x, width, size, stride, normalised), normalised));
  return depths.map((depth, stage) => {
    for (let block = 0; block < depth; block++) {
      const scope = p.at(`stage${stage}`).at(`block${block}`);
      y = residualBlock(scope, y, width * 2 ** stage, { stride: stage > 0 && block === 0 ? stride : 1, normalised });
    }
    return y;
  });
};

/** The map of the last stage. */
export const lastFeatures = (p: Parameters, x: Tensor, options: ExtractorOptions): Tensor => {
  const maps = features(p, x, options);
  return maps[maps.length - 1];
};

/** `relu(N(W2 relu(N(W1 x))) + S x)`, S being N(W x) where the shape changes. x: [batch, any, height, width] -> [batch, channels, height / stride, ...]. */
export const residualBlock = (
  p: Parameters,
  x: Tensor,
  channels: number,
  { stride = 1, normalised = true }: Pick<ExtractorOptions, "stride" | "normalised"> = {},
): Tensor => {
  const layer = (name: string, input: Tensor, size: number, step: number): Tensor =>
    normalise(p.at(name), convolution(p.at(name), input, channels, size, step, normalised), normalised);
  const residual = layer("second", relu(layer("first", x, 3, stride)), 3, 1);
  const same = stride === 1 && x.shape[1] === channels;
  return relu(add(residual, same ? x : layer("shortcut", x, 1, stride)));
};

const convolution = (p: Parameters, x: Tensor, channels: number, size: number, stride: number, normalised: boolean): Tensor =>
  conv(p.at("conv"), x, channels, size, { stride, padding: (size - 1) / 2, bias: !normalised });

const normalise = (p: Parameters, x: Tensor, normalised: boolean): Tensor => {
  const channels = x.shape[1] as number;
  return normalised ? groupNorm(p.at("norm"), x, channels % 8 === 0 ? channels / 8 : 1) : x;
};

/** Mean and largest value of each channel: [batch, channels, height, width] -> [batch, 2 channels, 1, 1]. A small forgery shows in the latter alone. */
export const pooled = (x: Tensor): Tensor => concat([mean(x, [2, 3], { keepAxes: true }), max(x, [2, 3], { keepAxes: true })], 1);
