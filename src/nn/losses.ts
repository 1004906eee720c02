import {
  add,
  cast,
  constant,
  div,
  equal,
  exp,
  formatShape,
  GraphError,
  logSoftmax,
  maximum,
  mean,
  mul,
  neg,
  not,
  pow,
  reshape,
  softplus,
  sub,
  sum,
  type Tensor,
} from "../graph/index.ts";

interface ClassOptions {
  /** Where the classes lie in the logits or probabilities. Default 1. */
  readonly classAxis?: number;
}

export interface CrossEntropyOptions extends ClassOptions {
  /** How much each class counts. Default: all alike. */
  readonly weights?: readonly number[];
  /** Share e of every target that is spread over all classes (Szegedy et al. 2016). Default 0. */
  readonly labelSmoothing?: number;
  /** Positions of this class number count for nothing. */
  readonly ignore?: number;
  /** How much each position counts, from 0 on: in the logits' shape without the classes. Default: all alike. */
  readonly positionWeights?: Tensor;
}

/**
 * Cross-entropy of p = softmax(logits): `-sum(w_i w_c t'_c log p_c) / sum(w_i w_c t_c)` over positions i and classes c, with
 * t' = (1 - e) t + e / classes. From 0 (sure and right, e = 0) to infinity; log(classes) for equal logits.
 * logits: with an axis of classes, such as [batch, classes] or [batch, classes, height, width]. target: int64 class numbers, in the
 * logits' shape without that axis, or shares t of the classes in the logits' shape, one-hot or soft, of sum 1. Class numbers beyond
 * the classes and shares that are all 0 count for nothing; where nothing counts the loss is 0.
 * As in PyTorch, but for soft targets with weights, where PyTorch divides by the number of positions.
 */
export const crossEntropy = (
  logits: Tensor,
  target: Tensor,
  { classAxis = 1, weights, labelSmoothing = 0, ignore, positionWeights }: CrossEntropyOptions = {},
): Tensor => {
  const axis = requireClasses("crossEntropy", logits, classAxis);
  const all = sharesOf("crossEntropy", target, logits, axis, ignore);
  const shares = positionWeights === undefined ? all : mul(all, perPosition("crossEntropy", positionWeights, logits, axis));
  const weighted = (t: Tensor): Tensor => (weights === undefined ? t : mul(t, perClass("crossEntropy", weights, logits, axis)));
  const spread = mul(sum(shares, [axis], { keepAxes: true }), labelSmoothing / (logits.shape[axis] as number));
  const smooth = labelSmoothing === 0 ? shares : add(mul(shares, 1 - labelSmoothing), spread);
  return average(neg(mul(weighted(smooth), logSoftmax(logits, axis))), weighted(shares));
};

export interface BinaryCrossEntropyOptions {
  /** How much each position counts, in the logits' shape. Default: all alike. */
  readonly weights?: Tensor;
}

/**
 * Binary cross-entropy of p = sigmoid(logits): the mean of `-t log p - (1 - t) log(1 - p) = softplus(z) - t z`, weighted
 * sum(w l) / sum(w). From 0 (sure and right) to infinity; log 2 for z = 0. logits and target t in [0, 1]: of one shape.
 */
export const binaryCrossEntropy = (logits: Tensor, target: Tensor, { weights }: BinaryCrossEntropyOptions = {}): Tensor => {
  requireShape("binaryCrossEntropy", "The target", target, logits);
  const losses = sub(softplus(logits), mul(target, logits));
  if (weights === undefined) return mean(losses);
  requireShape("binaryCrossEntropy", "The weights", weights, logits);
  return average(mul(weights, losses), weights);
};

export interface FocalOptions {
  /** How strongly what is already right is left aside; 0: cross-entropy. Default 2. */
  readonly gamma?: number;
  /** Binary: weight of t = 1, that of t = 0 being 1 - alpha. With classes: a weight for each. Default: all 1. */
  readonly alpha?: number | readonly number[];
  /** The axis whose logits exclude each other (softmax). Default: every logit decides on its own (sigmoid). */
  readonly classAxis?: number;
}

/**
 * Focal loss (Lin et al. 2017): cross-entropy in which a position counts the less the better it is, `-alpha (1 - p)^gamma log p`
 * of the true answer's p, in the mean over positions. From 0 to infinity, never above cross-entropy for alpha <= 1.
 * target: in the logits' shape, 0 or 1, or shares that weigh the answers' losses; with a class axis also int64 as in `crossEntropy`.
 */
export const focalLoss = (logits: Tensor, target: Tensor, { gamma = 2, alpha, classAxis }: FocalOptions = {}): Tensor => {
  if (classAxis === undefined) return binaryFocalLoss(logits, target, gamma, alpha);
  const axis = requireClasses("focalLoss", logits, classAxis);
  if (typeof alpha === "number") throw new GraphError("focalLoss: with classes, alpha is a list with a weight for each.");
  const shares = sharesOf("focalLoss", target, logits, axis);
  const logP = logSoftmax(logits, axis);
  // Kept above 0, where a fractional power has no gradient.
  const focus = pow(maximum(sub(1, exp(logP)), 1e-7), gamma);
  const weighted = alpha === undefined ? shares : mul(shares, perClass("focalLoss", alpha, logits, axis));
  return neg(mean(sum(mul(mul(weighted, focus), logP), [axis])));
};

