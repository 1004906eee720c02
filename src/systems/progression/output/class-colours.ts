import type { Rgb } from "../../../report/index.ts";
import { vesselClasses } from "../measurement/index.ts";

/** The golden angle spreads any number of hues, in degrees; a first one far from the vessel's red. */
const STEP = 137.508;
const FIRST = 185;

/** A colour of each class by its number: that of a vessel's class by the name, else a hue of its own. The background, label 0, has none. */
export const classColours = (classes: readonly string[]): readonly (Rgb | undefined)[] =>
  classes.map((name, label) => {
    if (label === 0) return undefined;
    const known = vesselClasses.find((own) => own.name === name);
    return known && "colour" in known ? known.colour : bright(FIRST + STEP * (label - 1));
  });

/** The hue at saturation 0.9 and lightness 0.6. */
const bright = (hue: number): Rgb => {
  const [lightness, chroma] = [0.6, 0.9 * Math.min(0.6, 0.4)];
  const channel = (n: number): number => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (lightness - chroma * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
};
