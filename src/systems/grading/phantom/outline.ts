import { random } from "../../../random/index.ts";
import { noiseField, smoothMinimum } from "./noise.ts";

/** What the tissue on a slide is: needle biopsy cores, or one piece of a prostatectomy. */
export type TissueKind = "cores" | "piece";

/** How deep inside the tissue a point is, in um; negative on glass. */
export type Depth = (x: number, y: number) => number;

/**
 * The outline of the tissue on a slide of `width` x `height` um: long, gently bent strips (real cores are 0.7 to 1 mm wide; on small
 * slides they are thinner, so that two fit), or one irregular piece.
 */
export const outline = (seed: number, kind: TissueKind, width: number, height: number): Depth => {
  const smooth = kind === "cores" ? cores(seed, width, height) : piece(seed, width, height);
  const uneven = noiseField(seed, "outline", 70);
  const rough = noiseField(seed, "edge", 18);
  return (x, y) => smooth(x, y) + 9 * uneven(x, y) + 4 * rough(x, y);
};

const cores = (seed: number, width: number, height: number): Depth => {
  const source = random("phantom outline", seed);
  const upright = source.uniform() < 0.5;
  const [along, across] = upright ? [height, width] : [width, height];
  const tilt = source.uniform(-0.12, 0.12) * Math.min(1, across / along);
  const coreWidth = Math.min(source.uniform(700, 1000), across * source.uniform(0.3, 0.38));
  const count = Math.max(1, Math.min(Math.floor(across / (1.25 * coreWidth)), source.integer(2, 12)));
  const spacing = across / count;
  const strips = Array.from({ length: count }, (_, index) => ({
    middle: (index + 0.5) * spacing - across / 2 + source.uniform(-0.06, 0.06) * spacing,
    bend: source.uniform(-0.5, 0.5) * (spacing - coreWidth),
    wave: source.uniform(0.7, 1.6) * along,
    phase: source.uniform(0, 2 * Math.PI),
    halfWidth: (coreWidth / 2) * source.uniform(0.85, 1.1),
    width: noiseField(seed, `core ${index}`, 1.5 * coreWidth),
    first: -along * source.uniform(0.42, 0.49),
    last: along * source.uniform(0.42, 0.49),
  }));
  const [cosine, sine] = [Math.cos(tilt), Math.sin(tilt)];
  return (x, y) => {
    const [fromX, fromY] = upright ? [y - height / 2, x - width / 2] : [x - width / 2, y - height / 2];
    const u = cosine * fromX + sine * fromY;
    const v = cosine * fromY - sine * fromX;
    let deepest = -Infinity;
    for (let index = 0; index < strips.length; index++) {
      const { middle, bend, wave, phase, halfWidth, width, first, last } = strips[index];
      const offset = Math.abs(v - middle - 0.5 * bend * Math.sin((2 * Math.PI * u) / wave + phase));
      const side = halfWidth * (1 + 0.18 * width(u, 0.5 * coreWidth)) - offset;
      deepest = Math.max(deepest, smoothMinimum(side, Math.min(u - first, last - u), halfWidth * 0.6));
    }
    return deepest;
  };
};

const piece = (seed: number, width: number, height: number): Depth => {
  const source = random("phantom outline", seed);
  const radiusX = width * source.uniform(0.4, 0.5);
  const radiusY = height * source.uniform(0.4, 0.5);
  const centreX = width * source.uniform(0.46, 0.54);
  const centreY = height * source.uniform(0.46, 0.54);
  const scale = Math.min(radiusX, radiusY);
  const bulge = noiseField(seed, "bulge", 0.7);
  return (x, y) => {
    const u = (x - centreX) / radiusX;
    const v = (y - centreY) / radiusY;
    const distance = Math.hypot(u, v);
    const reach = 0.9 + 0.3 * bulge(u / (distance + 0.05), v / (distance + 0.05));
    return (reach - distance) * scale;
  };
};
