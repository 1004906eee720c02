import { createMask, defectPixels, type Image, type ImageOf, type Mask } from "../../../../imaging/index.ts";
import { type Random, random } from "../../../../random/index.ts";
import { type FloatImage, toBytes, toFloat } from "../float-image.ts";
import type { Photograph } from "../photograph/photograph.ts";
import { type AreaRange, boundsOf, movedRegion, randomRegion, shareOf } from "../regions.ts";
import { alphaBlend, movedPicture } from "./blend.ts";
import { transferColour } from "./colour-transfer.ts";
import { placed } from "./copy-move.ts";
import { inpaint } from "./inpaint.ts";
import { blurred, middleOf, noisy, resampled } from "./local.ts";
import { poissonBlend } from "./poisson.ts";
import { upsampled } from "./upsample.ts";

/** A manipulated image, and where it was: 1 = manipulated. Outside the mask the image is what it was, byte for byte. */
export interface Forgery {
  readonly image: ImageOf<Uint8Array>;
  readonly mask: Mask;
}

interface Sources {
  readonly target: Photograph;
  readonly donor: Photograph;
  readonly area: AreaRange;
}

/** What a manipulation makes of the target, before rounding. Undefined where its random choices do not fit; it is then asked again. */
type Manipulation = (sources: Sources, source: Random) => { picture: FloatImage; region: Mask } | undefined;

/** What is pasted is an object this often, where there is one that fits; what is only changed, in half of the cases. */
const OBJECTS = 0.9;

/**
 * The manipulations, with the ranges of what they draw; all are drawn evenly.
 * - `splice/alpha`: an object or blob of the donor at another place, in a third of the cases turned by up to 20 degrees and scaled by
 *   0.8 to 1.25; edge 0.5 to 3 pixels.
 * - `splice/poisson`: the same, moved alone, by Poisson blending; in a third of the cases with mixed gradients.
 * - `copy-move`: an object or blob of the target itself at another place, in half of the cases turned by up to 30 degrees and scaled by
 *   0.75 to 1.35; edge 0 to 1.5 pixels.
 * - `inpainting`: an object or blob removed by exemplar-based completion (`inpaint`).
 * - `blur`: Gaussian of 0.8 to 2 pixels. `noise`: deviation 4 to 10 levels. `resampling`: scaled by 0.75 to 1.35 and turned by up to 10
 *   degrees. Edge 2 to 6 pixels.
 * - `colour-transfer`: Reinhard's, by a quarter to 0.7 of the way to an object or blob of the donor; edge 1 to 4 pixels.
 * - `upsampling`: traces of a generator's transposed convolutions, in half of the cases in the whole image, else in an object or blob;
 *   imbalance 1 to 3 %, 0.2 to 0.6 of the own fine detail kept.
 */
