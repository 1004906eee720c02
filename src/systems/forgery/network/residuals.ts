import { asinh, constant, conv2d, padAll, type Tensor } from "../../../graph/index.ts";

/** High-pass filters of 3 x 3 places: differences along a row and a column, and the second differences along both (Fridrich and Kodovsky 2012, section 2). */
const FILTERS = [
  [0, 0, 0, 0, -1, 1, 0, 0, 0],
  [0, 0, 0, 0, -1, 0, 0, 1, 0],
  [-1, 2, -1, 2, -4, 2, -1, 2, -1].map((weight) => weight / 4),
];

/**
 * What is left of an image without its content: differences of neighbouring pixels in grey levels, `asinh(255 (filter * x))`, linear in the noise of a camera and
 * logarithmic at edges. Traces of forging are grey levels, contents a hundred of them; a network that sees pixels alone learns the latter
 * first (Bayar and Stamm 2016). At the frame, where there are no neighbours, they are 0. x: [batch, channels, height, width] in [0, 1] -> [batch, 3 channels, height, width].
 */
export const residuals = (x: Tensor): Tensor => {
  const channels = x.shape[1] as number;
  const kernels = new Float32Array(FILTERS.length * channels * channels * 9);
  for (const [f, filter] of FILTERS.entries()) {
    for (let c = 0; c < channels; c++)
      kernels.set(
        filter.map((weight) => 255 * weight),
        ((f * channels + c) * channels + c) * 9,
      );
  }
  const inside = asinh(conv2d(x, constant(kernels, [FILTERS.length * channels, channels, 3, 3])));
  return padAll(inside, [
    [0, 0],
    [0, 0],
    [1, 1],
    [1, 1],
  ]);
};
