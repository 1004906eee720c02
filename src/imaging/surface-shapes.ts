import type { Random } from "../random/index.ts";

/** Which points of a pattern a defect covers, and what they look like instead. */
export interface Defect {
  covers(u: number, v: number): boolean;
  colour: Paint;
}

export type Paint = (u: number, v: number) => Shade;

/** Red, green and blue in 0 .. 1. */
export type Shade = readonly [number, number, number];

/** A round piece of the surface turned around its middle, as if cut out and put back wrong. */
export const rotatedPatch = (draw: Random, colour: Paint): Defect => {
  const covers = blob(draw, 15, 20);
  const [x, y] = [draw.uniform(-8, 8), draw.uniform(-8, 8)];
  const turn = draw.uniform(0.5, 1.07);
  const [cosine, sine] = [Math.cos(turn), Math.sin(turn)];
  return { covers, colour: (u, v) => colour(cosine * (u - x) - sine * (v - y) + x, sine * (u - x) + cosine * (v - y) + y) };
};

/** A closed shape with a wavy edge, somewhere in the image. */
export const blob = (draw: Random, smallest: number, largest: number) => {
  const [x, y] = [draw.uniform(-38, 38), draw.uniform(-38, 38)];
  const radius = draw.uniform(smallest, largest);
  const phases = [2, 3, 5].map((waves) => [waves, draw.uniform(0, 2 * Math.PI), draw.uniform(0.03, 0.1)]);
  return (u: number, v: number): boolean => {
    const angle = Math.atan2(v - y, u - x);
    const wave = phases.reduce((sum, [waves, phase, depth]) => sum + depth * Math.sin(waves * angle + phase), 1);
    return Math.hypot(u - x, v - y) < radius * wave;
  };
};

/** The distance of points to a line that wanders through the image. */
export const crookedLine = (draw: Random, pieces: number, length: number) => {
  let direction = draw.uniform(0, 2 * Math.PI);
  const points = [[draw.uniform(-15, 15) - 26 * Math.cos(direction), draw.uniform(-15, 15) - 26 * Math.sin(direction)]];
  for (let piece = 0; piece < pieces; piece++) {
    const [u, v] = points[piece];
    points.push([u + length * Math.cos(direction), v + length * Math.sin(direction)]);
    direction += draw.uniform(-0.5, 0.5);
  }
  return (u: number, v: number): number => {
    let nearest = Number.POSITIVE_INFINITY;
    for (let piece = 0; piece < pieces; piece++) {
      const [x, y] = points[piece];
      const [du, dv] = [points[piece + 1][0] - x, points[piece + 1][1] - y];
      const along = Math.min(1, Math.max(0, ((u - x) * du + (v - y) * dv) / (length * length)));
      nearest = Math.min(nearest, Math.hypot(u - x - along * du, v - y - along * dv));
    }
    return nearest;
  };
};

/** Position within a cell of the given width, -1 .. 1. */
export const cellPosition = (at: number, width: number): number => (modulo(at, width) / width) * 2 - 1;

export const modulo = (value: number, divisor: number): number => value - divisor * Math.floor(value / divisor);

export const scale = ([red, green, blue]: Shade, factor: number): Shade => [red * factor, green * factor, blue * factor];

export const mix = (a: Shade, b: Shade, share: number): Shade => [
  a[0] + share * (b[0] - a[0]),
  a[1] + share * (b[1] - a[1]),
  a[2] + share * (b[2] - a[2]),
];

/** 1 between `low` and `high`, 0 outside, with an edge half a unit wide on either side. */
export const band = (value: number, low: number, high: number): number =>
  Math.min(1, Math.max(0, value - low + 0.5)) * Math.min(1, Math.max(0, high - value + 0.5));