const manipulations = {
  "splice/alpha": ({ target, donor, area }, source) => {
    const region = randomRegion(source, donor, area, OBJECTS);
    const placement = randomPlacement(source, region, source.uniform() < 1 / 3 ? { turn: 20, scale: [0.8, 1.25] } : {});
    const piece = placed(toFloat(donor.image), region, placement);
    return {
      picture: alphaBlend(toFloat(target.image), piece.picture, piece.region, source.uniform(0.5, 3)),
      region: piece.region,
    };
  },
  "splice/poisson": ({ target, donor, area }, source) => {
    const from = randomRegion(source, donor, area, OBJECTS);
    const { right, down } = randomPlacement(source, from, {});
    const region = movedRegion(from, right, down);
    const guidance = source.uniform() < 1 / 3 ? "mixed" : "source";
    const picture = poissonBlend(toFloat(target.image), movedPicture(toFloat(donor.image), right, down), region, guidance);
    return { picture, region };
  },
  "copy-move": ({ target, area }, source) => {
    const from = randomRegion(source, target, area, OBJECTS);
    const placement = randomPlacement(source, from, source.uniform() < 0.5 ? { turn: 30, scale: [0.75, 1.35] } : {});
    const whole = toFloat(target.image);
    const { picture, region } = placed(whole, from, placement);
    const shared = region.data.reduce((count, inside, pixel) => count + (inside & from.data[pixel]), 0);
    if (shared > 0.3 * defectPixels(region)) return undefined;
    return { picture: alphaBlend(whole, picture, region, source.uniform(0, 1.5)), region };
  },
  inpainting: ({ target, area }, source) => {
    const region = randomRegion(source, target, area);
    return { picture: inpaint(toFloat(target.image), region, source), region };
  },
  blur: ({ target, area }, source) => {
    const region = randomRegion(source, target, area);
    return { picture: blurred(toFloat(target.image), region, source.uniform(0.8, 2), source.uniform(2, 6)), region };
  },
  resampling: ({ target, area }, source) => {
    const region = randomRegion(source, target, area);
    const warp = {
      scale: source.uniform() < 0.5 ? source.uniform(0.75, 0.95) : source.uniform(1.06, 1.35),
      angle: radians(source.uniform(-10, 10)),
      interpolation: source.uniform() < 0.5 ? "bilinear" : "bicubic",
    } as const;
    return { picture: resampled(toFloat(target.image), region, warp, source.uniform(2, 6)), region };
  },
  noise: ({ target, area }, source) => {
    const region = randomRegion(source, target, area);
    const options = {
      deviation: source.uniform(4, 10),
      coloured: source.uniform() < 0.5,
      grain: source.uniform() < 0.3 ? source.uniform(0.4, 0.8) : 0,
    };
    return { picture: noisy(toFloat(target.image), region, options, source.uniform(2, 6), source), region };
  },
  "colour-transfer": ({ target, donor, area }, source) => {
    const region = randomRegion(source, target, area);
    const whole = toFloat(target.image);
    const changed = transferColour(
      whole,
      region,
      toFloat(donor.image),
      randomRegion(source, donor, area),
      source.uniform(0.25, 0.7),
    );
    return { picture: alphaBlend(whole, changed, region, source.uniform(1, 4)), region };
  },
  upsampling: ({ target, area }, source) => {
    const { width, height } = target.image;
    const whole = source.uniform() < 0.5;
    const region = whole ? createMask(width, height, new Uint8Array(width * height).fill(1)) : randomRegion(source, target, area);
    const picture = toFloat(target.image);
    const options = {
      imbalance: source.uniform(0.01, 0.03) * (source.uniform() < 0.5 ? -1 : 1),
      detail: source.uniform(0.2, 0.6),
    };
    const made = upsampled(picture, region, options);
    return { picture: whole ? made : alphaBlend(picture, made, region, source.uniform(1, 4)), region };
  },
} satisfies Readonly<Record<string, Manipulation>>;

export type ManipulationKind = keyof typeof manipulations;

export const manipulationKinds = Object.keys(manipulations) as ManipulationKind[];

/** Kinds that take a part from another picture. */
export const needsDonor = (kind: ManipulationKind): boolean =>
  ["splice/alpha", "splice/poisson", "colour-transfer"].includes(kind);

export interface ManipulateOptions {
  readonly seed: number;
  /** The number of the image. The manipulation is a function of seed, index, kind and pictures. */
  readonly index: number;
  /** Shares of the image that the mask covers. Default 0.04 to 0.25. Manipulations of the whole image stand aside. */
  readonly area?: AreaRange;
}

export const usualArea: AreaRange = { low: 0.04, high: 0.25 };

/** Regions are drawn again until one fits; of so many that fit, one must show, or the one that shows most is taken. */
const [MOST_ATTEMPTS, MOST_FITTING] = [60, 6];
/** What shows: at least this share of the pixels changed, by this many levels on average. */
const SHOWS: Readonly<Record<ManipulationKind, readonly [share: number, levels: number]>> = {
  "splice/alpha": [0.85, 6],
  "splice/poisson": [0.85, 4],
  "copy-move": [0.85, 6],
  inpainting: [0.85, 4],
  blur: [0.5, 1],
  resampling: [0.6, 1.5],
  noise: [0.6, 2],
  "colour-transfer": [0.8, 6],
  upsampling: [0.6, 1],
};

