import { encodedLight, lightOf, type Mask } from "../../../../imaging/index.ts";
import type { FloatImage } from "../float-image.ts";

/** Linear RGB to the responses of the long, middle and short cones (Reinhard et al. 2001, equation 4), row by row. */
const toCones = [0.3811, 0.5783, 0.0402, 0.1967, 0.7244, 0.0782, 0.0241, 0.1288, 0.8444];
/** Its inverse (equation 9). */
const fromCones = [4.4679, -3.5873, 0.1193, -1.2186, 2.3809, -0.1624, 0.0497, -0.2439, 1.2045];

/**
 * Colour transfer (Reinhard, Ashikhmin, Gooch and Shirley, "Color transfer between images", 2001): in the region, each axis of the
 * decorrelated space l alpha beta (logarithms of cone responses: light, yellow against blue, red against green) is brought to the mean and
 * deviation that it has in the region `like` of `source`, by a share `strength`, 0 .. 1. Deviations change by at most 1.6 times, so
 * that flat regions do not become noise. Where the region is not, the result is the target.
 */
export const transferColour = (
  target: FloatImage,
  region: Mask,
  source: FloatImage,
  like: Mask,
  strength: number,
): FloatImage => {
  const own = statisticsOf(target, region);
  const wanted = statisticsOf(source, like);
  const data = target.data.slice();
  const opponent = new Float64Array(3);
  for (let pixel = 0; pixel < region.data.length; pixel++) {
    if (region.data[pixel] === 0) continue;
    toOpponent(target.data, 3 * pixel, opponent);
    for (let axis = 0; axis < 3; axis++) {
      const ratio = Math.min(1.6, Math.max(1 / 1.6, wanted.deviation[axis] / Math.max(1e-6, own.deviation[axis])));
      const moved = wanted.mean[axis] + ratio * (opponent[axis] - own.mean[axis]);
      opponent[axis] += strength * (moved - opponent[axis]);
    }
    fromOpponent(opponent, data, 3 * pixel);
  }
  return { ...target, data };
};

const statisticsOf = (picture: FloatImage, region: Mask): { mean: Float64Array; deviation: Float64Array } => {
  const [sums, squares, opponent] = [new Float64Array(3), new Float64Array(3), new Float64Array(3)];
  let count = 0;
  for (let pixel = 0; pixel < region.data.length; pixel++) {
    if (region.data[pixel] === 0) continue;
    toOpponent(picture.data, 3 * pixel, opponent);
    count++;
    for (let axis = 0; axis < 3; axis++) {
      sums[axis] += opponent[axis];
      squares[axis] += opponent[axis] ** 2;
    }
  }
  const mean = sums.map((sum) => sum / count);
  return { mean, deviation: squares.map((square, axis) => Math.sqrt(Math.max(0, square / count - mean[axis] ** 2))) };
};

const toOpponent = (levels: Float32Array, at: number, into: Float64Array): void => {
  const red = linearOf(levels[at]);
  const green = linearOf(levels[at + 1]);
  const blue = linearOf(levels[at + 2]);
  const long = Math.log10(toCones[0] * red + toCones[1] * green + toCones[2] * blue);
  const middle = Math.log10(toCones[3] * red + toCones[4] * green + toCones[5] * blue);
  const short = Math.log10(toCones[6] * red + toCones[7] * green + toCones[8] * blue);
  into[0] = (long + middle + short) / Math.sqrt(3);
  into[1] = (long + middle - 2 * short) / Math.sqrt(6);
  into[2] = (long - middle) / Math.sqrt(2);
};

const fromOpponent = (opponent: Float64Array, levels: Float32Array, at: number): void => {
  const light = opponent[0] / Math.sqrt(3);
  const yellow = opponent[1] / Math.sqrt(6);
  const red = opponent[2] / Math.sqrt(2);
  const cones = [10 ** (light + yellow + red), 10 ** (light + yellow - red), 10 ** (light - 2 * yellow)];
  for (let c = 0; c < 3; c++) {
    levels[at + c] = levelOf(fromCones[3 * c] * cones[0] + fromCones[3 * c + 1] * cones[1] + fromCones[3 * c + 2] * cones[2]);
  }
};

/** Black is raised to 0.2 levels, since it has no logarithm. */
const linearOf = (level: number): number => lightOf(Math.max(0.2, level) / 255);

const levelOf = (linear: number): number => 255 * encodedLight(Math.min(1, Math.max(0, linear)));
