import { type Image, toEightBit } from "../image.ts";
import { cross3, inverse3, type Matrix3, unit3, type Vector3 } from "../matrix3.ts";
import { densityOfIntensity } from "./optical-density.ts";

/** How much each stain absorbs of red, green and blue: directions of optical density, of length 1. */
export interface StainVectors {
  readonly haematoxylin: Vector3;
  readonly eosin: Vector3;
}

/**
 * Haematoxylin (0.65, 0.70, 0.29) and eosin (0.07, 0.99, 0.11), as measured by Ruifrok and Johnston, "Quantification of
 * histochemical staining by color deconvolution" (2001), scaled to length 1.
 */
export const ruifrokStains: StainVectors = {
  haematoxylin: unit3([0.65, 0.7, 0.29]),
  eosin: unit3([0.07, 0.99, 0.11]),
};

export const stainNames = ["haematoxylin", "eosin", "residual"] as const;
export type StainName = (typeof stainNames)[number];

/**
 * The matrix U that turns optical density, a row of three, into amounts of stain: amounts = density U, the inverse of the matrix
 * whose rows are haematoxylin, eosin and, as residual, the direction at right angles to both. The amounts are optical densities, too:
 * 1 of haematoxylin alone has a density of Euclidean length 1 over the three channels.
 */
export const deconvolutionMatrix = ({ haematoxylin, eosin }: StainVectors): Matrix3 => {
  const [h, e] = [unit3(haematoxylin), unit3(eosin)];
  return inverse3([h, e, unit3(cross3(h, e))]);
};

/**
 * Colour deconvolution (Ruifrok and Johnston 2001): the amounts of haematoxylin, eosin and residual, [height, width, 3]. Amounts below
 * 0, of colours that the stains cannot mix, are kept.
 */
export const separateStains = (image: Image, stains: StainVectors = ruifrokStains): Float32Array => {
  const { data } = toEightBit(image);
  const [red, green, blue] = deconvolutionMatrix(stains);
  const amounts = new Float32Array(data.length);
  for (let at = 0; at < data.length; at += 3) {
    const [r, g, b] = [densityOfIntensity[data[at]], densityOfIntensity[data[at + 1]], densityOfIntensity[data[at + 2]]];
    for (let stain = 0; stain < 3; stain++) amounts[at + stain] = r * red[stain] + g * green[stain] + b * blue[stain];
  }
  return amounts;
};

/** The colour of the given amounts of haematoxylin and eosin on white: 255 10^-(h haematoxylin + e eosin), not rounded. */
export const colourOfStains = (haematoxylin: number, eosin: number, stains: StainVectors = ruifrokStains): Vector3 => {
  const [h, e] = [unit3(stains.haematoxylin), unit3(stains.eosin)];
  const channel = (c: 0 | 1 | 2): number => 255 * 10 ** -(haematoxylin * h[c] + eosin * e[c]);
  return [channel(0), channel(1), channel(2)];
};
