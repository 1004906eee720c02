import { random } from "../../../random/index.ts";

/** How a slide was stained and scanned. */
export interface Staining {
  /** Unit vectors of optical density (red, green, blue) of the two stains. */
  readonly haematoxylin: readonly [number, number, number];
  readonly eosin: readonly [number, number, number];
  /** Factors on the two concentrations. */
  readonly haematoxylinStrength: number;
  readonly eosinStrength: number;
  /** What the scanner shows where there is nothing, 0 .. 255; exact in 32 bits. */
  readonly white: readonly [number, number, number];
}

/**
 * The staining of a slide: directions around those measured in H&E sections, strengths and hues as they differ between laboratories
 * (part of it the patient's, whose slides are stained on one day) and the scanner's white.
 */
export const staining = (seed: number, patient: number): Staining => {
  const day = random("phantom staining", patient);
  const slide = random("phantom staining of slide", seed);
  const turned = (vector: readonly number[], spread: number): [number, number, number] => {
    const moved = vector.map((value) => Math.max(0.02, value + day.normal(0, spread)));
    const length = Math.hypot(...moved);
    return [moved[0] / length, moved[1] / length, moved[2] / length];
  };
  const level = day.uniform(234, 249);
  return {
    haematoxylin: turned([0.62, 0.7, 0.35], 0.045),
    eosin: turned([0.13, 0.94, 0.3], 0.055),
    haematoxylinStrength: day.uniform(0.75, 1.4) * slide.uniform(0.93, 1.07),
    eosinStrength: day.uniform(0.6, 1.2) * slide.uniform(0.93, 1.07),
    white: [
      Math.fround(level + day.uniform(-4, 4)),
      Math.fround(level + day.uniform(-3, 3)),
      Math.fround(level + day.uniform(-4, 4)),
    ],
  };
};

/**
 * Colours of `count` pixels from concentrations, by the law of Beer and Lambert: I = white exp(-(H h + E e)). Writes red, green and blue
 * planes of `count` values each into `colours`; concentrations are `[count]`.
 */
export const stain = (
  { haematoxylin: h, eosin: e, haematoxylinStrength, eosinStrength, white }: Staining,
  haematoxylin: Float32Array,
  eosin: Float32Array,
  colours: Float32Array,
): void => {
  const count = haematoxylin.length;
  for (let channel = 0; channel < 3; channel++) {
    const fromBlue = h[channel] * haematoxylinStrength * perDensity;
    const fromPink = e[channel] * eosinStrength * perDensity;
    const bright = white[channel];
    const plane = channel * count;
    for (let index = 0; index < count; index++) {
      const density = fromBlue * haematoxylin[index] + fromPink * eosin[index];
      colours[plane + index] = bright * transmittance[Math.min(densest, Math.max(0, Math.round(density)))];
    }
  }
};

/** exp(-density) in steps of 1/2048 up to a density of 8. */
const perDensity = 2048;
const densest = 8 * perDensity - 1;
const transmittance = Float32Array.from({ length: 8 * perDensity }, (_, index) => Math.exp(-index / perDensity));
