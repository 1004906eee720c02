import {
  add,
  cast,
  concat,
  constant,
  div,
  filled,
  maximum,
  mean,
  mul,
  resize2d,
  scalar,
  split,
  stopGradient,
  sub,
  sum,
  type Tensor,
  withGradient,
} from "../../../graph/index.ts";
import { binaryCrossEntropy, type Parameters } from "../../../nn/index.ts";
import { type DetectorOptions, detector } from "./detector.ts";
import { type Generated, type GeneratorOptions, generator, statistics } from "./generator.ts";
import { diversityLoss, maskAreaLoss, regionWeights, type SimilarityOptions, similarityLoss } from "./losses.ts";
import { type StyleLossOptions, styleLosses } from "./style-losses.ts";

/**
 * The parameters of both networks: scopes of one `trainable()`, so that both losses mean the same weights. A loss moves one of them: ask gradients
 * for the names of that scope only. (In the generator's loss the detector's weights have a gradient too, and in its direction they would make
 * the detector worse.) Constants of `frozen()` for the other network do as well.
 */
export interface Players {
  readonly generator: Parameters;
  readonly detector: Parameters;
}

export interface Networks {
  /** Absent: no images are generated. */
  readonly generator?: GeneratorOptions;
  readonly detector: DetectorOptions;
}

export interface ObjectiveOptions {
  /** lambda_1: weight of L_sim. Default 1. */
  readonly similarity?: number;
  /** How L_sim is measured. */
  readonly region?: SimilarityOptions;
  /** lambda_2: weight of L_div. Default 0.1. */
  readonly diversity?: number;
  /** Weight of the mask-area term. Default 1. */
  readonly area?: number;
  /** Band in which the mean of each mask is kept, the share of an image that stays real. Default [0.3, 0.9]. */
  readonly maskArea?: readonly [low: number, high: number];
  /** What region maps mark: the forged part, F = 1 - M, or the part that was kept, F = M. Default forged. */
  readonly maskPolarity?: "forged" | "kept";
  /**
   * How the generator works against L_cls: minimax maximises it; nonSaturating minimises that of the opposite label, which has the same aim but a slope
   * that does not vanish before a sure detector (Goodfellow et al. 2014, section 3). Default minimax.
   */
  readonly adversary?: "minimax" | "nonSaturating";
  /**
   * How much a generated image counts beside a given forged one, of which there may be fewer. At 1 the given ones, the only ones that are like those to be
   * found, are a third of what is forged where both branches generate. Default 1.
   */
  readonly generated?: number;
  /**
   * Whether generated images are rounded to 8 bits before they are judged, as those of files are; gradients pass as if they were not. A detector that resolves grey levels
   * would otherwise tell them by their fractions. Default true.
   */
  readonly eightBits?: boolean;
  /** Weight of the style branch's own losses in the generator's. Default 1. */
  readonly styleLoss?: number;
  readonly style?: StyleLossOptions;
}

/** What both networks are given: float32 [count, 3, height, width] in [0, 1], of one size. */
export interface ForgeryBatch {
  /** x_s: untouched images. */
  readonly real: Tensor;
  /** x_r, one for each: another real image, or a forged one. */
  readonly reference: Tensor;
  /** Given forged images. */
  readonly forged?: Tensor;
  /** Where these are forged, 0 to 1, [count, 1, height, width]. Absent: not known. */
  readonly forgedRegion?: Tensor;
  /** Of which of them that is known: 1, else 0, [count]. Default: of all. */
  readonly regionKnown?: Tensor;
}

export type GeneratorLosses = Readonly<
  Record<"loss" | "classification" | "similarity", Tensor> &
    Partial<Record<"diversity" | "mask_area" | "mask_mean" | "mask_deviation" | "style", Tensor>>
>;

/**
 * What the generator minimises: `-L_cls - lambda_1 L_sim + lambda_2 L_div + the mask-area term + the style branch's losses`, so it looks for images that the
 * detector takes for real and for regions that it does not find. Beside it its terms without signs and weights, the mask's mean, and its deviation over the places of an image.
 */
export const generatorLoss = (
  players: Players,
  { real, reference }: Pick<ForgeryBatch, "real" | "reference">,
  networks: Networks & { readonly generator: GeneratorOptions },
  options: ObjectiveOptions = {},
): GeneratorLosses => {
  const { similarity: ofSimilarity = 1, diversity: ofDiversity = 0.1, area: ofArea = 1, maskArea = [0.3, 0.9] } = options;
  const { adversary = "minimax", styleLoss: ofStyle = 1, style: styleOptions } = options;
  const { blend, styled } = generator(players.generator, real, reference, networks.generator);
  const { logit, classification, similarity } = judge(
    players.detector,
    examplesOf({ blend, styled }, options),
    networks,
    options,
  );

  const fooling = adversary === "minimax" ? mul(classification, -1) : binaryCrossEntropy(logit, mul(logit, 0));
  let loss = sub(fooling, mul(similarity, ofSimilarity));
  const results: Record<string, Tensor> = { classification, similarity };
  if (blend !== undefined) {
    results.diversity = diversityLoss(blend.kernels);
    results.mask_area = maskAreaLoss(blend.masks, maskArea);
    results.mask_mean = mean(blend.mask);
    results.mask_deviation = mean(statistics(blend.mask).sigma);
    loss = add(loss, add(mul(results.diversity, ofDiversity), mul(results.mask_area, ofArea)));
  }
  if (styled !== undefined && ofStyle > 0) {
    const scope = players.generator.at("style");
    results.style = styleLosses(scope, { real, reference, styled }, networks.generator, styleOptions).loss;
    loss = add(loss, mul(results.style, ofStyle));
  }
  return { classification, similarity, ...results, loss };
};

