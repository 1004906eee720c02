import { createImage, type Image, type ImageOf, toEightBit } from "../image.ts";
import { cross3, dot3, type Matrix3, symmetricEigen3, unit3, type Vector3 } from "../matrix3.ts";
import { percentiles } from "../percentile.ts";
import type { StainVectors } from "./deconvolution.ts";
import { densityOfIntensity, intensityOfDensity, opticalDensity } from "./optical-density.ts";

/** The stains of one slide and how strongly it was stained. */
export interface StainProfile extends StainVectors {
  /** The 99th percentile of the amounts of haematoxylin and eosin, in optical density to base 10. */
  readonly strength: readonly [haematoxylin: number, eosin: number];
}

export interface MacenkoOptions {
  /** Pixels whose mean optical density is below this are glass, not tissue. Default 0.15. */
  readonly leastDensity?: number;
  /** The percentile of the angles that is taken for a pure stain, and 100 less it for the other one. Default 1. */
  readonly anglePercentile?: number;
}

/** Fewer pixels of tissue than this do not show two stains. */
const LEAST_PIXELS = 100;
/** Stains less than this apart, in degrees, are one. */
const LEAST_ANGLE = 2;

/**
 * The look to normalise to where no reference slide is given: the stain matrix and strengths in the public implementation of
 * Macenko's method by Veta, Mitko et al. (mitkovetta/staining-normalization), whose natural logarithms are turned to base 10.
 */
export const referenceStains: StainProfile = {
  haematoxylin: unit3([0.5626, 0.7201, 0.4062]),
  eosin: unit3([0.2159, 0.8012, 0.5581]),
  strength: [1.9705 / Math.LN10, 1.0308 / Math.LN10],
};

/**
 * Finds the stains of a slide from its thumbnail (Macenko et al., "A method for normalizing histology slides for quantitative
 * analysis", 2009). In optical density, the colours of tissue lie in the plane of the two largest eigenvectors of their covariance;
 * in this plane the pure stains are the extremes of the angle, taken at the percentiles 1 and 99. Haematoxylin is the one that absorbs
 * more of red. Throws an Error for a picture without tissue, or with one stain only.
 */
export const fitStains = (thumbnail: Image, options: MacenkoOptions = {}): StainProfile => {
  const { leastDensity = 0.15, anglePercentile = 1 } = options;
  const tissue = tissueDensities(thumbnail, leastDensity);
  const pixels = tissue.length / 3;
  if (pixels < LEAST_PIXELS) {
    throw new Error(
      `Stains cannot be found: ${pixels} pixels of ${thumbnail.width} x ${thumbnail.height} are as dark as tissue, and ${LEAST_PIXELS} are needed. Is it a slide, or is stain normalisation better left off?`,
    );
  }
  const [first, second] = planeOf(tissue);
  const angles = new Float64Array(pixels);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const density = densityAt(tissue, pixel);
    angles[pixel] = Math.atan2(dot3(density, second), dot3(density, first));
  }
  const extremes = percentiles(angles, [anglePercentile, 100 - anglePercentile]);
  if (extremes[1] - extremes[0] < (LEAST_ANGLE / 180) * Math.PI) {
    throw new Error(
      "Stains cannot be found: all tissue has one colour, where haematoxylin and eosin have two. Leave stain normalisation off.",
    );
  }
  const [one, other] = extremes.map((angle): Vector3 => {
    const [along, across] = [Math.cos(angle), Math.sin(angle)];
    const channel = (c: 0 | 1 | 2): number => Math.max(0, along * first[c] + across * second[c]);
    return unit3([channel(0), channel(1), channel(2)]);
  });
  const [haematoxylin, eosin] = one[0] > other[0] ? [one, other] : [other, one];

  const amounts = amountsMatrix({ haematoxylin, eosin });
  const strength = amounts.map((row) => {
    const values = new Float64Array(pixels).map((_, pixel) => dot3(row, densityAt(tissue, pixel)));
    return percentiles(values, [99])[0];
  });
  return { haematoxylin, eosin, strength: [strength[0], strength[1]] };
};

