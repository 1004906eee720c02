import { type Affine, composeAffine, invertAffine, type LabelVolume, linearOf, type Volume } from "../volumes/index.ts";
import type { SamplePoints, ValueRange } from "./samples.ts";

/** A volume that is looked up, its values' range, and where it counts. */
export interface Looked {
  readonly volume: Volume;
  readonly range: ValueRange;
  readonly mask?: LabelVolume;
}

export interface Similarity {
  /** Mutual information in nats, >= 0. */
  readonly mutualInformation: number;
  /** (H(fixed) + H(moving)) / H(both), 1 .. 2: does not rise when overlap is lost (Studholme et al. 1999). */
  readonly normalised: number;
  /** Which part of the samples lies inside both volumes, 0 .. 1. */
  readonly overlap: number;
}

export interface MutualInformation {
  /** Where `transform` takes the fixed volume's points in the moving one, how much the values there tell of each other. */
  readonly at: (transform: Affine) => Similarity;
  /** The same, and the derivative of `normalised` by the transform's twelve numbers into `gradient`. */
  readonly withGradient: (transform: Affine, gradient: Float64Array) => Similarity;
}

/** Classes of values, of which two at either end stay free for the splines' tails. */
const BINS = 32;
const FREE = 2;

/**
 * Mutual information of two volumes at sample points. The joint distribution p(f, m) of values is estimated by Parzen windows, a box for
 * the fixed and a cubic B-spline for the moving volume, as Mattes et al. 2003 (IEEE Trans. Med. Imaging 22(1)) do to make it
 * differentiable. What is to be made large is N = (H(fixed) + H(moving)) / H(both), which does not rise, as plain mutual information
 * does, when background leaves the overlap (Studholme et al. 1999). As the windows sum to 1, its derivative by the transform is
 * -1/n sum_samples [sum_m B3'(m - m_i) (N log p(f_i, m) - log p_m(m)) / H(both)] grad(m_i) (x_i, 1).
 * Values between voxels are trilinear, and grad is the exact derivative of that. Samples outside the moving volume, its mask, or where a
 * value is not finite do not count.
 */
