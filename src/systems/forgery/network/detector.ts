import {
  add,
  concat,
  filled,
  formatShape,
  GraphError,
  mean,
  mul,
  reshape,
  resize2d,
  sigmoid,
  sub,
  type Tensor,
} from "../../../graph/index.ts";
import { conv, dense, normal, type Parameters } from "../../../nn/index.ts";
import { luminanceAndChrominance } from "./colours.ts";
import { BLOCK, imageSizes } from "./cosine-transform.ts";
import { type FeatureOptions, lastFeatures, pooled, residualBlock } from "./features.ts";
import type { LowRankOptions } from "./low-rank.ts";
import { residuals } from "./residuals.ts";
import { globalSpectrum, localSpectrum } from "./spectra.ts";

export interface DetectorOptions extends FeatureOptions {
  /** k: number of region maps, that of the generator's masks. */
  readonly kernels: number;
  /** The branch on the DCT of the whole image. */
  readonly globalFrequency: boolean;
  /** The branch on the DCT of its blocks. */
  readonly localFrequency: boolean;
  /** Denoising of the latter. */
  readonly lowRank: LowRankOptions;
  /** In what all branches see an image. Default "rgb". */
  readonly colours?: "rgb" | "ycbcr";
}

export interface Detection {
  /** Above 0: rather simulated than real; p = sigmoid(logit). [batch]. */
  readonly logit: Tensor;
  /** P: the k maps of where, 0 to 1. [batch, k, height / 8, width / 8]. */
  readonly regions: Tensor;
}

/**
 * The detector: is an image real or simulated, and where? x: [batch, 3, height, width] in [0, 1], the sides known multiples of 8; the batch may be open.
 *
 * All branches meet on the grid of 8 x 8 blocks: the spatial extractor reaches it by three halvings, the local frequencies begin there. The features
 * of the whole image's spectrum have frequencies, not places, for positions; they are pooled, and say the same at every place.
 * Without one frequency branch the other's features go to the classifier as they are, without both the spatial ones alone.
 * @throws GraphError for other images, or depths that are not of three stages.
 */
export const detector = (p: Parameters, image: Tensor, options: DetectorOptions): Detection => {
  requireImages("detector", image, options);
  const x = options.colours === "ycbcr" ? luminanceAndChrominance(image) : image;
  const spatial = lastFeatures(p.at("spatial"), concat([centred(x), residuals(x)], 1), options);
  const regions = sigmoid(conv(p.at("regions").at("kernels"), spatial, options.kernels, 3, { padding: 1 }));
  const all = concat([spatial, ...frequencyFeatures(p, x, options)], 1);
  return { logit: classifier(p.at("classifier"), all, regions, 2 * channelsOf(options)), regions };
};

/** f_g', f_l', or what there is of them, each [batch, channels of the spatial features, height / 8, width / 8]. */
const frequencyFeatures = (p: Parameters, x: Tensor, options: DetectorOptions): readonly Tensor[] => {
  const { width, depths, globalFrequency, localFrequency, lowRank } = options;
  const channels = channelsOf(options);
  const global = (): Tensor => {
    const spectrum = lastFeatures(p.at("global").at("features"), globalSpectrum(x), { width, depths });
    const [rows, columns] = gridOf(x);
    return mul(conv(p.at("global").at("summary"), pooled(spectrum), channels, 1), filled([1, 1, rows, columns], 1));
  };
  const local = (): Tensor =>
    lastFeatures(p.at("local").at("features"), localSpectrum(x, lowRank), {
      width: channels,
      depths: depths.slice(-1),
      stride: 1,
    });
  if (globalFrequency && localFrequency) return fusion(p.at("fusion"), global(), local());
  return [...(globalFrequency ? [global()] : []), ...(localFrequency ? [local()] : [])];
};

/** `M_c = sigmoid(conv(cat(f_g, f_l)))`; `f_g' = f_g + M_c o f_l`, `f_l' = f_l + M_c o f_g`. */
const fusion = (p: Parameters, global: Tensor, local: Tensor): readonly [Tensor, Tensor] => {
  const attention = sigmoid(conv(p, concat([global, local], 1), global.shape[1] as number, 3, { padding: 1 }));
  return [add(global, mul(attention, local)), add(local, mul(attention, global))];
};

/**
 * One more stage over what the branches found at each place, pooling, and one neuron, which begins undecided. It is told the mean and the largest value of each
 * region map as well: where forged regions are few and small, maps are learnt from every place, and the class from one number an image. -> [batch].
 */
const classifier = (p: Parameters, x: Tensor, regions: Tensor, channels: number): Tensor => {
  const y = concat([pooled(residualBlock(p.at("block"), x, channels, { stride: 2 })), pooled(regions)], 1);
  const batch = x.shape[0];
  return reshape(dense(p.at("logit"), reshape(y, [batch, y.shape[1]]), 1, { initialise: normal(0.01) }), [batch]);
};

/** The explanation shown to a user: the mean of the region maps at the image's size, [batch, k, rows, columns] -> [batch, 1, height, width]. */
export const regionMap = ({ regions }: Pick<Detection, "regions">, size: readonly [number, number]): Tensor =>
  resize2d(mean(regions, [1], { keepAxes: true }), size, "bilinear");

/** [0, 1] -> [-1, 1]. */
export const centred = (x: Tensor): Tensor => sub(mul(x, 2), 1);

/** Rows and columns of the grid on which masks and region maps lie. */
export const gridOf = (x: Tensor): readonly [number, number] => [(x.shape[2] as number) / BLOCK, (x.shape[3] as number) / BLOCK];

/** Channels of the maps on that grid. */
export const channelsOf = ({ width, depths }: FeatureOptions): number => width * 2 ** (depths.length - 1);

const STAGES = Math.log2(BLOCK);

/** @throws GraphError naming the network unless x is an image batch for it, and its extractor ends on the grid. */
export const requireImages = (network: string, x: Tensor, { depths }: FeatureOptions): void => {
  const { channels, height, width } = imageSizes(network, x);
  if (x.type !== "float32" || channels !== 3 || height % BLOCK !== 0 || width % BLOCK !== 0) {
    throw new GraphError(
      `${network}: needs float32 images [batch, 3, height, width] whose sides are multiples of ${BLOCK}, got ${x.type} ${formatShape(x.shape)}.`,
    );
  }
  if (depths.length !== STAGES || depths.some((depth) => !Number.isInteger(depth) || depth < 1)) {
    throw new GraphError(
      `${network}: needs depths of ${STAGES} stages with at least one block each, got [${depths.join(", ")}].`,
    );
  }
};