/**
 * What the detector minimises: `L_cls + lambda_1 L_sim`, over untouched images (label 0), generated ones and the given forged ones (label 1), both labels
 * counting alike however many there are of each. No gradient flows into the generator. Beside it its terms.
 */
export const detectorLoss = (
  players: Players,
  { real, reference, forged, forgedRegion, regionKnown }: ForgeryBatch,
  networks: Networks,
  options: ObjectiveOptions = {},
): Readonly<Record<"loss" | "classification" | "similarity", Tensor>> => {
  const made = networks.generator ? generator(players.generator, real, reference, networks.generator) : {};
  const examples: Example[] = [
    { images: real, label: 0, region: scalar(0) },
    ...examplesOf(made, options, stopGradient).map((example) => ({ ...example, weight: options.generated ?? 1 })),
  ];
  if (forged !== undefined) examples.push({ images: forged, label: 1, region: forgedRegion, known: regionKnown });
  const { classification, similarity } = judge(players.detector, examples, networks, options);
  return { loss: add(classification, mul(similarity, options.similarity ?? 1)), classification, similarity };
};

/** Images of one kind, and what is true of them. */
interface Example {
  readonly images: Tensor;
  readonly label: 0 | 1;
  /** How much an image counts among those of its label. Default 1. */
  readonly weight?: number;
  /** The forged part: a number, [count, 1, height, width], or, on the grid, [count, k, rows, columns]. Absent: not known. */
  readonly region?: Tensor;
  /** Of which images it is known, [count]. */
  readonly known?: Tensor;
  /** The generator's masks M_i, whose pairs with region maps have learnt weights; without them each weighs 1 / k. */
  readonly masks?: Tensor;
}

/** Blended images are forged where they are not kept, F_i = 1 - M_i; styled ones everywhere, F_i = 1. */
const examplesOf = (
  { blend, styled }: Generated,
  { eightBits = true }: ObjectiveOptions,
  through = (x: Tensor): Tensor => x,
): Example[] => {
  const masks = blend && through(blend.masks);
  const seen = (x: Tensor): Tensor => through(eightBits ? roundedToEightBits(x) : x);
  return [
    ...(blend && masks ? [{ images: seen(blend.image), label: 1 as const, region: sub(1, masks), masks }] : []),
    ...(styled ? [{ images: seen(styled), label: 1 as const, region: scalar(1) }] : []),
  ];
};

/** The nearest of 256 values; the gradient passes through (Bengio et al. 2013, arXiv 1308.3432). */
export const roundedToEightBits = (x: Tensor): Tensor =>
  withGradient(div(cast(cast(add(mul(x, 255), 0.5), "int64"), "float32"), 255), [x], (dy) => [dy]);

/** L_cls and L_sim of the detector's answers, from one pass over all images. */
const judge = (p: Parameters, examples: readonly Example[], { detector: network }: Networks, options: ObjectiveOptions) => {
  const images = concat(
    examples.map((example) => example.images),
    0,
  );
  const counts = examples.map((example) => example.images.shape[0] as number);
  const { logit, regions } = detector(p, images, network);

  const repeated = (of: (example: Example) => number): number[] =>
    examples.flatMap((example, i) => new Array<number>(counts[i]).fill(of(example)));
  const vector = (values: readonly number[]): Tensor => constant(Float32Array.from(values), [values.length]);
  const [labels, shares] = [repeated(({ label }) => label), repeated(({ weight = 1 }) => weight)];
  const among = (label: number): number => shares.reduce((sum, share, i) => sum + (labels[i] === label ? share : 0), 0);
  const weights = vector(shares.map((share, i) => share / among(labels[i])));
  const classification = binaryCrossEntropy(logit, vector(labels), { weights });

  const found = split(regions, counts, 0);
  const [rows, columns] = regions.shape.slice(2) as readonly number[];
  const similarities = examples.flatMap(({ region, masks, known, weight = 1 }, i) => {
    if (region === undefined) return [];
    const forged = region.rank === 4 ? resize2d(region, [rows, columns], "antialiased") : region;
    const target = options.maskPolarity === "kept" ? sub(1, forged) : forged;
    const pairs = masks && regionWeights(p.at("regions").at("weights"), masks, found[i]);
    return [{ of: similarityLoss(target, found[i], pairs, options.region), known: mul(known ?? filled([counts[i]], 1), weight) }];
  });
  const joined = (part: "of" | "known"): Tensor =>
    concat(
      similarities.map((similarity) => similarity[part]),
      0,
    );
  const known = joined("known");
  return { logit, classification, similarity: div(sum(mul(joined("of"), known)), maximum(sum(known), 1e-12)) };
};
