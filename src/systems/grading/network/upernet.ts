import { adaptiveAveragePool2d, add, concat, relu, resize2d, type Tensor } from "../../../graph/index.ts";
import { batchNorm, conv, groupNorm, normal, type Parameters } from "../../../nn/index.ts";

export type DecoderNormalisation = "batch" | "group";

export interface UPerNetOptions {
  /** Channels of every map of the decoder. */
  readonly channels: number;
  readonly classes: number;
  /** "group" (Wu and He 2018, 16 channels to a group) does not depend on the batch, for small ones. */
  readonly normalisation: DecoderNormalisation;
}

/**
 * UPerNet (Xiao et al. 2018): a pyramid pooling module on the coarsest feature map, a feature pyramid down to the finest, the maps of all levels
 * fused at the finest size, and a classifier. features: from fine to coarse, each [batch, channels of its own, rows, columns]
 * -> logits [batch, classes, rows, columns of the finest].
 */
export const uperNet = (p: Parameters, features: readonly Tensor[], options: UPerNetOptions): Tensor => {
  const levels = featurePyramid(p, features, options);
  const finest = sizeOf(levels[0]);
  const joined = concat(
    levels.map((level) => resize2d(level, finest, "bilinear")),
    1,
  );
  return classifier(p.at("classifier"), convNormRelu(p.at("fusion"), joined, 3, options), options.classes);
};

/**
 * Feature pyramid (Lin et al. 2017) whose top is the pyramid pooling's map: the features by 1 x 1 convolutions, to each of which the next coarser
 * map is added, enlarged; then 3 x 3 convolutions on all but the top. -> maps of `channels`, as large as the features.
 */
export const featurePyramid = (p: Parameters, features: readonly Tensor[], options: UPerNetOptions): Tensor[] => {
  const last = features.length - 1;
  const maps = [pyramidPooling(p.at("pooling"), features[last], options)];
  for (let level = last - 1; level >= 0; level--) {
    const lateral = convNormRelu(p.at(`lateral${level}`), features[level], 1, options);
    maps.unshift(add(lateral, resize2d(maps[0], sizeOf(lateral), "bilinear")));
  }
  return maps.map((map, level) => (level === last ? map : convNormRelu(p.at(`smooth${level}`), map, 3, options)));
};

/** Parts along each side that the pyramid pooling averages over. */
const POOLED_PARTS = [1, 2, 3, 6];

/**
 * Pyramid pooling (Zhao et al. 2017): averages of 1, 4, 9 and 36 parts of the map, each through a 1 x 1 convolution and enlarged again, joined to
 * the map and condensed by a 3 x 3 convolution. -> `channels`, of the same height and width.
 */
export const pyramidPooling = (p: Parameters, x: Tensor, options: UPerNetOptions): Tensor => {
  const pooled = POOLED_PARTS.map((parts) => {
    const averages = convNormRelu(p.at(`part${parts}`), adaptiveAveragePool2d(x, [parts, parts]), 1, options);
    return resize2d(averages, sizeOf(x), "bilinear");
  });
  return convNormRelu(p.at("fusion"), concat([x, ...pooled], 1), 3, options);
};

/** The head of a fully convolutional network (Long et al. 2015) on one feature map, which helps to train what lies below it. -> logits of the map's size. */
export const auxiliaryHead = (p: Parameters, x: Tensor, options: UPerNetOptions): Tensor =>
  classifier(p.at("classifier"), convNormRelu(p.at("features"), x, 3, options), options.classes);

const convNormRelu = (p: Parameters, x: Tensor, size: 1 | 3, { channels, normalisation }: UPerNetOptions): Tensor => {
  const y = conv(p.at("conv"), x, channels, size, { padding: (size - 1) / 2, bias: false });
  return relu(normalisation === "batch" ? batchNorm(p.at("norm"), y) : groupNorm(p.at("norm"), y, groupsOf(channels)));
};

/** As many groups as 16 channels each make, or fewer where they do not divide. */
const groupsOf = (channels: number): number => {
  let groups = Math.max(1, Math.floor(channels / 16));
  while (channels % groups !== 0) groups--;
  return groups;
};

const classifier = (p: Parameters, x: Tensor, classes: number): Tensor => conv(p, x, classes, 1, { initialise: normal(0.01) });

const sizeOf = (x: Tensor): readonly [number, number] => [x.shape[2] as number, x.shape[3] as number];
