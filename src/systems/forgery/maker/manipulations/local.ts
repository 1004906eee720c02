import type { Mask } from "../../../../imaging/index.ts";
import type { Random } from "../../../../random/index.ts";
import { colourAt, type FloatImage, floatImage, gaussianBlur, type Interpolation } from "../float-image.ts";
import { softEdge } from "../regions.ts";
import { alphaBlend } from "./blend.ts";

/** The region blurred by a Gaussian of `sigma` pixels; the blur sets in over `edge` pixels. */
export const blurred = (picture: FloatImage, region: Mask, sigma: number, edge: number): FloatImage => {
  const { width, height, data } = picture;
  return alphaBlend(picture, { width, height, data: gaussianBlur(data, width, height, 3, sigma) }, region, edge);
};

export interface NoiseOptions {
  /** In levels of 0 .. 255. */
  readonly deviation: number;
  /** Whether red, green and blue have noise of their own, or one. */
  readonly coloured: boolean;
  /** Deviation in pixels of the Gaussian that the noise is smoothed by, its own deviation kept; 0 is white noise. */
  readonly grain: number;
}

/** Normal noise added to the region; it sets in over `edge` pixels. */
export const noisy = (picture: FloatImage, region: Mask, options: NoiseOptions, edge: number, source: Random): FloatImage => {
  const { width, height } = picture;
  const channels = options.coloured ? 3 : 1;
  const white = new Float32Array(width * height * channels).map(() => source.normal());
  const noise = gaussianBlur(white, width, height, channels, options.grain);
  const power = noise.reduce((sum, value) => sum + value * value, 0) / noise.length;
  const scale = options.deviation / Math.sqrt(power);
  const data = picture.data.map((value, at) => value + scale * noise[options.coloured ? at : Math.floor(at / 3)]);
  return alphaBlend(picture, { width, height, data }, region, edge);
};

export interface Warp {
  /** Factor of size, and turn in radians, about the region's middle. */
  readonly scale: number;
  readonly angle: number;
  readonly interpolation: Interpolation;
}

/**
 * The region enlarged or reduced and turned about its middle, as a retouching brush does: the displacement fades out over `edge` pixels
 * towards the rim, so that nothing tears. What is left is a resampling that the rest of the picture does not have
 * (Popescu and Farid, "Exposing digital forgeries by detecting traces of resampling", 2005).
 */
export const resampled = (picture: FloatImage, region: Mask, warp: Warp, edge: number): FloatImage => {
  const { width, height } = picture;
  const [cosine, sine] = [Math.cos(warp.angle) / warp.scale, Math.sin(warp.angle) / warp.scale];
  const [middleX, middleY] = middleOf(region);
  const strength = softEdge(region, edge);
  const result = floatImage(width, height);
  result.data.set(picture.data);
  for (let pixel = 0; pixel < strength.length; pixel++) {
    if (strength[pixel] === 0) continue;
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    const [dx, dy] = [x - middleX, y - middleY];
    const right = cosine * dx + sine * dy - dx;
    const down = cosine * dy - sine * dx - dy;
    result.data.set(colourAt(picture, x + strength[pixel] * right, y + strength[pixel] * down, warp.interpolation), 3 * pixel);
  }
  return result;
};

/** The mean place of a region's pixels. */
export const middleOf = ({ width, data }: Mask): [number, number] => {
  let [x, y, count] = [0, 0, 0];
  for (let pixel = 0; pixel < data.length; pixel++) {
    if (data[pixel] === 0) continue;
    x += pixel % width;
    y += Math.floor(pixel / width);
    count++;
  }
  return [x / count, y / count];
};
