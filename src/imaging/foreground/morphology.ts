import type { Mask } from "../image.ts";

/** Where a point lies within `radius` pixels of the mask: dilation by a disc. */
export const dilation = (mask: Mask, radius: number): Mask => {
  const distances = squaredDistances(mask, 1);
  return like(mask, (pixel) => distances[pixel] <= radius * radius);
};

/** Where all points within `radius` pixels lie in the mask: erosion by a disc. What is beyond the picture counts as inside. */
export const erosion = (mask: Mask, radius: number): Mask => {
  const distances = squaredDistances(mask, 0);
  return like(mask, (pixel) => distances[pixel] > radius * radius);
};

/** Erosion, then dilation: what is thinner than a disc of `radius` pixels disappears. */
export const opening = (mask: Mask, radius: number): Mask => dilation(erosion(mask, radius), radius);

/**
 * Dilation, then erosion: gaps narrower than a disc of `radius` pixels are closed. The mask is never smaller than before; since what is
 * beyond the picture counts as outside and then as inside, gaps at its rim are closed, too.
 */
export const closing = (mask: Mask, radius: number): Mask => erosion(dilation(mask, radius), radius);

/** The mask without its regions (8-connected) of fewer than `area` pixels. */
export const removeSpecks = (mask: Mask, area: number): Mask => {
  const { labels, areas } = regionsOf(mask, 1, 8);
  return like(mask, (pixel) => labels[pixel] !== 0 && areas[labels[pixel]] >= area);
};

/** The mask with its holes (4-connected) of fewer than `area` pixels filled. A gap that reaches the rim of the picture is no hole. */
export const fillHoles = (mask: Mask, area: number): Mask => {
  const { labels, areas, atRim } = regionsOf(mask, 0, 4);
  return like(mask, (pixel) => labels[pixel] === 0 || (areas[labels[pixel]] < area && !atRim[labels[pixel]]));
};

/** What of the mask is not in the other one, of the same size. */
export const subtract = (mask: Mask, other: Mask): Mask =>
  like(mask, (pixel) => mask.data[pixel] !== 0 && other.data[pixel] === 0);

/** How large a part of the mask the other one, of the same size, covers; 0 of an empty mask. */
export const sharedPart = (mask: Mask, other: Mask): number => {
  let [total, shared] = [0, 0];
  for (let pixel = 0; pixel < mask.data.length; pixel++) {
    if (mask.data[pixel] === 0) continue;
    total++;
    if (other.data[pixel] !== 0) shared++;
  }
  return total === 0 ? 0 : shared / total;
};

/** The regions of pixels that are inside (`value` 1) or outside (0); labels are 0 elsewhere, else 1, 2, ... */
export const regionsOf = (mask: Mask, value: 0 | 1, connectivity: 4 | 8) => {
  const { width, height, data } = mask;
  const labels = new Int32Array(data.length);
  const areas = [0];
  const atRim = [false];
  const pending: number[] = [];
  for (let seed = 0; seed < data.length; seed++) {
    if ((data[seed] !== 0) !== (value !== 0) || labels[seed] !== 0) continue;
    const label = areas.length;
    areas.push(0);
    atRim.push(false);
    labels[seed] = label;
    pending.push(seed);
    while (pending.length > 0) {
      const pixel = pending.pop()!;
      areas[label]++;
      const [x, y] = [pixel % width, Math.floor(pixel / width)];
      if (x === 0 || y === 0 || x === width - 1 || y === height - 1) atRim[label] = true;
      for (let down = -1; down <= 1; down++) {
        for (let across = -1; across <= 1; across++) {
          if (connectivity === 4 && down !== 0 && across !== 0) continue;
          if (x + across < 0 || x + across >= width || y + down < 0 || y + down >= height) continue;
          const other = pixel + down * width + across;
          if ((data[other] !== 0) !== (value !== 0) || labels[other] !== 0) continue;
          labels[other] = label;
          pending.push(other);
        }
      }
    }
  }
  return { labels, areas, atRim };
};

const like = ({ width, height, data }: Mask, inside: (pixel: number) => boolean): Mask => ({
  width,
  height,
  data: data.map((_, pixel) => (inside(pixel) ? 1 : 0)),
});

/**
 * Squared distance of each pixel to the nearest one that is inside (`value` 1) or outside (0), infinite where there is none
 * (Felzenszwalb and Huttenlocher, "Distance transforms of sampled functions", 2012): along columns by two sweeps, along rows by the lower
 * envelope of parabolas. Time is linear in the pixels.
 */
export const squaredDistances = ({ width, height, data }: Mask, value: 0 | 1): Float64Array => {
  const distances = new Float64Array(data.length);
  for (let pixel = 0; pixel < data.length; pixel++) {
    const above = pixel < width ? Number.POSITIVE_INFINITY : distances[pixel - width] + 1;
    distances[pixel] = (data[pixel] !== 0) === (value !== 0) ? 0 : above;
  }
  for (let pixel = data.length - width - 1; pixel >= 0; pixel--) {
    distances[pixel] = Math.min(distances[pixel], distances[pixel + width] + 1);
  }
  for (let pixel = 0; pixel < data.length; pixel++) distances[pixel] *= distances[pixel];
  const scratch = { own: new Float64Array(width), roots: new Int32Array(width), from: new Float64Array(width) };
  for (let y = 0; y < height; y++) lowerEnvelope(distances, y * width, width, scratch);
  return distances;
};

interface Scratch {
  readonly own: Float64Array;
  /** The vertices of the parabolas that are lowest somewhere, and where each begins to be. */
  readonly roots: Int32Array;
  readonly from: Float64Array;
}

/** Replaces each f(p) along a row by the least (p - q)^2 + f(q) over all q: the lower envelope of parabolas. */
const lowerEnvelope = (values: Float64Array, start: number, length: number, { own, roots, from }: Scratch): void => {
  for (let p = 0; p < length; p++) own[p] = values[start + p];
  let last = -1;
  for (let q = 0; q < length; q++) {
    if (own[q] === Number.POSITIVE_INFINITY) continue;
    let crossing = Number.NEGATIVE_INFINITY;
    while (last >= 0) {
      const root = roots[last];
      crossing = (own[q] + q * q - own[root] - root * root) / (2 * (q - root));
      if (crossing > from[last]) break;
      last--;
      crossing = Number.NEGATIVE_INFINITY;
    }
    last++;
    roots[last] = q;
    from[last] = crossing;
  }
  if (last < 0) return;
  let current = 0;
  for (let p = 0; p < length; p++) {
    while (current < last && from[current + 1] < p) current++;
    values[start + p] = (p - roots[current]) ** 2 + own[roots[current]];
  }
};