export const mutualInformation = (samples: SamplePoints, fixed: Looked, moving: Looked): MutualInformation => {
  const { points, count } = samples;
  const fixedBins = binsOf(fixed, samples);
  const { volume, range, mask } = moving;
  const { data, width, height, slices } = volume;
  const [row, slice] = [width, width * height];
  const toIndex = invertAffine(volume.affine);
  const toMaskIndex = mask && invertAffine(mask.affine);
  const binsPerValue = (BINS - 2 * FREE - 1) / (range.high - range.low);

  const joint = new Float64Array(BINS * BINS);
  const fixedSums = new Float64Array(BINS);
  const movingSums = new Float64Array(BINS);
  const position = new Float32Array(count); // in the moving volume's bins; NaN: does not count
  const slopes = new Float32Array(3 * count); // per voxel along i, j, k

  const gather = (transform: Affine): number => {
    joint.fill(0);
    const a = composeAffine(toIndex, transform);
    const b = toMaskIndex && composeAffine(toMaskIndex, transform);
    let inside = 0;
    for (let n = 0, p = 0; n < count; n++, p += 3) {
      position[n] = Number.NaN;
      const f = fixedBins[n];
      if (f === NOWHERE) continue;
      const [px, py, pz] = [points[p], points[p + 1], points[p + 2]];
      const x = a[0] * px + a[1] * py + a[2] * pz + a[3];
      const y = a[4] * px + a[5] * py + a[6] * pz + a[7];
      const z = a[8] * px + a[9] * py + a[10] * pz + a[11];
      if (!(x >= 0 && y >= 0 && z >= 0 && x <= width - 1 && y <= height - 1 && z <= slices - 1)) continue;
      if (b && !isInMask(mask!, b, px, py, pz)) continue;
      const i = x < width - 1 ? x | 0 : width - 2;
      const j = y < height - 1 ? y | 0 : height - 2;
      const k = z < slices - 1 ? z | 0 : slices - 2;
      const [u, v, w] = [x - i, y - j, z - k];
      const at = k * slice + j * row + i;
      const up = at + slice;
      const [c000, c100, c010, c110] = [data[at], data[at + 1], data[at + row], data[at + row + 1]];
      const [c001, c101, c011, c111] = [data[up], data[up + 1], data[up + row], data[up + row + 1]];
      const [d00, d10, d01, d11] = [c100 - c000, c110 - c010, c101 - c001, c111 - c011];
      const [e00, e10, e01, e11] = [c000 + u * d00, c010 + u * d10, c001 + u * d01, c011 + u * d11];
      const [near, far] = [e00 + v * (e10 - e00), e01 + v * (e11 - e01)];
      const value = near + w * (far - near);
      if (!Number.isFinite(value)) continue;
      inside++;
      const clamped = value < range.low ? range.low : value > range.high ? range.high : value;
      const bin = FREE + (clamped - range.low) * binsPerValue;
      position[n] = bin;
      if (clamped === value) {
        slopes[p] = (1 - w) * (d00 + v * (d10 - d00)) + w * (d01 + v * (d11 - d01));
        slopes[p + 1] = (1 - w) * (e10 - e00) + w * (e11 - e01);
        slopes[p + 2] = far - near;
      } else {
        slopes.fill(0, p, p + 3);
      }
      const first = Math.floor(bin) - 1;
      const t = bin - first - 1;
      const to = f * BINS + first;
      const s = 1 - t;
      joint[to] += (s * s * s) / 6;
      joint[to + 1] += 2 / 3 - t * t + (t * t * t) / 2;
      joint[to + 2] += 2 / 3 - s * s + (s * s * s) / 2;
      joint[to + 3] += (t * t * t) / 6;
    }
    return inside;
  };

  const summarise = (inside: number): Similarity => {
    if (inside === 0) return { mutualInformation: 0, normalised: 1, overlap: 0 };
    fixedSums.fill(0);
    movingSums.fill(0);
    for (let f = 0, at = 0; f < BINS; f++) {
      for (let m = 0; m < BINS; m++, at++) {
        joint[at] /= inside;
        fixedSums[f] += joint[at];
        movingSums[m] += joint[at];
      }
    }
    const [alone, other, both] = [entropy(fixedSums), entropy(movingSums), entropy(joint)];
    return {
      mutualInformation: Math.max(0, alone + other - both),
      normalised: both > 0 ? (alone + other) / both : 1,
      overlap: inside / count,
    };
  };

  const at = (transform: Affine): Similarity => summarise(gather(transform));

  const weight = new Float64Array(BINS * BINS); // the derivative by p(f, m), but for what sums to 0
  const byIndex = new Float64Array(12);
  const withGradient = (transform: Affine, gradient: Float64Array): Similarity => {
    const inside = gather(transform);
    const similarity = summarise(inside);
    const both = entropy(joint);
    for (let n = 0; n < weight.length; n++) {
      weight[n] = joint[n] > 0 ? (similarity.normalised * Math.log(joint[n]) - Math.log(movingSums[n % BINS])) / both : 0;
    }
    byIndex.fill(0);
    for (let n = 0, p = 0; n < count; n++, p += 3) {
      const bin = position[n];
      if (!(bin >= 0)) continue;
      const first = Math.floor(bin) - 1;
      const t = bin - first - 1;
      const s = 1 - t;
      const from = fixedBins[n] * BINS + first;
      // The derivatives of the four windows by the position, which sum to 0.
      const rise =
        (-s * s * weight[from] +
          t * (3 * t - 4) * weight[from + 1] -
          s * (3 * s - 4) * weight[from + 2] +
          t * t * weight[from + 3]) /
        2;
      const [px, py, pz] = [points[p], points[p + 1], points[p + 2]];
      const [gi, gj, gk] = [rise * slopes[p], rise * slopes[p + 1], rise * slopes[p + 2]];
      byIndex[0] += gi * px;
      byIndex[1] += gi * py;
      byIndex[2] += gi * pz;
      byIndex[3] += gi;
      byIndex[4] += gj * px;
      byIndex[5] += gj * py;
      byIndex[6] += gj * pz;
      byIndex[7] += gj;
      byIndex[8] += gk * px;
      byIndex[9] += gk * py;
      byIndex[10] += gk * pz;
      byIndex[11] += gk;
    }
    // From steps of the moving volume's index to millimetres: the transposed inverse of its axes.
    const [ri, rj, rk] = linearOf(toIndex);
    const scale = inside === 0 ? 0 : binsPerValue / inside;
    for (let r = 0; r < 3; r++) {
      for (let c = 0; c < 4; c++) {
        gradient[4 * r + c] = scale * (ri[r] * byIndex[c] + rj[r] * byIndex[4 + c] + rk[r] * byIndex[8 + c]);
      }
    }
    return similarity;
  };

  return { at, withGradient };
};

