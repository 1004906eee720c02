import { encodedLight } from "../../../../imaging/index.ts";
import { type Random, random } from "../../../../random/index.ts";
import { type FloatImage, floatImage, gaussianBlur } from "../float-image.ts";
import { type BayerPattern, bayerPatterns, type Demosaicing, demosaic, demosaicings } from "./demosaic.ts";

/** What makes the pictures of one camera, with its settings, alike. */
export interface Camera {
  /** Deviation of the lens's blur in pixels. */
  readonly lensBlur: number;
  /** How much larger the red picture is than the green one, and smaller the blue: lateral chromatic aberration. */
  readonly aberration: number;
  /** Light lost in the corners, 0 .. 1. */
  readonly vignetting: number;
  readonly pattern: BayerPattern;
  readonly demosaicing: Demosaicing;
  /** Variance of the noise is `shot` light + `read`^2, at white 1. */
  readonly shot: number;
  readonly read: number;
  /** Deviation of the photosites' sensitivities (photo response non-uniformity). */
  readonly nonUniformity: number;
  /** What the sensor's red and blue must be multiplied by, and by how much the white balance errs. */
  readonly gains: readonly [number, number];
  readonly whiteBalanceError: readonly [number, number];
  /** Deviation in pixels of the blur of colour differences, which hides coloured noise; 0 is none. */
  readonly chromaSmoothing: number;
  readonly exposure: number;
  readonly saturation: number;
  /** Strength of the S-shaped tone curve, 0 .. 1. */
  readonly contrast: number;
  readonly sharpening: { readonly amount: number; readonly radius: number };
  /** Quality of the camera's own JPEG. */
  readonly quality: number;
}

/** A camera and its settings. Noise has the spread of ISO 100 to some 3200. */
export const randomCamera = (source: Random): Camera => {
  const patterns = Object.keys(bayerPatterns) as BayerPattern[];
  const iso = 2 ** source.uniform(0, 5);
  return {
    lensBlur: source.uniform(0.45, 0.85),
    aberration: source.uniform(-0.002, 0.002),
    vignetting: source.uniform(0, 0.35),
    pattern: patterns[source.integer(0, 3)],
    demosaicing: demosaicings[source.integer(0, 1)],
    shot: 8e-5 * iso,
    read: 6e-4 * Math.sqrt(iso) * source.uniform(0.7, 1.5),
    nonUniformity: source.uniform(0.003, 0.01),
    gains: [source.uniform(1.4, 2.2), source.uniform(1.3, 2)],
    whiteBalanceError: [source.normal(0, 0.05), source.normal(0, 0.06)],
    chromaSmoothing: source.uniform() < 0.5 ? source.uniform(0.5, 1.2) : 0,
    exposure: 2 ** source.uniform(-0.8, 0.4),
    saturation: source.uniform(0.85, 1.35),
    contrast: source.uniform(0, 0.7),
    sharpening: { amount: source.uniform() < 0.75 ? source.uniform(0.1, 0.8) : 0, radius: source.uniform(0.6, 1.1) },
    quality: source.integer(90, 98),
  };
};

/**
 * Takes the picture: lens (blur, aberration, vignetting), sensor (Bayer mosaic, noise that grows with light, 12 bits), then what the
 * camera computes: demosaicing, white balance, smoothing of colour noise, saturation, tone curve, sRGB's gamma and sharpening. `light`
 * is linear, and its brightest twentieth is exposed to white; the result has levels 0 .. 255. The JPEG is left to the caller.
 */
export const takePicture = (light: FloatImage, camera: Camera, seed: number): FloatImage => {
  const { width, height } = light;
  const seen = throughLens(light, camera);
  const mosaic = sensorValues(seen, camera, random("sensor", seed));
  const linear = demosaic(mosaic, width, height, camera.pattern, camera.demosaicing);
  const balanced = balance(linear, camera);
  const picture = floatImage(width, height);
  for (let at = 0; at < picture.data.length; at++) picture.data[at] = 255 * toneCurve(balanced.data[at], camera.contrast);
  return sharpen(picture, camera.sharpening);
};

