import { add, constant, GraphError, gather, gelu, mean, reshape, roll, type Tensor, transpose } from "../../src/graph/index.ts";
import { conv, dense, layerNorm, multiHeadAttention, type Parameters, zeros } from "../../src/nn/index.ts";

export interface SwinOptions {
  /** Side of the square patches that become tokens. */
  readonly patch: number;
  /** Channels of the first stage; each further stage has twice as many, at half the height and width. */
  readonly width: number;
  /** Blocks of each stage, in pairs: windows at rest, then shifted ones. */
  readonly depths: readonly number[];
  /** Heads of each stage. */
  readonly heads: readonly number[];
  /** Side of a window, in tokens. Every stage's height and width divide by it. */
  readonly window: number;
  /** Channels inside an MLP, as a multiple of those outside. Default 4. */
  readonly expansion?: number;
  readonly classes: number;
}

/**
 * Swin transformer (Liu et al. 2021): [batch, channels, height, width] -> logits [batch, classes].
 * Within, tokens keep their places: [batch, rows, columns, channels].
 */
export const swin = (p: Parameters, image: Tensor, options: SwinOptions): Tensor => {
  const { patch, width, depths, heads, window, expansion = 4, classes } = options;
  const patches = transpose(conv(p.at("embed").at("conv"), image, width, patch, { stride: patch }), [0, 2, 3, 1]);
  let x = layerNorm(p.at("embed").at("norm"), patches);
  for (const [stage, depth] of depths.entries()) {
    if (stage > 0) x = mergePatches(p.at(`merge${stage}`), x);
    for (let block = 0; block < depth; block++) {
      const shift = block % 2 === 0 ? 0 : Math.floor(window / 2);
      x = swinBlock(p.at(`stage${stage}`).at(`block${block}`), x, { heads: heads[stage], window, shift }, expansion);
    }
  }
  return dense(p.at("classifier"), mean(layerNorm(p.at("norm"), x), [1, 2]), classes);
};

export interface WindowOptions {
  readonly heads: number;
  readonly window: number;
  /** How far windows are moved against those at rest, in tokens; 0: not. */
  readonly shift: number;
}

/** z^ = (S)W-MSA(LN(z)) + z; z = MLP(LN(z^)) + z^ (equation 3). */
const swinBlock = (p: Parameters, z: Tensor, options: WindowOptions, expansion: number): Tensor => {
  const attended = add(windowAttention(p.at("attention"), layerNorm(p.at("norm1"), z), options), z);
  return add(mlp(p.at("mlp"), layerNorm(p.at("norm2"), attended), expansion), attended);
};

const mlp = (p: Parameters, x: Tensor, expansion: number): Tensor => {
  const channels = x.shape[x.rank - 1] as number;
  return dense(p.at("second"), gelu(dense(p.at("first"), x, expansion * channels)), channels);
};

/**
 * Attention within windows of window x window tokens. Shifted windows are windows at rest of an image turned in a circle; a mask
 * keeps apart what only the turning brought together. x: [batch, rows, columns, channels] -> the same shape.
 */
export const windowAttention = (p: Parameters, x: Tensor, { heads, window, shift }: WindowOptions): Tensor => {
  const [batch, rows, columns, channels] = x.shape as readonly number[];
  if (rows % window !== 0 || columns % window !== 0) {
    throw new GraphError(`windowAttention: ${rows} x ${columns} tokens do not divide into windows of ${window} x ${window}.`);
  }
  const moved = Math.min(rows, columns) > window ? shift : 0; // one window sees everything as it is
  const [down, across] = [rows / window, columns / window];
  const split = reshape(roll(roll(x, -moved, 1), -moved, 2), [batch, down, window, across, window, channels]);
  const windows = reshape(transpose(split, [0, 1, 3, 2, 4, 5]), [batch * down * across, window * window, channels]);
  const attended = multiHeadAttention(p, windows, {
    heads,
    bias: positionBias(p, heads, window),
    mask: moved === 0 ? undefined : shiftMask(rows, columns, window, moved),
  });
  const joined = transpose(reshape(attended, [batch, down, across, window, window, channels]), [0, 1, 3, 2, 4, 5]);
  return roll(roll(reshape(joined, x.shape), moved, 1), moved, 2);
};

/** B, [heads, tokens, tokens]: a learnt number for every relative position of two tokens of a window, (2 window - 1)^2 of them. */
const positionBias = (p: Parameters, heads: number, window: number): Tensor => {
  const side = 2 * window - 1;
  const tokens = window * window;
  const table = p.weight("position_bias", [side * side, heads], zeros);
  const [row, column] = [(token: number) => Math.floor(token / window), (token: number) => token % window];
  const position = (query: number, key: number): number =>
    (row(query) - row(key) + window - 1) * side + column(query) - column(key) + window - 1;
  const positions = BigInt64Array.from({ length: tokens * tokens }, (_, i) =>
    BigInt(position(Math.floor(i / tokens), i % tokens)),
  );
  const taken = gather(table, constant(positions, [tokens * tokens]), 0);
  return reshape(transpose(taken, [1, 0]), [heads, tokens, tokens]);
};

/** Added to a score that must not count: its share becomes 0. */
const BLOCKED = -100;

/** M, [windows, tokens, tokens]: blocks pairs of tokens that lie in one shifted window, but not side by side in the image. */
const shiftMask = (rows: number, columns: number, window: number, shift: number): Tensor => {
  // After turning, the last window of a line holds tokens of its end and, in its last `shift` places, of its beginning.
  const region = (place: number, size: number): number => (place < size - window ? 0 : place < size - shift ? 1 : 2);
  const tokens = window * window;
  const across = columns / window;
  const regionOf = (index: number, token: number): number =>
    3 * region(Math.floor(index / across) * window + Math.floor(token / window), rows) +
    region((index % across) * window + (token % window), columns);
  const count = (rows / window) * across;
  const mask = Float32Array.from({ length: count * tokens * tokens }, (_, i) => {
    const [index, query, key] = [Math.floor(i / tokens ** 2), Math.floor(i / tokens) % tokens, i % tokens];
    return regionOf(index, query) === regionOf(index, key) ? 0 : BLOCKED;
  });
  return constant(mask, [count, tokens, tokens]);
};

/** Every 2 x 2 tokens become one: [batch, rows, columns, channels] -> [batch, rows / 2, columns / 2, 2 channels]. */
const mergePatches = (p: Parameters, x: Tensor): Tensor => {
  const [batch, rows, columns, channels] = x.shape as readonly number[];
  if (rows % 2 !== 0 || columns % 2 !== 0) throw new GraphError(`mergePatches: ${rows} x ${columns} tokens do not pair up.`);
  const split = reshape(x, [batch, rows / 2, 2, columns / 2, 2, channels]);
  const four = reshape(transpose(split, [0, 1, 3, 4, 2, 5]), [batch, rows / 2, columns / 2, 4 * channels]);
  return dense(p.at("reduce"), layerNorm(p.at("norm"), four), 2 * channels, { bias: false });
};