/**
 * A function that gives a patch the look of another slide: its amounts of stain, by least squares, are scaled so that the strengths
 * agree, and coloured with the other slide's stains. Since both are linear in optical density, each pixel goes through one 3 x 3 matrix.
 * The result has 8 bits and the patch's size. Throws an Error when a strength of the slide is not above 0.
 */
export const stainNormaliser = (
  slide: StainProfile,
  target: StainProfile = referenceStains,
): ((patch: Image) => ImageOf<Uint8Array>) => {
  if (!(slide.strength[0] > 0 && slide.strength[1] > 0)) {
    throw new Error(`Stains cannot be normalised: their strengths must be above 0, not ${slide.strength.join(" and ")}.`);
  }
  const amounts = amountsMatrix(slide);
  const colours = [target.haematoxylin, target.eosin] as const;
  const scales = [target.strength[0] / slide.strength[0], target.strength[1] / slide.strength[1]] as const;
  const row = (to: 0 | 1 | 2): Vector3 => {
    const entry = (from: 0 | 1 | 2): number =>
      colours[0][to] * scales[0] * amounts[0][from] + colours[1][to] * scales[1] * amounts[1][from];
    return [entry(0), entry(1), entry(2)];
  };
  const matrix: Matrix3 = [row(0), row(1), row(2)];
  return (patch) => {
    const { data } = toEightBit(patch);
    const result = createImage(patch.width, patch.height);
    for (let at = 0; at < data.length; at += 3) {
      const [r, g, b] = [densityOfIntensity[data[at]], densityOfIntensity[data[at + 1]], densityOfIntensity[data[at + 2]]];
      for (let channel = 0; channel < 3; channel++) {
        const to = matrix[channel];
        result.data[at + channel] = intensityOfDensity(to[0] * r + to[1] * g + to[2] * b);
      }
    }
    return result;
  };
};

/** The densities of the pixels that are dark enough, [pixels, 3]. */
const tissueDensities = (image: Image, least: number): Float32Array => {
  const densities = opticalDensity(image);
  let kept = 0;
  for (let at = 0; at < densities.length; at += 3) {
    if (densities[at] + densities[at + 1] + densities[at + 2] < 3 * least) continue;
    densities.copyWithin(kept, at, at + 3);
    kept += 3;
  }
  return densities.subarray(0, kept);
};

const densityAt = (densities: Float32Array, pixel: number): Vector3 => [
  densities[3 * pixel],
  densities[3 * pixel + 1],
  densities[3 * pixel + 2],
];

/** The two largest eigenvectors of the covariance, turned so that most tissue has positive coordinates. */
const planeOf = (densities: Float32Array): readonly [Vector3, Vector3] => {
  const pixels = densities.length / 3;
  const mean = [0, 0, 0];
  for (let at = 0; at < densities.length; at++) mean[at % 3] += densities[at] / pixels;
  const sums = [
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
  ];
  for (let at = 0; at < densities.length; at += 3) {
    for (let i = 0; i < 3; i++) {
      for (let j = i; j < 3; j++) sums[i][j] += (densities[at + i] - mean[i]) * (densities[at + j] - mean[j]);
    }
  }
  const { vectors } = symmetricEigen3(sums as unknown as Matrix3);
  const upright = (v: Vector3): Vector3 => (v[0] + v[1] + v[2] < 0 ? [-v[0], -v[1], -v[2]] : v);
  return [upright(vectors[0]), upright(vectors[1])];
};

/** The rows that give the amounts of haematoxylin and eosin in least squares: the pseudo-inverse of the two stains. */
const amountsMatrix = ({ haematoxylin, eosin }: StainVectors): readonly [Vector3, Vector3] => {
  const normal = cross3(haematoxylin, eosin);
  const scale = dot3(normal, normal);
  const row = ([x, y, z]: Vector3): Vector3 => [x / scale, y / scale, z / scale];
  return [row(cross3(eosin, normal)), row(cross3(normal, haematoxylin))];
};
