import { createImage, type Image, type ImageOf, type Mask, toEightBit } from "../image.ts";
import { inverse3, type Matrix3, type Vector3 } from "../matrix3.ts";

/** Mean and standard deviation of lightness and of the two opponent colours of a slide's tissue. */
export interface ColourProfile {
  readonly mean: Vector3;
  readonly deviation: Vector3;
}

/** Linear mix of red, green and blue that the cones of the eye see (Reinhard et al. 2001, equation 4). */
const conesOfRgb: Matrix3 = [
  [0.3811, 0.5783, 0.0402],
  [0.1967, 0.7244, 0.0782],
  [0.0241, 0.1288, 0.8444],
];
const rgbOfCones = inverse3(conesOfRgb);
const [ROOT3, ROOT6, ROOT2] = [Math.sqrt(3), Math.sqrt(6), Math.sqrt(2)];

/**
 * Mean and deviation of the pixels inside the mask (all of them without one) in the space l alpha beta of Ruderman et al., whose axes
 * are nearly independent (Reinhard et al., "Color transfer between images", 2001). Throws an Error when the mask is empty.
 */
export const fitColours = (image: Image, mask?: Mask): ColourProfile => {
  const { data } = toEightBit(image);
  const sums = [0, 0, 0];
  const squares = [0, 0, 0];
  let count = 0;
  for (let pixel = 0; pixel < data.length / 3; pixel++) {
    if (mask !== undefined && mask.data[pixel] === 0) continue;
    count++;
    const colour = opponentColours(data[3 * pixel], data[3 * pixel + 1], data[3 * pixel + 2]);
    for (let axis = 0; axis < 3; axis++) {
      sums[axis] += colour[axis as 0 | 1 | 2];
      squares[axis] += colour[axis as 0 | 1 | 2] ** 2;
    }
  }
  if (count === 0) throw new Error("The colours of a slide cannot be measured: no tissue was found on it.");
  const mean = sums.map((sum) => sum / count);
  const deviation = squares.map((square, axis) => Math.sqrt(Math.max(0, square / count - mean[axis] ** 2)));
  return { mean: mean as unknown as Vector3, deviation: deviation as unknown as Vector3 };
};

/**
 * A function that gives a patch the mean and deviation of another slide's colours: along each axis,
 * (v - mean) target deviation / deviation + target mean. The result has 8 bits and the patch's size.
 */
export const colourNormaliser = (slide: ColourProfile, target: ColourProfile): ((patch: Image) => ImageOf<Uint8Array>) => {
  const gain = slide.deviation.map((deviation, axis) => (deviation > 0 ? target.deviation[axis as 0 | 1 | 2] / deviation : 1));
  const shifted = (colour: Vector3, axis: 0 | 1 | 2): number =>
    (colour[axis] - slide.mean[axis]) * gain[axis] + target.mean[axis];
  return (patch) => {
    const { data } = toEightBit(patch);
    const result = createImage(patch.width, patch.height);
    for (let at = 0; at < data.length; at += 3) {
      const colour = opponentColours(data[at], data[at + 1], data[at + 2]);
      result.data.set(rgbOfOpponents(shifted(colour, 0), shifted(colour, 1), shifted(colour, 2)), at);
    }
    return result;
  };
};

/** l, alpha, beta of an 8-bit colour: the logarithms to base 10 of the cones' answers, and their sum and differences. */
const opponentColours = (red: number, green: number, blue: number): Vector3 => {
  const cone = ([r, g, b]: Vector3): number => Math.log10(Math.max(1, r * red + g * green + b * blue) / 255);
  const [long, medium, short] = [cone(conesOfRgb[0]), cone(conesOfRgb[1]), cone(conesOfRgb[2])];
  return [(long + medium + short) / ROOT3, (long + medium - 2 * short) / ROOT6, (long - medium) / ROOT2];
};

const rgbOfOpponents = (l: number, alpha: number, beta: number): readonly number[] => {
  const [lightness, yellowBlue, redGreen] = [l / ROOT3, alpha / ROOT6, beta / ROOT2];
  const cones = [lightness + yellowBlue + redGreen, lightness + yellowBlue - redGreen, lightness - 2 * yellowBlue].map(
    (answer) => 255 * 10 ** answer,
  );
  return rgbOfCones.map(([a, b, c]) => Math.min(255, Math.max(0, Math.round(a * cones[0] + b * cones[1] + c * cones[2]))));
};
