import type { Random } from "../../../random/index.ts";
import { smoothMinimum } from "./noise.ts";

/** A shape: how deep inside it a point is, in um, positive inside. The point is relative to the shape's centre. */
export type Shape = (x: number, y: number) => number;

/**
 * A rounded outline: an ellipse of mean `radius` and `aspect` (longest to shortest) with waves of 2 to `waves` periods, each of relative
 * height up to `roughness`.
 */
export const blob = (source: Random, radius: number, aspect: number, roughness: number, waves: number): Shape => {
  const turn = source.uniform(0, Math.PI);
  const [cosine, sine] = [Math.cos(turn), Math.sin(turn)];
  const stretch = Math.sqrt(aspect);
  const terms = Array.from({ length: waves - 1 }, (_, index) => ({
    periods: index + 2,
    height: source.uniform(-roughness, roughness),
    phase: source.uniform(0, 2 * Math.PI),
  }));
  const table = Float32Array.from({ length: 129 }, (_, index) => {
    const angle = (index / 128) * 2 * Math.PI;
    return radius * terms.reduce((sum, { periods, height, phase }) => sum + height * Math.cos(periods * angle + phase), 1);
  });
  return (x, y) => {
    const u = (cosine * x + sine * y) / stretch;
    const v = (cosine * y - sine * x) * stretch;
    const at = ((Math.atan2(v, u) / (2 * Math.PI) + 1) % 1) * 128;
    const index = Math.floor(at);
    const reach = table[index] + (table[index + 1] - table[index]) * (at - index);
    return (reach - Math.hypot(u, v)) / (1 + (stretch - 1) * 0.5);
  };
};

export interface Disc {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

/** Discs grown together, with fillets of about `fillet` um where they meet. */
export const discs = (parts: readonly Disc[], fillet: number): Shape => {
  return (x, y) => {
    let outside = Math.hypot(parts[0].x - x, parts[0].y - y) - parts[0].radius;
    for (let index = 1; index < parts.length; index++) {
      const part = parts[index];
      outside = smoothMinimum(outside, Math.hypot(part.x - x, part.y - y) - part.radius, fillet);
    }
    return -outside;
  };
};

/** A line of the given half-width through points. */
export const strand = (points: readonly { readonly x: number; readonly y: number }[], halfWidth: number): Shape => {
  return (x, y) => {
    let nearest = Infinity;
    for (let index = 1; index < points.length; index++) {
      const [from, to] = [points[index - 1], points[index]];
      const [dx, dy] = [to.x - from.x, to.y - from.y];
      const along = Math.min(1, Math.max(0, ((x - from.x) * dx + (y - from.y) * dy) / (dx * dx + dy * dy)));
      nearest = Math.min(nearest, Math.hypot(from.x + along * dx - x, from.y + along * dy - y));
    }
    return halfWidth - nearest;
  };
};

/** Up to `count` discs inside `shape`, at least `wall` um from its border and from each other. */
export const discsInside = (
  source: Random,
  shape: Shape,
  reach: number,
  { count, wall, smallest, largest }: { count: number; wall: number; smallest: number; largest: number },
): Disc[] => {
  const placed: Disc[] = [];
  for (let attempt = 0; attempt < count * 25 && placed.length < count; attempt++) {
    const disc = {
      x: source.uniform(-reach, reach),
      y: source.uniform(-reach, reach),
      radius: source.uniform(smallest, largest),
    };
    const fits =
      shape(disc.x, disc.y) > disc.radius + wall &&
      placed.every((other) => Math.hypot(other.x - disc.x, other.y - disc.y) > other.radius + disc.radius + wall);
    if (fits) placed.push(disc);
  }
  return placed;
};
