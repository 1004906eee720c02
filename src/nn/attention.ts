import { add, type Dimension, GraphError, matmul, mul, reshape, softmax, split, type Tensor, transpose } from "../graph/index.ts";
import { glorotUniform } from "./initialisers.ts";
import { dense } from "./layers.ts";
import type { Parameters } from "./parameters.ts";

export interface AttentionOptions {
  /** Number of heads; it divides the channels. */
  readonly heads: number;
  /** What keys and values are made from, [batch, keys, channels of its own]. Default: x itself. */
  readonly context?: Tensor;
  /** B: added to the scores of every item, [heads, tokens, keys]. A learnt one gets its gradient. */
  readonly bias?: Tensor;
  /**
   * M: added to the scores of every head, [groups, tokens, keys]; a large negative number blocks. The groups divide the batch, and
   * item i takes mask i mod groups: one for all, one for each window of an image, or one for each item.
   */
  readonly mask?: Tensor;
}

/**
 * Multi-head attention (Vaswani et al. 2017): in each head, with vectors of d = channels / heads numbers,
 * `softmax(Q K^T / sqrt(d) + B + M) V`; then the heads side by side go through an affine map.
 * x: [batch, tokens, channels] -> the same shape. Queries, keys and values are affine maps: parameters `query_key_value.weight`
 * [3 channels, channels] and `.bias`, or, with a context, `query.` and `key_value.`; of the result `output.`
 */
export const multiHeadAttention = (p: Parameters, x: Tensor, { heads, context, bias, mask }: AttentionOptions): Tensor => {
  const channels = channelsOf(x);
  if (channels % heads !== 0) {
    throw new GraphError(`multiHeadAttention: ${channels} channels do not divide into ${heads} heads.`);
  }
  const size = channels / heads;
  const [q, k, v] =
    context === undefined
      ? projections(p.at("query_key_value"), x, 3, heads, size)
      : [...projections(p.at("query"), x, 1, heads, size), ...projections(p.at("key_value"), context, 2, heads, size)];

  let scores = matmul(mul(q, 1 / Math.sqrt(size)), k, { transposeB: true });
  if (bias !== undefined) scores = add(scores, bias);
  if (mask !== undefined) scores = masked(scores, mask);
  const attended = matmul(softmax(scores), v);
  const joined = reshape(transpose(attended, [0, 2, 1, 3]), x.shape);
  return dense(p.at("output"), joined, channels, { initialise: glorotUniform(channels, channels) });
};

/** `count` affine maps of x in one product, each cut into heads: [batch, heads, tokens, size]. */
const projections = (p: Parameters, x: Tensor, count: number, heads: number, size: number): Tensor[] => {
  const outputs = heads * size;
  const all = dense(p, x, count * outputs, { initialise: glorotUniform(channelsOf(x), outputs) });
  const byHead = transpose(reshape(all, [x.shape[0], x.shape[1], count, heads, size]), [2, 0, 3, 1, 4]);
  const each = new Array<number>(count).fill(1);
  return split(byHead, each, 0).map((part) => reshape(part, byHead.shape.slice(1)));
};

/** scores [batch, heads, tokens, keys] + mask [groups, tokens, keys], taken in turn by the items of the batch. */
const masked = (scores: Tensor, mask: Tensor): Tensor => {
  const [batch, ...rest] = scores.shape;
  const [groups, ...perHead] = mask.shape;
  if (groups === 1) return add(scores, mask);
  if (typeof groups !== "number" || (typeof batch === "number" && batch % groups !== 0)) {
    throw new GraphError(`multiHeadAttention: a batch of ${batch} cannot take ${groups} masks in turn.`);
  }
  const rounds: Dimension = typeof batch === "number" ? batch / groups : `${batch} / ${groups}`;
  const grouped = reshape(scores, [rounds, groups, ...rest]);
  return reshape(add(grouped, reshape(mask, [groups, 1, ...perHead])), scores.shape);
};

const channelsOf = (x: Tensor): number => {
  const channels = x.shape[2];
  if (x.rank !== 3 || typeof channels !== "number") {
    throw new GraphError(`multiHeadAttention: needs [batch, tokens, channels] with channels known, got [${x.shape}].`);
  }
  return channels;
};