/**
 * Manipulates a photograph and says where. See `manipulations` for the kinds and what they draw. `donor` is of the target's size; only
 * kinds of `needsDonor` look at it.
 * Throws a RangeError for sizes that differ, a range of area that is none, and where no region of that area can be placed.
 */
export const manipulate = (
  kind: ManipulationKind,
  target: Photograph,
  donor: Photograph,
  { seed, index, area = usualArea }: ManipulateOptions,
): Forgery => {
  const { width, height } = target.image;
  if (donor.image.width !== width || donor.image.height !== height) {
    throw new RangeError(
      `The donor has ${donor.image.width} x ${donor.image.height} pixels but the target ${width} x ${height}; give pictures of one size.`,
    );
  }
  if (!(area.low > 0 && area.low <= area.high && area.high < 1)) {
    throw new RangeError(`The area must have 0 < low <= high < 1, not ${area.low} and ${area.high}.`);
  }
  const tried: { forgery: Forgery; shown: number }[] = [];
  for (let attempt = 0; attempt < MOST_ATTEMPTS && tried.length < MOST_FITTING; attempt++) {
    const result = manipulations[kind](
      { target, donor, area },
      random("manipulation", seed, index, kind.replace("/", "-"), attempt),
    );
    if (result === undefined || !fits(result.region, area, kind)) continue;
    const forgery = { image: toBytes(result.picture), mask: result.region };
    const shown = shownBy(target.image, forgery, kind);
    if (shown >= 1) return forgery;
    tried.push({ forgery, shown });
  }
  if (tried.length === 0) {
    throw new RangeError(`No region of ${area.low} to ${area.high} of the image can be placed for "${kind}". Widen the range.`);
  }
  return tried.reduce((best, other) => (other.shown > best.shown ? other : best)).forgery;
};

const fits = (region: Mask, { low, high }: AreaRange, kind: ManipulationKind): boolean => {
  const share = shareOf(region);
  return (share >= low && share <= high) || (kind === "upsampling" && share === 1);
};

/** How much of what must show does, 1 where both limits of `SHOWS` are met. */
const shownBy = (before: Image, { image, mask }: Forgery, kind: ManipulationKind): number => {
  let [pixels, changed, difference] = [0, 0, 0];
  for (let pixel = 0; pixel < mask.data.length; pixel++) {
    if (mask.data[pixel] === 0) continue;
    const own = [0, 1, 2].reduce((sum, c) => sum + Math.abs(image.data[3 * pixel + c] - before.data[3 * pixel + c]), 0);
    pixels++;
    difference += own / 3;
    if (own > 0) changed++;
  }
  const [share, levels] = SHOWS[kind];
  return Math.min(changed / pixels / share, difference / pixels / levels);
};

/** A place for a region at which its middle is at least an eighth of the picture away and the region stays inside, up to a tenth of its side. */
const randomPlacement = (
  source: Random,
  region: Mask,
  { turn = 0, scale = [1, 1] }: { readonly turn?: number; readonly scale?: readonly [number, number] },
) => {
  const { width, height } = region;
  const { left, top, right, bottom } = boundsOf(region);
  const [spareX, spareY] = [(right - left) / 10, (bottom - top) / 10];
  let move = [0, 0];
  for (let attempt = 0; attempt < 20; attempt++) {
    move = [
      Math.round(source.uniform(-left - spareX, width - 1 - right + spareX)),
      Math.round(source.uniform(-top - spareY, height - 1 - bottom + spareY)),
    ];
    if (Math.hypot(move[0], move[1]) >= Math.min(width, height) / 8) break;
  }
  return {
    middle: middleOf(region).map(Math.round) as [number, number],
    right: move[0],
    down: move[1],
    angle: radians(source.uniform(-turn, turn)),
    scale: source.uniform(...scale),
  };
};

const radians = (degrees: number): number => (degrees * Math.PI) / 180;
