import { add, constant, GraphError, mul, resize2d, type Tensor } from "../../../graph/index.ts";
import type { Parameters } from "../../../nn/index.ts";
import { type SwinOptions, swinFeatures } from "./swin.ts";
import { auxiliaryHead, type UPerNetOptions, uperNet } from "./upernet.ts";

export interface SegmentationOptions extends SwinOptions, UPerNetOptions {
  /** Whether training has a second head, on the third stage. */
  readonly auxiliary: boolean;
  /** Channels of that head. */
  readonly auxiliaryChannels: number;
}

export interface Segmentation {
  /** [batch, classes, height, width] of the image. */
  readonly logits: Tensor;
  /** The second head's, of the same shape: in training alone, where the options have it. */
  readonly auxiliary?: Tensor;
}

/**
 * The segmentation network: a Swin transformer, and UPerNet on the features of its stages. x: [batch, 3 or 1, height, width] in [0, 1], a
 * grey image counting as three equal channels. The batch may be open, the height and width are known. `kept`: see `stochasticDepth`.
 * @throws GraphError when x is no such image, or the options do not fit together.
 */
export const segmentation = (p: Parameters, x: Tensor, options: SegmentationOptions, kept?: Tensor): Segmentation => {
  requireImage(x);
  requireStages(options);
  const features = swinFeatures(p.at("backbone"), standardised(x), options, kept);
  const size = [x.shape[2] as number, x.shape[3] as number] as const;
  const logits = resize2d(uperNet(p.at("decoder"), features, options), size, "bilinear");
  if (!p.training || !options.auxiliary) return { logits };
  const head = { ...options, channels: options.auxiliaryChannels };
  return { logits, auxiliary: resize2d(auxiliaryHead(p.at("auxiliary"), features[AUXILIARY_STAGE], head), size, "bilinear") };
};

const AUXILIARY_STAGE = 2;

/** Mean and deviation of ImageNet's pixels, by which published weights are trained. */
const MEAN = [0.485, 0.456, 0.406];
const DEVIATION = [0.229, 0.224, 0.225];

const standardised = (x: Tensor): Tensor => {
  const perChannel = (values: readonly number[]): Tensor => constant(Float32Array.from(values), [1, 3, 1, 1]);
  const scaled = mul(x, perChannel(DEVIATION.map((deviation) => 1 / deviation)));
  return add(scaled, perChannel(MEAN.map((mean, channel) => -mean / DEVIATION[channel])));
};

const requireImage = ({ rank, shape, type }: Tensor): void => {
  const known = typeof shape[2] === "number" && typeof shape[3] === "number";
  if (rank === 4 && type === "float32" && (shape[1] === 3 || shape[1] === 1) && known) return;
  throw new GraphError(
    `segmentation: needs float32 images [batch, 3 or 1, height, width] of known height and width, got ${type} [${shape.join(", ")}].`,
  );
};

const requireStages = ({ depths, heads, width }: SegmentationOptions): void => {
  if (depths.length !== 4 || heads.length !== 4) {
    throw new GraphError(`segmentation: needs depths and heads of four stages, got ${depths.length} and ${heads.length}.`);
  }
  const odd = depths.find((depth) => depth % 2 !== 0 || depth < 2);
  if (odd !== undefined) throw new GraphError(`segmentation: blocks come in pairs, but depths has a stage of ${odd}.`);
  const stage = heads.findIndex((count, index) => (width * 2 ** index) % count !== 0);
  if (stage >= 0) {
    throw new GraphError(
      `segmentation: the ${width * 2 ** stage} channels of stage ${stage + 1} do not divide into ${heads[stage]} heads; change width or heads.`,
    );
  }
};
