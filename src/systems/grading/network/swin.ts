import {
  add,
  type Dimension,
  GraphError,
  gelu,
  matmul,
  mul,
  pad,
  reshape,
  split,
  type Tensor,
  transpose,
} from "../../../graph/index.ts";
import { conv, dense, glorotUniform, layerNorm, normal, type Parameters, zeros } from "../../../nn/index.ts";
import { rearrange, type WindowOptions, windowAttention } from "./windows.ts";

export interface SwinOptions {
  /** Side of the square patches that become tokens, in pixels. */
  readonly patch: number;
  /** Channels of the first stage; each further stage has twice as many, at half the height and width. */
  readonly width: number;
  /** Blocks of each stage, in pairs: windows at rest, then shifted ones. */
  readonly depths: readonly number[];
  /** Heads of each stage. */
  readonly heads: readonly number[];
  /** Side of a window, in tokens. */
  readonly window: number;
  /** Channels inside an MLP, as a multiple of those outside. */
  readonly expansion: number;
  /** How a learnt embedding of the absolute position joins the embedded patches; the windows' relative positions are always there. */
  readonly position: PositionFusion;
}

export type PositionFusion = "sum" | "concat" | "none";

/**
 * The Swin transformer (Liu et al. 2021) as a backbone: [batch, channels, height, width] -> one feature map for each stage, at strides of
 * patch, 2 patch, 4 patch, ..., each [batch, width 2^stage, rows, columns] after a layer normalisation of its own. Sizes that do not divide
 * are padded with zeros at the right and at the bottom, so that a map has ceil(size / stride) rows and columns.
 * `kept`, [2 x blocks, batch], scales each residual branch of each image: see `stochasticDepth`.
 */
export const swinFeatures = (p: Parameters, image: Tensor, options: SwinOptions, kept?: Tensor): Tensor[] => {
  const { depths, heads } = options;
  const scales = kept && branchScales(kept, depths);
  let x = withPosition(p.at("position"), embedPatches(p.at("embed"), image, options), options.position);
  let first = 0;
  return depths.map((depth, stage) => {
    if (stage > 0) x = mergePatches(p.at(`merge${stage}`), x);
    const scope = p.at(`stage${stage}`);
    x = swinStage(scope, x, { ...options, depth, heads: heads[stage] }, scales?.slice(2 * first, 2 * (first + depth)));
    first += depth;
    return transpose(layerNorm(scope.at("norm"), x), [0, 3, 1, 2]);
  });
};

/** Each patch x patch pixels as a token: a strided convolution and a normalisation. -> [batch, rows, columns, width]. */
export const embedPatches = (p: Parameters, image: Tensor, { patch, width }: Pick<SwinOptions, "patch" | "width">): Tensor => {
  const whole = padTo(padTo(image, 2, patch), 3, patch);
  const patches = conv(p.at("conv"), whole, width, patch, { stride: patch });
  return layerNorm(p.at("norm"), transpose(patches, [0, 2, 3, 1]));
};

/**
 * E, a learnt vector for each place of the token grid, joined to the tokens: x + E, or [x, E] along channels, brought back to their number by
 * a linear map, `W [x, E] + b = W_x x + W_E E + b`, in which E's part is the same for every image.
 */
const withPosition = (p: Parameters, x: Tensor, fusion: PositionFusion): Tensor => {
  if (fusion === "none") return x;
  const [, rows, columns, channels] = x.shape as readonly number[];
  const places = p.weight("embedding", [rows, columns, channels], normal(0.02), { decays: false });
  if (fusion === "sum") return add(x, places);
  const weight = p.weight("fusion.weight", [channels, 2 * channels], glorotUniform(2 * channels, channels));
  const [ofToken, ofPlace] = split(weight, [channels, channels], 1);
  const shift = add(matmul(places, ofPlace, { transposeB: true }), p.weight("fusion.bias", [channels], zeros));
  return add(matmul(x, ofToken, { transposeB: true }), shift);
};

export interface StageOptions extends Pick<WindowOptions, "heads" | "window">, Pick<SwinOptions, "expansion"> {
  readonly depth: number;
}

