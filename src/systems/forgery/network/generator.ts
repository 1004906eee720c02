import {
  add,
  concat,
  conv2d,
  depthToSpace,
  div,
  formatShape,
  GraphError,
  matmul,
  mean,
  mul,
  relu,
  reshape,
  resize2d,
  sigmoid,
  softmax,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
} from "../../../graph/index.ts";
import { conv, glorotUniform, normal, type Parameters, zeros } from "../../../nn/index.ts";
import { centred, channelsOf, requireImages } from "./detector.ts";
import { type FeatureOptions, features, lastFeatures } from "./features.ts";

export interface GeneratorOptions extends FeatureOptions {
  /** k: number of masks. */
  readonly kernels: number;
  /** Whether images are blended by learnt masks. */
  readonly blend: boolean;
  /** Whether images take the style of others. */
  readonly style: boolean;
}

export interface Blend {
  /** K: [k, channels, 3, 3]. */
  readonly kernels: Tensor;
  /** M_i: [batch, k, height / 8, width / 8], 1 where the real image is kept. */
  readonly masks: Tensor;
  /** M, one for the three channels: [batch, 1, height, width]. */
  readonly mask: Tensor;
  /** x_B: [batch, 3, height, width]. */
  readonly image: Tensor;
}

export interface Generated {
  readonly blend?: Blend;
  /** x_T: [batch, 3, height, width]. */
  readonly styled?: Tensor;
}

/**
 * The generator: simulated images with features of a real image x_s and of a reference x_r, both [batch, 3, height, width] in [0, 1], sides multiples of 8.
 * @throws GraphError for other images, images of two shapes, or when both branches are off.
 */
export const generator = (p: Parameters, real: Tensor, reference: Tensor, options: GeneratorOptions): Generated => {
  if (!options.blend && !options.style) {
    throw new GraphError("generator: both branches are off, so there is nothing to generate; switch blend or style on.");
  }
  return {
    ...(options.blend ? { blend: blend(p.at("blend"), real, reference, options) } : {}),
    ...(options.style ? { styled: styleTransfer(p.at("style"), real, reference, options) } : {}),
  };
};

/**
 * Blend branch: `M_i = sigmoid(s N(K_i * f_s) + b_i)` of the features f_s = E(x_s); their convex combination, whose k shares are learnt, enlarged, is M;
 * `x_B = M o x_s + (1 - M) o x_r`. A combination keeps what the M_i say: 1 - M is the same combination of the 1 - M_i.
 *
 * N brings each mask's response to mean 0 and deviation 1 over its places, and s = 4: without them the masks of an image become one grey, which is in any band
 * of areas too, and x_B a double exposure of two pictures in which no place is forged more than another.
 */
export const blend = (
  p: Parameters,
  real: Tensor,
  reference: Tensor,
  options: Pick<GeneratorOptions, "kernels" | "width" | "depths">,
): Blend => {
  requirePair("generator", real, reference, options);
  const count = options.kernels;
  const found = lastFeatures(p.at("features"), centred(real), options);
  const channels = channelsOf(options);
  const kernels = p.weight("kernels.weight", [count, channels, 3, 3], glorotUniform(9 * channels, 9 * count));
  const bias = reshape(p.weight("kernels.bias", [count], zeros), [1, count, 1, 1]);
  const masks = sigmoid(add(mul(standardised(conv2d(found, kernels, { padding: 1 })), SHARPNESS), bias));
  const shares = reshape(softmax(p.weight("shares", [count], zeros)), [1, count, 1, 1]);
  const mask = resize2d(sum(mul(masks, shares), [1], { keepAxes: true }), sizeOf(real), "bilinear");
  return { kernels, masks, mask, image: add(mul(mask, real), mul(sub(1, mask), reference)) };
};

const SHARPNESS = 4;

/**
 * Style-transfer branch: x_T = D(styled features of x_s). The features of both come from one encoder, as in AdaAttN (Liu et al. 2021). On its coarsest
 * map the style of each place is asked for by attention (`attentionStyle`); on the finer ones, which keep the image sharp, attention is
 * even, so that the style is one mean and deviation for each channel (AdaIN, Huang and Belongie 2017). The encoder is not normalised: style is
 * just what a normalisation takes away. content, style: [batch, 3, height, width] in [0, 1] -> the same.
 */
