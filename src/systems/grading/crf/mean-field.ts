import type { ImageOf } from "../../../imaging/index.ts";
import { type GaussianFilter, permutohedralLattice } from "./permutohedral.ts";

/** The defaults are the spec's and those of the authors' implementation. */
export interface DenseCrfOptions {
  /** Mean-field updates. Default 5. */
  readonly iterations?: number;
  /** The kernel of position alone, which removes specks: standard deviation in pixels (3) and weight (3). */
  readonly gaussian?: { readonly spatial?: number; readonly compatibility?: number };
  /** The kernel of position and colour, which follows edges: deviations in pixels (80) and grey levels (13), and weight (10). */
  readonly bilateral?: { readonly spatial?: number; readonly colour?: number; readonly compatibility?: number };
}

/** Refined probabilities [classes, height, width] of probabilities [classes, height, width] and their image. */
export type Refine = (probabilities: Float32Array, image: ImageOf<Uint8Array>) => Float32Array;

/** A class the network excludes can still be restored by its neighbours: its probability counts as this, if less. */
const LEAST_PROBABILITY = 1e-5;

/**
 * Refines segmentations by a fully connected conditional random field (Krähenbühl and Koltun 2011, "Efficient inference in
 * fully connected CRFs with Gaussian edge potentials"). The energy of a labelling x is
 *
 *   E(x) = sum_i -log p_i(x_i) + sum_(i < j) [x_i != x_j] (w_1 k_1(i, j) + w_2 k_2(i, j)),
 *   k_1 = exp(-|s_i - s_j|^2 / 2 a^2),  k_2 = exp(-|s_i - s_j|^2 / 2 b^2 - |c_i - c_j|^2 / 2 g^2),
 *
 * with positions s and colours c. Mean field: Q_i(l) ~ p_i(l) exp(sum_m w_m (K_m Q(l))_i), started at Q = p, all pixels at once.
 * As in the authors' implementation the kernels are normalised symmetrically, K = D^(-1/2) k D^(-1/2) with D = diag(k 1), and
 * include i = j. Products with k take a permutohedral lattice: time and memory grow with the pixels, not with their square.
 * What depends on the size of the image alone is kept from one call to the next of the same size.
 *
 * @throws RangeError when an option is not a number of its range, or the lengths do not fit.
 */
export const denseCrf = (options: DenseCrfOptions = {}): Refine => {
  const { iterations = 5 } = options;
  const { spatial: near = 3, compatibility: nearWeight = 3 } = options.gaussian ?? {};
  const { spatial: far = 80, colour = 13, compatibility: farWeight = 10 } = options.bilateral ?? {};
  requireRange("iterations", iterations, Number.isInteger(iterations) && iterations >= 0, "a whole number of at least 0");
  for (const [name, value] of Object.entries({
    "gaussian.spatial": near,
    "bilateral.spatial": far,
    "bilateral.colour": colour,
  })) {
    requireRange(name, value, value > 0 && value < Infinity, "a positive number");
  }
  for (const [name, value] of Object.entries({ "gaussian.compatibility": nearWeight, "bilateral.compatibility": farWeight })) {
    requireRange(name, value, value >= 0 && value < Infinity, "a number of at least 0");
  }

  let kept: { readonly width: number; readonly height: number; readonly kernel: GaussianFilter } | undefined;
  const gaussian = (width: number, height: number): GaussianFilter => {
    if (kept?.width !== width || kept.height !== height) {
      kept = { width, height, kernel: permutohedralLattice(positions(width, height, near), 2, { normalised: true }) };
    }
    return kept.kernel;
  };
  const bilateral = (image: ImageOf<Uint8Array>): GaussianFilter =>
    permutohedralLattice(positionsAndColours(image, far, colour), 5, { normalised: true });

  return (probabilities, image) => {
    const { width, height } = image;
    const pixels = width * height;
    const classes = probabilities.length / pixels;
    if (!(Number.isInteger(classes) && classes > 0)) {
      throw new RangeError(
        `${probabilities.length} probabilities are not those of whole classes at ${width} x ${height} pixels, the size of the image.`,
      );
    }
    const kernels = [
      ...(nearWeight > 0 ? [{ weight: nearWeight, kernel: gaussian(width, height) }] : []),
      ...(farWeight > 0 ? [{ weight: farWeight, kernel: bilateral(image) }] : []),
    ];

    const logUnary = new Float32Array(probabilities.length);
    for (let c = 0; c < classes; c++) {
      for (let i = 0; i < pixels; i++) {
        logUnary[i * classes + c] = Math.log(Math.max(probabilities[c * pixels + i], LEAST_PROBABILITY));
      }
    }
    let q = softmaxOfPixels(logUnary, classes);
    for (let iteration = 0; iteration < iterations; iteration++) {
      const logits = logUnary.slice();
      for (const { weight, kernel } of kernels) kernel.filter(q, classes, logits, weight);
      q = softmaxOfPixels(logits, classes);
    }
    const refined = new Float32Array(probabilities.length);
    for (let i = 0; i < pixels; i++) for (let c = 0; c < classes; c++) refined[c * pixels + i] = q[i * classes + c];
    return refined;
  };
};

/** Softmax over the classes of every pixel, [pixels, classes]. */
const softmaxOfPixels = (logits: Float32Array, classes: number): Float32Array => {
  const shares = new Float32Array(logits.length);
  for (let start = 0; start < logits.length; start += classes) {
    let largest = -Infinity;
    for (let c = 0; c < classes; c++) largest = Math.max(largest, logits[start + c]);
    let total = 0;
    for (let c = 0; c < classes; c++) total += shares[start + c] = Math.exp(logits[start + c] - largest);
    for (let c = 0; c < classes; c++) shares[start + c] /= total;
  }
  return shares;
};

const positions = (width: number, height: number, spatial: number): Float32Array => {
  const features = new Float32Array(width * height * 2);
  for (let y = 0, place = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      features[place++] = x / spatial;
      features[place++] = y / spatial;
    }
  }
  return features;
};

const positionsAndColours = ({ width, height, data }: ImageOf<Uint8Array>, spatial: number, colour: number): Float32Array => {
  const features = new Float32Array(width * height * 5);
  for (let y = 0, place = 0, from = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      features[place++] = x / spatial;
      features[place++] = y / spatial;
      for (let channel = 0; channel < 3; channel++) features[place++] = data[from++] / colour;
    }
  }
  return features;
};

const requireRange = (name: string, value: number, holds: boolean, range: string): void => {
  if (!holds) throw new RangeError(`The option ${name} of the CRF is ${value}; it must be ${range}.`);
};
