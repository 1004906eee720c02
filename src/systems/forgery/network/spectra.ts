import {
  abs,
  add,
  concat,
  constant,
  div,
  log,
  maximum,
  mul,
  reshape,
  slice,
  split,
  sqrt,
  square,
  type Tensor,
  withGradient,
} from "../../../graph/index.ts";
import { BLOCK, blockCosineTransform, cosineTransform, imageSizes } from "./cosine-transform.ts";
import { type LowRankOptions, lowRank } from "./low-rank.ts";

/**
 * What the global extractor sees of images in [0, 1]: their DCT, made comparable, and the frequencies that its places stand for.
 * [batch, channels, height, width] -> [batch, 2 channels + 2, height, width].
 *
 * Coefficients of photographs fall as 1 / frequency over five orders of magnitude, and the mean alone outweighs the rest. So each
 * is multiplied by its frequency, in which they become alike and the mean vanishes (see `frequencies`), and taken to a
 * logarithm (see `logarithms`). A convolution does not know where it looks; the frequencies down and across, 0 to 1, say it.
 */
export const globalSpectrum = (x: Tensor): Tensor => {
  const { height, width } = imageSizes("globalSpectrum", x);
  const places = frequencies(height, width);
  const comparable = logarithms(mul(cosineTransform(x), constant(greyLevels(places), [1, 1, height, width])));
  const channel = mul(slice(comparable, 1, 0, 1), 0);
  const axes = [0, 1].map((axis) => {
    const values = Float32Array.from(places, (place) => place[axis]);
    return add(channel, constant(values, [1, 1, height, width]));
  });
  return concat([comparable, ...axes], 1);
};

/**
 * What the local extractor sees: the coefficients of all blocks, weighed by frequency as above, denoised by `lowRank` for each image and channel,
 * and in logarithms. [batch, channels, height, width] -> [batch, 2 * 64 channels, height / 8, width / 8]. Weighing comes first, or the leading
 * subspace would be that of the lowest frequencies, and the denoising a blur that wipes out the traces looked for.
 */
export const localSpectrum = (x: Tensor, options: LowRankOptions): Tensor => {
  const { batch, channels, height, width } = imageSizes("localSpectrum", x);
  const weights = constant(greyLevels(frequencies(BLOCK, BLOCK)), [1, 1, BLOCK * BLOCK, 1]);
  const denoised = lowRank(mul(blockCosineTransform(x), weights), options);
  return logarithms(reshape(denoised, [batch, channels * BLOCK * BLOCK, height / BLOCK, width / BLOCK]));
};

/** (u / height, v / width) of each place of a spectrum, row by row: 1 is the highest frequency that pixels can hold. */
const frequencies = (height: number, width: number): readonly (readonly [number, number])[] =>
  Array.from({ length: height * width }, (_, i) => [Math.floor(i / width) / height, (i % width) / width]);

/**
 * 255 |frequency|: coefficients of values in [0, 1] become multiples of a grey level, of even size over all frequencies where the amplitudes of
 * natural images fall as 1 / frequency (Field 1987). The mean counts 0: brightness is no evidence.
 */
const greyLevels = (places: readonly (readonly [number, number])[]): Float32Array =>
  Float32Array.from(places, ([down, across]) => 255 * Math.hypot(down, across));

/**
 * y = asinh(x) and |y|, side by side as channels: a logarithm far out and linear below one grey level, the noise of 8-bit pixels, where a logarithm
 * would blow up nothing to something. asinh is written out, `ln(|x| + sqrt(x^2 + 1))`, which takes half the time of the operator. The magnitude is what detectors of up-sampling look at (Frank et al. 2020); the sign is the phase
 * of a real spectrum, which Liu et al. 2021 (SPSL) found to generalise.
 */
const logarithms = (x: Tensor): Tensor => {
  const channels = x.shape[1] as number;
  const size = abs(x);
  const root = sqrt(add(square(x), 1));
  const sign = div(x, maximum(size, SMALLEST));
  const magnitude = log(add(size, root));
  return withGradient(concat([mul(magnitude, sign), magnitude], 1), [x], (dy) => {
    const [ofBoth, ofMagnitude] = split(dy, [channels, channels], 1);
    return [div(add(ofBoth, mul(ofMagnitude, sign)), root)];
  });
};

/** Below it, a number counts as 0. */
const SMALLEST = 1e-30;