/** With -log p = softplus(-z) and -log(1 - p) = softplus(z), the powers of p and 1 - p are exponentials that never leave [0, 1]. */
const binaryFocalLoss = (logits: Tensor, target: Tensor, gamma: number, alpha: FocalOptions["alpha"]): Tensor => {
  requireShape("focalLoss", "The target", target, logits);
  if (alpha !== undefined && typeof alpha !== "number") throw new GraphError("focalLoss: a list for alpha needs a classAxis.");
  const [yes, no] = [softplus(neg(logits)), softplus(logits)];
  const answer = (share: Tensor, loss: Tensor, opposite: Tensor, weight: number): Tensor =>
    mul(mul(mul(share, weight), loss), exp(mul(opposite, -gamma)));
  return mean(add(answer(target, yes, no, alpha ?? 1), answer(sub(1, target), no, yes, alpha === undefined ? 1 : 1 - alpha)));
};

export interface DiceOptions extends ClassOptions {
  /** s, in positions: keeps small and absent classes calm. Default 1. */
  readonly smooth?: number;
  /** w: how much each position counts, 0: not at all; in the probabilities' shape without the classes. Default: all alike. */
  readonly positionWeights?: Tensor;
}

/**
 * Soft Dice loss (Milletari et al. 2016), in the mean over classes: `1 - (2 |A and B| + s) / (|A| + |B| + s)`, with
 * |A and B| = sum(w p t), |A| = sum(w p) and |B| = sum(w t) over batch and positions. From 0 (p = t) to 1. A class that is absent from
 * the target gives |A| / (|A| + s): 0 where it is not predicted either.
 * probabilities: in [0, 1] with an axis of classes. target: int64 class numbers or shares, as in `crossEntropy`.
 */
export const diceLoss = (
  probabilities: Tensor,
  target: Tensor,
  { classAxis = 1, smooth = 1, positionWeights }: DiceOptions = {},
): Tensor => {
  if (!(smooth > 0)) throw new GraphError(`diceLoss: smooth must be above 0, or an absent class is 0 / 0, but it is ${smooth}.`);
  const axis = requireClasses("diceLoss", probabilities, classAxis);
  const weigh = (x: Tensor): Tensor =>
    positionWeights === undefined ? x : mul(x, perPosition("diceLoss", positionWeights, probabilities, axis));
  const [shares, weighted] = [sharesOf("diceLoss", target, probabilities, axis), weigh(probabilities)];
  const others = probabilities.shape.flatMap((_, other) => (other === axis ? [] : [other]));
  const size = (x: Tensor): Tensor => sum(x, others);
  const overlap = size(mul(weighted, shares));
  const sizes = add(size(weighted), size(weigh(shares)));
  return mean(sub(1, div(add(mul(overlap, 2), smooth), add(sizes, smooth))));
};

/** sum(losses) / sum(weights), the losses being weighted already; 0 where nothing has weight. */
const average = (losses: Tensor, weights: Tensor): Tensor => div(sum(losses), maximum(sum(weights), 1e-12));

/** The class axis, counted from the front. */
const requireClasses = (loss: string, x: Tensor, classAxis: number): number => {
  const axis = classAxis < 0 ? classAxis + x.rank : classAxis;
  if (typeof x.shape[axis] === "number") return axis;
  throw new GraphError(`${loss}: axis ${classAxis} of ${formatShape(x.shape)} is no axis with a known number of classes.`);
};

const requireShape = (loss: string, what: string, x: Tensor, like: Tensor): void => {
  if (x.shape.join() === like.shape.join()) return;
  throw new GraphError(`${loss}: ${what} must have the shape ${formatShape(like.shape)}, but has ${formatShape(x.shape)}.`);
};

/** One number for each class, in a shape that broadcasts against x. */
const perClass = (loss: string, values: readonly number[], x: Tensor, axis: number): Tensor => {
  const classes = x.shape[axis];
  if (values.length !== classes) throw new GraphError(`${loss}: ${values.length} weights for ${classes} classes.`);
  return constant(Float32Array.from(values), alongAxis(x, axis));
};

/** One number for each position, in a shape that broadcasts over the classes. */
const perPosition = (loss: string, weights: Tensor, x: Tensor, axis: number): Tensor => {
  const positions = x.shape.filter((_, other) => other !== axis);
  if (weights.shape.join() !== positions.join()) {
    throw new GraphError(
      `${loss}: positionWeights for ${formatShape(x.shape)} must have the shape ${formatShape(positions)}, but have ${formatShape(weights.shape)}.`,
    );
  }
  return reshape(weights, [...positions.slice(0, axis), 1, ...positions.slice(axis)]);
};

const alongAxis = (x: Tensor, axis: number): number[] => x.shape.map((size, other) => (other === axis ? (size as number) : 1));

/** The target as shares of the classes, in x's shape: class numbers become one-hot. */
const sharesOf = (loss: string, target: Tensor, x: Tensor, axis: number, ignore?: number): Tensor => {
  if (target.type !== "int64") {
    if (ignore !== undefined) throw new GraphError(`${loss}: only class numbers can be ignored, but the target holds shares.`);
    requireShape(loss, "The target", target, x);
    return target;
  }
  const positions = x.shape.filter((_, other) => other !== axis);
  if (target.shape.join() !== positions.join()) {
    throw new GraphError(
      `${loss}: class numbers for ${formatShape(x.shape)} must have the shape ${formatShape(positions)}, but have ${formatShape(target.shape)}.`,
    );
  }
  const numbers = reshape(target, [...positions.slice(0, axis), 1, ...positions.slice(axis)]);
  const classes = constant(
    BigInt64Array.from({ length: x.shape[axis] as number }, (_, number) => BigInt(number)),
    alongAxis(x, axis),
  );
  const oneHot = cast(equal(numbers, classes), "float32");
  return ignore === undefined ? oneHot : mul(oneHot, cast(not(equal(numbers, ignore)), "float32"));
};
