import { abs, add, input, mean, mul, square, sub, type Tensor } from "../../../graph/index.ts";
import { frozen, type Parameters, trainable } from "../../../nn/index.ts";
import { centred } from "./detector.ts";
import { features } from "./features.ts";
import { type GeneratorOptions, standardised, statistics, styleTransfer } from "./generator.ts";

/** Feature maps of images, from fine to coarse, in whose statistics styles are compared. */
export type Perception = (images: Tensor) => readonly Tensor[];

export interface StyleLossOptions {
  /** Weight of the reconstruction. Default 10. */
  readonly reconstruction?: number;
  /** Weight of the content. Default 1. */
  readonly content?: number;
  /** Weight of the style. Default 10. */
  readonly style?: number;
  /** Default: `randomPerception()`. */
  readonly perception?: Perception;
}

export type StyleLosses = Readonly<Record<"loss" | "reconstruction" | "content" | "style", Tensor>>;

/**
 * What the style branch is first trained by, and held to afterwards, for an adversary alone would have it return x_s. With features phi of several levels l:
 * - reconstruction: mean |T(x_s, x_s) - x_s|, an image in its own style being itself;
 * - content: mean (norm(phi(x_T)) - norm(phi(x_s)))^2 of the coarsest features;
 * - style: mean over l of (mu(phi_l(x_T)) - mu(phi_l(x_r)))^2 + the same of the deviations (Huang and Belongie 2017, equation 13).
 * p: the style branch's, that of `styleTransfer`. `styled`: x_T, where it is there already.
 */
export const styleLosses = (
  p: Parameters,
  { real, reference, styled }: Readonly<{ real: Tensor; reference: Tensor; styled?: Tensor }>,
  network: Pick<GeneratorOptions, "width" | "depths">,
  { reconstruction: r = 10, content: c = 1, style: s = 10, perception = randomPerception() }: StyleLossOptions = {},
): StyleLosses => {
  const [made, ofContent, ofStyle] = [styled ?? styleTransfer(p, real, reference, network), real, reference].map(perception);
  const coarsest = made.length - 1;
  const content = mean(square(sub(standardised(made[coarsest]), standardised(ofContent[coarsest]))));
  const levels = made.map((map, level) => {
    const [found, wanted] = [statistics(map), statistics(ofStyle[level])];
    return add(mean(square(sub(found.mu, wanted.mu))), mean(square(sub(found.sigma, wanted.sigma))));
  });
  const style = mul(levels.reduce(add), 1 / levels.length);
  const reconstruction = mean(abs(sub(styleTransfer(p, real, real, network), real)));
  const loss = add(add(mul(reconstruction, r), mul(content, c)), mul(style, s));
  return { loss, reconstruction, content, style };
};

/**
 * Features by an extractor with fixed random weights, whose statistics tell styles apart about as well as trained ones' (Ustyuzhaninov et al. 2016,
 * arXiv 1606.00021). The encoder's own would not do: trained to agree, they would become constant.
 */
export const randomPerception = ({
  width = 16,
  seed = 0,
}: {
  readonly width?: number;
  readonly seed?: number;
} = {}): Perception => {
  const options = { width, depths: [1, 1, 1], normalised: false };
  const first = trainable({ seed });
  features(first.at("perception"), input("image", [1, 3, 8, 8]), options);
  const p = frozen(new Map([...first.declarations].map(([name, { initialise }]) => [name, initialise()])));
  return (images) => features(p.at("perception"), centred(images), options);
};
