import type { Random } from "../../../random/index.ts";
import type { OcclusionOptions } from "./options.ts";

/** The random quantities of one occlusion: everything that decides where the regions lie and how large they are. */
export type Quantities = {
  /** Occluded area / image area. */
  readonly ratio: number;
  /** Share of each region in the occluded area; they add up to 1. */
  readonly shares: readonly number[];
  /** Width / height of each region. */
  readonly aspects: readonly number[];
  /** Position of each region as fractions [x, y] of the room there is for it. */
  readonly positions: readonly (readonly [number, number])[];
};

/**
 * Draws area ratio, number, aspect ratios and positions uniformly from their ranges, unless `fixed` holds the quantity,
 * and splits the area uniformly at random (all splits are equally likely). Source: description (16)-(20), claims 2-5, 12-15.
 */
export const drawQuantities = (
  { area, count, aspect, aspectPer, fixed }: Pick<OcclusionOptions, "area" | "count" | "aspect" | "aspectPer" | "fixed">,
  rng: Random,
): Quantities => {
  const ratio = fixed.ratio ?? rng.uniform(area.min, area.max);
  const number = fixed.count ?? rng.integer(count.min, count.max);
  const drawAspect = () => fixed.aspect ?? rng.uniform(aspect.min, aspect.max);
  const sharedAspect = aspectPer === "image" ? drawAspect() : undefined;
  const regions = Array.from({ length: number });
  return {
    ratio,
    shares: splitUnit(number, rng),
    aspects: regions.map(() => sharedAspect ?? drawAspect()),
    positions: regions.map(() => fixed.position ?? [rng.uniform(), rng.uniform()]),
  };
};

/** Exponential variables over their sum are uniform on the simplex. */
const splitUnit = (number: number, rng: Random): number[] => {
  const parts = Array.from({ length: number }, () => -Math.log(1 - rng.uniform()) + 1e-9);
  const total = parts.reduce((sum, part) => sum + part, 0);
  return parts.map((part) => part / total);
};
