import { add, constant, conv2d, type Tensor } from "../../../graph/index.ts";

/**
 * Luminance and chrominance, as JPEG has them (JFIF 1.02): Y = 0.299 R + 0.587 G + 0.114 B, Cb = 0.564 (B - Y) + 1/2, Cr = 0.713 (R - Y) + 1/2.
 * [batch, 3, height, width] in [0, 1] -> the same. Generators hardly see chrominance in their losses, and their traces are plainest there; as
 * differences of colours they are lost once each colour is taken to a logarithm.
 */
export const luminanceAndChrominance = (x: Tensor): Tensor => {
  const weights = [0.299, 0.587, 0.114, -0.168736, -0.331264, 0.5, 0.5, -0.418688, -0.081312];
  const offset = constant(Float32Array.of(0, 0.5, 0.5), [1, 3, 1, 1]);
  return add(conv2d(x, constant(Float32Array.from(weights), [3, 3, 1, 1])), offset);
};