export const styleTransfer = (p: Parameters, content: Tensor, style: Tensor, options: FeatureOptions): Tensor => {
  requirePair("generator", content, style, options);
  const encode = (x: Tensor): Tensor[] => features(p.at("encoder"), centred(x), { ...options, normalised: false });
  const contents = encode(content);
  const styles = style === content ? contents : encode(style);
  const coarsest = contents.length - 1;
  const styled = contents.map((map, level) =>
    level === coarsest ? attentionStyle(p.at("attention"), map, styles[level]) : evenStyle(map, styles[level]),
  );
  return decoder(p.at("decoder"), styled);
};

/**
 * Style by attention (AdaAttN, equations 3 to 6): with F of norm(f_c), G of norm(f_s) and H of f_s by 1 x 1 convolutions, `A = softmax(F^T G)`,
 * mu = A H, sigma = sqrt(relu(A H^2 - mu^2)), and the result is `sigma o norm(f_c) + mu`. F begins with the factor
 * 1 / sqrt(channels) of Vaswani et al. 2017. content: [batch, channels, rows, columns] -> the same shape; style: of its own size.
 */
export const attentionStyle = (p: Parameters, content: Tensor, style: Tensor): Tensor => {
  const channels = content.shape[1] as number;
  const [plain, ofStyle] = [standardised(content), standardised(style)];
  const f = asColumns(conv(p.at("f"), plain, channels, 1, { initialise: normal(1 / channels) }));
  const g = asColumns(conv(p.at("g"), ofStyle, channels, 1, { initialise: glorotUniform(channels, channels) }));
  const h = asColumns(conv(p.at("h"), style, channels, 1, { initialise: glorotUniform(channels, channels) }));
  const attention = softmax(matmul(f, g, { transposeA: true })); // [batch, places of the content, places of the style]
  const mu = matmul(h, attention, { transposeB: true });
  const ofSquares = matmul(square(h), attention, { transposeB: true });
  const sigma = sqrt(add(relu(sub(ofSquares, square(mu))), EPSILON));
  return reshape(add(mul(sigma, asColumns(plain)), mu), content.shape);
};

/** The same with even attention: mean and deviation of each channel of the style, over all its places. */
const evenStyle = (content: Tensor, style: Tensor): Tensor => {
  const { mu, sigma } = statistics(style);
  return add(mul(sigma, standardised(content)), mu);
};

const EPSILON = 1e-5;

/** Mean and standard deviation of each channel of each image, [batch, channels, 1, 1]. */
export const statistics = (x: Tensor) => {
  const mu = mean(x, [2, 3], { keepAxes: true });
  const variance = mean(square(sub(x, mu)), [2, 3], { keepAxes: true });
  return { mu, sigma: sqrt(add(variance, EPSILON)) };
};

/** norm(f): each channel of each image brought to mean 0 and deviation 1. */
export const standardised = (x: Tensor): Tensor => {
  const { mu, sigma } = statistics(x);
  return div(sub(x, mu), sigma);
};

/** [batch, channels, rows, columns] -> [batch, channels, places]. */
const asColumns = (x: Tensor): Tensor => {
  const [batch, channels] = x.shape;
  const [rows, columns] = sizeOf(x);
  return reshape(x, [batch, channels, rows * columns]);
};

/** D: from the coarsest map to the finest, enlarging and joining, then pixels in [0, 1], four of each place at once (Shi et al. 2016). */
const decoder = (p: Parameters, maps: readonly Tensor[]): Tensor => {
  const refined = (level: number, x: Tensor): Tensor =>
    relu(conv(p.at(`level${level}`), x, maps[level].shape[1] as number, 3, { padding: 1 }));
  const coarsest = maps.length - 1;
  let y = refined(coarsest, maps[coarsest]);
  for (let level = coarsest - 1; level >= 0; level--) {
    y = refined(level, concat([resize2d(y, sizeOf(maps[level]), "nearest"), maps[level]], 1));
  }
  return sigmoid(depthToSpace(conv(p.at("pixels"), y, 12, 3, { padding: 1, initialise: normal(0.02) }), 2));
};

const sizeOf = (x: Tensor): readonly [number, number] => [x.shape[2] as number, x.shape[3] as number];

const requirePair = (network: string, real: Tensor, reference: Tensor, options: FeatureOptions): void => {
  requireImages(network, real, options);
  if (real.shape.join() === reference.shape.join()) return;
  throw new GraphError(
    `${network}: image and reference must have one shape, but have ${formatShape(real.shape)} and ${formatShape(reference.shape)}.`,
  );
};
