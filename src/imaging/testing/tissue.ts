import { random } from "../../random/index.ts";
import { createImage, type ImageOf } from "../image.ts";
import { colourOfStains, ruifrokStains, type StainVectors } from "../stains/index.ts";

/** glass: no tissue; stroma: eosin with few nuclei; nuclei: crowded with them. */
export type TissueKind = "glass" | "stroma" | "nuclei";

/**
 * Paints stained tissue for tests: at each pixel the kind that `kindAt` names, from amounts of haematoxylin and eosin, with sensor
 * noise of two levels. Nuclei are discs of radius 3, on a jittered grid of 8 (crowded) or 24 (stroma) pixels.
 */
export const paintTissue = (
  width: number,
  height: number,
  kindAt: (x: number, y: number) => TissueKind,
  { seed = 1, stains = ruifrokStains }: { seed?: number; stains?: StainVectors } = {},
): ImageOf<Uint8Array> => {
  const image = createImage(width, height);
  const noise = random(seed, "noise");
  const inNucleus = (x: number, y: number, spacing: number): boolean => {
    for (let row = Math.floor(y / spacing) - 1; row <= Math.floor(y / spacing) + 1; row++) {
      for (let column = Math.floor(x / spacing) - 1; column <= Math.floor(x / spacing) + 1; column++) {
        const hash = Math.abs(Math.imul(row + 7919 * spacing + seed, 0x9e3779b1) ^ Math.imul(column + 31, 0x85ebca6b));
        const [jitterX, jitterY] = [(hash % 97) / 97, ((hash >>> 8) % 89) / 89];
        if (Math.hypot(x - (column + jitterX) * spacing, y - (row + jitterY) * spacing) <= 3) return true;
      }
    }
    return false;
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const kind = kindAt(x, y);
      const nucleus = kind !== "glass" && inNucleus(x, y, kind === "nuclei" ? 8 : 24);
      const colour =
        kind === "glass"
          ? [244, 243, 244]
          : nucleus
            ? colourOfStains(0.8, 0.1, stains)
            : colourOfStains(0.06, kind === "nuclei" ? 0.2 : 0.3, stains);
      for (let channel = 0; channel < 3; channel++) {
        image.data[(y * width + x) * 3 + channel] = Math.min(255, Math.max(0, Math.round(colour[channel] + noise.normal(0, 2))));
      }
    }
  }
  return image;
};