const throughLens = (light: FloatImage, { lensBlur, aberration, vignetting, exposure }: Camera): FloatImage => {
  const { width, height } = light;
  const some = light.data.filter((_, at) => at % 11 === 0).sort();
  const brightest = some[Math.floor(0.95 * (some.length - 1))];
  const scale = (0.85 * exposure) / Math.max(1e-6, brightest);
  const blurred: FloatImage = { width, height, data: gaussianBlur(light.data, width, height, 3, lensBlur) };
  const seen = floatImage(width, height);
  const [middleX, middleY] = [(width - 1) / 2, (height - 1) / 2];
  const corner = middleX ** 2 + middleY ** 2 || 1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = 3 * (y * width + x);
      const [dx, dy] = [x - middleX, y - middleY];
      const fall = scale * (1 - (vignetting * (dx * dx + dy * dy)) / corner);
      seen.data[at] = fall * between(blurred, 0, x - aberration * dx, y - aberration * dy);
      seen.data[at + 1] = fall * blurred.data[at + 1];
      seen.data[at + 2] = fall * between(blurred, 2, x + aberration * dx, y + aberration * dy);
    }
  }
  return seen;
};

/** One channel between pixels, bilinearly; beyond the border it is that of the border. */
const between = ({ width, height, data }: FloatImage, channel: number, x: number, y: number): number => {
  const column = Math.min(width - 2, Math.max(0, Math.floor(x)));
  const row = Math.min(height - 2, Math.max(0, Math.floor(y)));
  const u = Math.min(1, Math.max(0, x - column));
  const v = Math.min(1, Math.max(0, y - row));
  const at = 3 * (row * width + column) + channel;
  const below = at + 3 * width;
  return (1 - v) * ((1 - u) * data[at] + u * data[at + 3]) + v * ((1 - u) * data[below] + u * data[below + 3]);
};

const sensorValues = ({ width, height, data }: FloatImage, camera: Camera, source: Random): Float32Array => {
  const cell = bayerPatterns[camera.pattern];
  const response = [1 / camera.gains[0], 1, 1 / camera.gains[1]];
  return new Float32Array(width * height).map((_, pixel) => {
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    const channel = cell[(y & 1) * 2 + (x & 1)];
    const light = Math.min(1.2, data[3 * pixel + channel]) * response[channel];
    const sensitive = light * (1 + camera.nonUniformity * source.normal());
    const noisy = sensitive + Math.sqrt(camera.shot * Math.max(0, light) + camera.read ** 2) * source.normal();
    return Math.round(Math.min(1, Math.max(-0.05, noisy)) * 4095) / 4095;
  });
};

const balance = ({ width, height, data }: FloatImage, camera: Camera): FloatImage => {
  const factors = [camera.gains[0] * (1 + camera.whiteBalanceError[0]), 1, camera.gains[1] * (1 + camera.whiteBalanceError[1])];
  // What the sensor cannot hold is white in all channels: else it would be tinted by the factors.
  const white = new Float32Array(data.length).map((_, at) => Math.min(1, data[at] * factors[at % 3]));
  const grey = new Float32Array(width * height).map(
    (_, p) => 0.25 * white[3 * p] + 0.65 * white[3 * p + 1] + 0.1 * white[3 * p + 2],
  );
  const differences = white.map((value, at) => value - grey[Math.floor(at / 3)]);
  const smooth = gaussianBlur(differences, width, height, 3, camera.chromaSmoothing);
  return { width, height, data: smooth.map((value, at) => grey[Math.floor(at / 3)] + camera.saturation * value) };
};

/** sRGB's gamma (IEC 61966-2-1), then an S-shaped curve of the given strength. */
const toneCurve = (linear: number, contrast: number): number => {
  const cut = Math.min(1, Math.max(0, linear));
  const encoded = encodedLight(cut);
  const curved = encoded * encoded * (3 - 2 * encoded);
  return encoded + contrast * (curved - encoded);
};

/** Unsharp masking of the luma alone, as cameras do it. Levels 0 .. 255. */
export const sharpen = (picture: FloatImage, { amount, radius }: Camera["sharpening"]): FloatImage => {
  if (amount === 0) return picture;
  const { width, height, data } = picture;
  const bright = new Float32Array(width * height).map((_, p) => (data[3 * p] + 2 * data[3 * p + 1] + data[3 * p + 2]) / 4);
  const soft = gaussianBlur(bright, width, height, 1, radius);
  const sharp = data.map((value, at) => {
    const pixel = Math.floor(at / 3);
    return Math.min(255, Math.max(0, value + amount * (bright[pixel] - soft[pixel])));
  });
  return { width, height, data: sharp };
};