/** The blocks of a stage, of which every second one has shifted windows. x: [batch, rows, columns, channels] -> the same shape. */
export const swinStage = (
  p: Parameters,
  x: Tensor,
  { depth, heads, window, expansion }: StageOptions,
  scales?: readonly Tensor[],
): Tensor =>
  Array.from({ length: depth }, (_, block) => block).reduce((z, block) => {
    const shift = block % 2 === 0 ? 0 : Math.floor(window / 2);
    return swinBlock(p.at(`block${block}`), z, { heads, window, shift }, expansion, scales?.slice(2 * block));
  }, x);

/** z^ = (S)W-MSA(LN(z)) + z; z = MLP(LN(z^)) + z^ (equation 3), each branch times its scale where there are any. */
export const swinBlock = (
  p: Parameters,
  z: Tensor,
  options: WindowOptions,
  expansion: number,
  scales?: readonly Tensor[],
): Tensor => {
  const scaled = (branch: Tensor, index: number): Tensor => (scales ? mul(branch, scales[index]) : branch);
  const attended = add(scaled(windowAttention(p.at("attention"), layerNorm(p.at("norm1"), z), options), 0), z);
  return add(scaled(mlp(p.at("mlp"), layerNorm(p.at("norm2"), attended), expansion), 1), attended);
};

const mlp = (p: Parameters, x: Tensor, expansion: number): Tensor => {
  const channels = channelsOf(x);
  const [first, second] = [glorotUniform(channels, expansion * channels), glorotUniform(expansion * channels, channels)];
  const hidden = gelu(dense(p.at("first"), x, expansion * channels, { initialise: first }));
  return dense(p.at("second"), hidden, channels, { initialise: second });
};

/**
 * Every 2 x 2 tokens become one: [batch, rows, columns, channels] -> [batch, rows / 2, columns / 2, 2 channels], odd sides being padded. The
 * four lie one after the other along the channels column by column, (row, column) = (0, 0), (1, 0), (0, 1), (1, 1), as in the authors' code.
 */
export const mergePatches = (p: Parameters, x: Tensor): Tensor => {
  const [batch, rows, columns, channels] = x.shape as readonly [Dimension, number, number, number];
  const [down, across] = [Math.ceil(rows / 2), Math.ceil(columns / 2)];
  const positions = Array.from({ length: 4 * down * across }, (_, place) => {
    const [token, part] = [Math.floor(place / 4), place % 4];
    const [row, column] = [2 * Math.floor(token / across) + (part % 2), 2 * (token % across) + Math.floor(part / 2)];
    return row < rows && column < columns ? row * columns + column : -1;
  });
  const four = rearrange(reshape(x, [batch, rows * columns, channels]), positions);
  const joined = layerNorm(p.at("norm"), reshape(four, [batch, down, across, 4 * channels]));
  return dense(p.at("reduce"), joined, 2 * channels, { bias: false, initialise: glorotUniform(4 * channels, 2 * channels) });
};

/** [2 x blocks, batch] -> for each residual branch its scale of each image, [batch, 1, 1, 1]. */
const branchScales = (kept: Tensor, depths: readonly number[]): Tensor[] => {
  const branches = 2 * depths.reduce((total, depth) => total + depth, 0);
  if (kept.shape[0] !== branches || kept.rank !== 2) {
    throw new GraphError(`swinFeatures: kept must have the shape [${branches}, batch], but has [${kept.shape.join(", ")}].`);
  }
  return split(kept, new Array<number>(branches).fill(1), 0).map((scale) => reshape(scale, [kept.shape[1], 1, 1, 1]));
};

/** Zeros after an axis, until its size divides. */
const padTo = (x: Tensor, axis: number, divisor: number): Tensor => {
  const size = x.shape[axis];
  if (typeof size !== "number")
    throw new GraphError(`swinFeatures: needs a known height and width, got [${x.shape.join(", ")}].`);
  return pad(x, axis, 0, Math.ceil(size / divisor) * divisor - size);
};

const channelsOf = (x: Tensor): number => x.shape[x.rank - 1] as number;
