import { createMask, type Image, type Mask, toEightBit } from "../image.ts";
import { type ColourMixture, mixtureOf, splitColours } from "./gaussian-mixture.ts";
import { type GridGraph, minimumCut } from "./minimum-cut.ts";

export interface GrabCutOptions {
  /** Rounds of fitting colours and cutting at most; fewer when hardly a pixel changes sides. Default 5. */
  readonly rounds?: number;
  /** How much a border between like pixels costs, beside the colours' log-likelihoods. Default 50, as in the paper. */
  readonly smoothness?: number;
}

/** Gaussians of each side, as in the paper. */
const COMPONENTS = 5;
/** A round that changes a smaller part of the pixels than this is the last one. */
const SETTLED = 0.001;

/**
 * GrabCut (Rother, Kolmogorov and Blake, "GrabCut: interactive foreground extraction using iterated graph cuts", 2004), begun from a mask
 * instead of a user's rectangle. Each round fits five Gaussians to the colours inside and five to those outside, then takes the mask
 * that minimises
 *
 *   sum_n cost(colour_n | its side) + smoothness sum_(m,n on different sides) exp(-beta |colour_m - colour_n|^2) / distance(m, n)
 *
 * over neighbours of a pixel, diagonal ones too, with beta = 1 / (2 mean |colour_m - colour_n|^2), exactly, as a minimum cut. No pixel is
 * tied to a side. A mask that is empty or full is returned as it is. Time grows with the picture: half a million pixels are many.
 */
export const grabCut = (image: Image, start: Mask, options: GrabCutOptions = {}): Mask => {
  const { rounds = 5, smoothness = 50 } = options;
  const { width, height } = image;
  if (start.width !== width || start.height !== height) {
    throw new RangeError(
      `A mask of ${start.width} x ${start.height} cannot begin GrabCut of an image of ${width} x ${height} pixels.`,
    );
  }
  const { data: colours } = toEightBit(image);
  const edges = edgeWeights(colours, width, height, smoothness);
  const terminals = new Float64Array(width * height);
  let mask = createMask(
    width,
    height,
    start.data.map((value) => (value === 0 ? 0 : 1)),
  );
  let models: readonly [ColourMixture, ColourMixture] | undefined;
  for (let round = 0; round < rounds; round++) {
    const sides = [sideOf(mask, 0), sideOf(mask, 1)];
    if (sides.some((pixels) => pixels.length === 0)) break;
    const [outside, inside] = sides.map((pixels, side) => {
      const before = models?.[side];
      const groups = before === undefined ? splitColours(colours, pixels, COMPONENTS) : regroup(colours, pixels, before);
      return mixtureOf(colours, pixels, groups, before?.size ?? COMPONENTS);
    });
    models = [outside, inside];
    for (let pixel = 0; pixel < terminals.length; pixel++) {
      const [red, green, blue] = [colours[3 * pixel], colours[3 * pixel + 1], colours[3 * pixel + 2]];
      terminals[pixel] = outside.costOf(red, green, blue) - inside.costOf(red, green, blue);
    }
    const { data } = minimumCut({ width, height, terminals, ...edges });
    const changed = data.reduce((count, value, pixel) => count + (value === mask.data[pixel] ? 0 : 1), 0);
    mask = createMask(width, height, data);
    if (changed < SETTLED * data.length) break;
  }
  return mask;
};

const sideOf = ({ data }: Mask, side: number): Uint32Array => {
  let count = 0;
  for (const value of data) if (value === side) count++;
  const pixels = new Uint32Array(count);
  for (let pixel = 0, at = 0; pixel < data.length; pixel++) if (data[pixel] === side) pixels[at++] = pixel;
  return pixels;
};

/** The component of each pixel under the mixture of the round before. */
const regroup = (colours: Uint8Array, pixels: Uint32Array, mixture: ColourMixture): Uint8Array =>
  new Uint8Array(pixels.length).map((_, at) => {
    const pixel = 3 * pixels[at];
    return mixture.componentOf(colours[pixel], colours[pixel + 1], colours[pixel + 2]);
  });

const edgeWeights = (
  colours: Uint8Array,
  width: number,
  height: number,
  smoothness: number,
): Pick<GridGraph, "right" | "downLeft" | "down" | "downRight"> => {
  const directions = [
    { across: 1, down: 0 },
    { across: -1, down: 1 },
    { across: 0, down: 1 },
    { across: 1, down: 1 },
  ];
  let [sum, pairs] = [0, 0];
  const [right, downLeft, down, downRight] = directions.map(({ across, down }) => {
    const differences = new Float64Array(width * height).fill(-1);
    for (let y = 0; y < height - down; y++) {
      for (let x = Math.max(0, -across); x < width - Math.max(0, across); x++) {
        const [here, there] = [3 * (y * width + x), 3 * ((y + down) * width + x + across)];
        let squared = 0;
        for (let channel = 0; channel < 3; channel++) squared += (colours[here + channel] - colours[there + channel]) ** 2;
        differences[y * width + x] = squared;
        sum += squared;
        pairs++;
      }
    }
    return differences;
  });
  const beta = sum === 0 ? 0 : pairs / (2 * sum);
  const weighted = (differences: Float64Array, distance: number): Float64Array =>
    differences.map((squared) => (squared < 0 ? 0 : (smoothness / distance) * Math.exp(-beta * squared)));
  return {
    right: weighted(right, 1),
    downLeft: weighted(downLeft, Math.SQRT2),
    down: weighted(down, 1),
    downRight: weighted(downRight, Math.SQRT2),
  };
};