/** In nats; 0 log 0 = 0. */
const entropy = (distribution: Float64Array): number => {
  let sum = 0;
  for (let n = 0; n < distribution.length; n++) if (distribution[n] > 0) sum -= distribution[n] * Math.log(distribution[n]);
  return sum;
};

const NOWHERE = 255;

/** The bin of the fixed volume's value at each sample. */
const binsOf = ({ volume, range }: Looked, { points, count }: SamplePoints): Uint8Array => {
  const values = valuesAt(volume, points, count);
  return Uint8Array.from({ length: count }, (_, n) => {
    if (!Number.isFinite(values[n])) return NOWHERE;
    const share = (values[n] - range.low) / (range.high - range.low);
    return FREE + Math.min(BINS - 2 * FREE - 1, Math.max(0, Math.floor(share * (BINS - 2 * FREE))));
  });
};

/** Trilinear; up to half a voxel beyond the outermost centres that of the nearest, NaN further out. */
const valuesAt = ({ data, width, height, slices, affine }: Volume, points: Float64Array, count: number): Float32Array => {
  const a = invertAffine(affine);
  const [row, slice] = [width, width * height];
  const clamp = (x: number, size: number): number => (x < 0 ? 0 : x > size - 1 ? size - 1 : x);
  return Float32Array.from({ length: count }, (_, n) => {
    const [px, py, pz] = [points[3 * n], points[3 * n + 1], points[3 * n + 2]];
    const [x, y, z] = [
      clamp(a[0] * px + a[1] * py + a[2] * pz + a[3], width),
      clamp(a[4] * px + a[5] * py + a[6] * pz + a[7], height),
      clamp(a[8] * px + a[9] * py + a[10] * pz + a[11], slices),
    ];
    const [i, j, k] = [
      Math.min(Math.floor(x), width - 2),
      Math.min(Math.floor(y), height - 2),
      Math.min(Math.floor(z), slices - 2),
    ];
    const [u, v, w] = [x - i, y - j, z - k];
    const line = (at: number): number => data[at] + u * (data[at + 1] - data[at]);
    const plane = (at: number): number => line(at) + v * (line(at + row) - line(at));
    const at = k * slice + j * row + i;
    return plane(at) + w * (plane(at + slice) - plane(at));
  });
};

/** Whether the voxel that a point lies in, by the map `a` to the mask's index, is one of the mask. */
export const isInMask = ({ data, width, height, slices }: LabelVolume, a: Affine, x: number, y: number, z: number): boolean => {
  const i = Math.floor(a[0] * x + a[1] * y + a[2] * z + a[3] + 0.5);
  const j = Math.floor(a[4] * x + a[5] * y + a[6] * z + a[7] + 0.5);
  const k = Math.floor(a[8] * x + a[9] * y + a[10] * z + a[11] + 0.5);
  return i >= 0 && j >= 0 && k >= 0 && i < width && j < height && k < slices && data[(k * height + j) * width + i] !== 0;
};
