import { determinant3, dot3, inverse3, type Matrix3, symmetricEigen3, type Vector3 } from "../matrix3.ts";

/** A mixture of Gaussians over colours, read by the component that explains a colour best. */
export interface ColourMixture {
  /** The least cost -log(weight N(colour | mean, covariance)) of all components, without constants. */
  readonly costOf: (red: number, green: number, blue: number) => number;
  /** The component of least cost, 0 .. `size` - 1. */
  readonly componentOf: (red: number, green: number, blue: number) => number;
  readonly size: number;
}

/** Added to each variance, in squared 8-bit levels: what rounding and a flat background leave must not become infinitely sure. */
const LEAST_VARIANCE = 1;

/**
 * Divides pixels in `size` groups of like colour (Orchard and Bouman, "Color quantization of images", 1991): the group with the largest
 * variance along its main axis is cut across it at its mean, until there are enough or none varies. Groups are numbered from 0.
 */
export const splitColours = (colours: Uint8Array, pixels: ArrayLike<number>, size: number): Uint8Array => {
  const groups = new Uint8Array(pixels.length);
  const statistics = [statisticsOf(colours, pixels, groups, 0)];
  while (statistics.length < size) {
    const widest = statistics.reduce((best, { spread }, group) => (spread > statistics[best].spread ? group : best), 0);
    const { mean, axis, spread } = statistics[widest];
    if (!(spread > 0)) break;
    const fresh = statistics.length;
    const limit = dot3(mean, axis);
    for (let at = 0; at < pixels.length; at++) {
      if (groups[at] === widest && dot3(colourAt(colours, pixels[at]), axis) > limit) groups[at] = fresh;
    }
    statistics[widest] = statisticsOf(colours, pixels, groups, widest);
    statistics.push(statisticsOf(colours, pixels, groups, fresh));
  }
  return groups;
};

/** The mixture with a component for each group: its share as weight, its mean and its covariance. Empty groups are left out. */
export const mixtureOf = (colours: Uint8Array, pixels: ArrayLike<number>, groups: Uint8Array, size: number): ColourMixture => {
  const used = Array.from({ length: size }, (_, group) => statisticsOf(colours, pixels, groups, group)).filter(
    ({ count }) => count > 0,
  );
  /** Ten numbers a component: mean, the inverse covariance's upper triangle, constant. */
  const numbers = Float64Array.from(
    used.flatMap(({ count, mean, covariance }) => {
      const widened = covariance.map((row, i) =>
        row.map((value, j) => value + (i === j ? LEAST_VARIANCE : 0)),
      ) as unknown as Matrix3;
      const [[xx, xy, xz], [, yy, yz], [, , zz]] = inverse3(widened);
      return [...mean, xx, xy, xz, yy, yz, zz, 0.5 * Math.log(determinant3(widened)) - Math.log(count / pixels.length)];
    }),
  );
  const cost = (component: number, red: number, green: number, blue: number): number => {
    const at = 10 * component;
    const [x, y, z] = [red - numbers[at], green - numbers[at + 1], blue - numbers[at + 2]];
    const squares = numbers[at + 3] * x * x + numbers[at + 6] * y * y + numbers[at + 8] * z * z;
    const products = numbers[at + 4] * x * y + numbers[at + 5] * x * z + numbers[at + 7] * y * z;
    return numbers[at + 9] + 0.5 * squares + products;
  };
  const componentOf = (red: number, green: number, blue: number): number => {
    let [best, least] = [0, Number.POSITIVE_INFINITY];
    for (let component = 0; component < used.length; component++) {
      const own = cost(component, red, green, blue);
      if (own < least) [best, least] = [component, own];
    }
    return best;
  };
  const costOf = (red: number, green: number, blue: number): number => cost(componentOf(red, green, blue), red, green, blue);
  return { costOf, componentOf, size: used.length };
};

const colourAt = (colours: Uint8Array, pixel: number): Vector3 => [
  colours[3 * pixel],
  colours[3 * pixel + 1],
  colours[3 * pixel + 2],
];

const statisticsOf = (colours: Uint8Array, pixels: ArrayLike<number>, groups: Uint8Array, group: number) => {
  let count = 0;
  const sums = [0, 0, 0];
  const products = [0, 0, 0, 0, 0, 0];
  for (let at = 0; at < pixels.length; at++) {
    if (groups[at] !== group) continue;
    count++;
    const pixel = 3 * pixels[at];
    const [r, g, b] = [colours[pixel], colours[pixel + 1], colours[pixel + 2]];
    sums[0] += r;
    sums[1] += g;
    sums[2] += b;
    products[0] += r * r;
    products[1] += r * g;
    products[2] += r * b;
    products[3] += g * g;
    products[4] += g * b;
    products[5] += b * b;
  }
  const share = 1 / Math.max(1, count);
  const mean: Vector3 = [sums[0] * share, sums[1] * share, sums[2] * share];
  const [rr, rg, rb, gg, gb, bb] = products.map((product) => product * share);
  const [r, g, b] = mean;
  const covariance: Matrix3 = [
    [rr - r * r, rg - r * g, rb - r * b],
    [rg - r * g, gg - g * g, gb - g * b],
    [rb - r * b, gb - g * b, bb - b * b],
  ];
  const { values, vectors } = symmetricEigen3(covariance);
  return { count, mean, covariance, spread: values[0] > 1e-9 ? values[0] : 0, axis: vectors[0] };
};
