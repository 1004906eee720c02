import { z } from "zod";
import { filterMatrix, gaussianKernel, largest, max, mean, reshape, separable, type Tensor } from "../graph/index.ts";
import type { DetectorDescription } from "./contract.ts";
import type { Region } from "./region.ts";

/** Fields of the part `score` of every detector's configuration, to be spread into its object. `sigma` is the system's default. */
export const scoreFields = ({ sigma }: { readonly sigma: number }) => ({
  sigma: z.number().min(0).default(sigma).describe("Gaussian smoothing of the map, in pixels at the network's size (0: none)."),
  image: z
    .enum(["max", "top"])
    .default("max")
    .describe("An image's score: its map's largest value, or the mean of its top share."),
  topShare: z.number().gt(0).max(1).default(0.01).describe("The share of pixels that `top` averages."),
});

/** What `scoreFields` gives, parsed. */
export interface ScoreSettings {
  readonly sigma: number;
  readonly image: "max" | "top";
  readonly topShare: number;
}

/** How the model's file says how an image's score follows from its map. */
export const imageScoreOf = ({ image, topShare }: Omit<ScoreSettings, "sigma">): DetectorDescription["imageScore"] =>
  image === "max" ? { kind: "max" } : { kind: "top", share: topShare };

/**
 * The image's score, [], of a map [1, 1, height, width]: its largest value, or the mean of the max(1, round(topShare n)) largest of
 * its n positions; with a region, n are those inside, and the others must have the map's lowest value (see `whereItCounts`).
 */
export const imageScore = (map: Tensor, { image, topShare }: Omit<ScoreSettings, "sigma">, region?: Region): Tensor => {
  const positions = map.shape.reduce<number>((product, length) => product * (length as number), 1);
  const counted = region === undefined ? positions : region.inside.reduce((sum, inside) => sum + inside, 0);
  const flat = reshape(map, [positions]);
  return image === "max" ? max(flat) : mean(largest(flat, Math.max(1, Math.round(topShare * counted))));
};

/** A map [..., height, width] smoothed by a Gaussian of `sigma` pixels, mirrored at its edges; with 0 it stays as it is. */
export const smoothed = (map: Tensor, sigma: number): Tensor => {
  if (sigma === 0) return map;
  const [height, width] = map.shape.slice(-2) as readonly number[];
  const window = gaussianKernel(sigma);
  return separable(map, filterMatrix(height, window), filterMatrix(width, window));
};
