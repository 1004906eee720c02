import { expect } from "vitest";
import type { Ring } from "../trace-regions.ts";

type Segment = { readonly ring: number; readonly a: readonly [number, number]; readonly b: readonly [number, number] };

/**
 * That rings, the outer one first, make a valid polygon: each is simple, no two cross or share more than single corners, and all holes lie
 * within the outer ring and outside of each other. By comparing all pairs of sides.
 */
export const expectValid = (rings: readonly Ring[]): void => {
  const segments: Segment[] = rings.flatMap((ring, index) =>
    Array.from({ length: ring.length / 2 }, (_, i) => ({
      ring: index,
      a: [ring[2 * i], ring[2 * i + 1]] as const,
      b: [ring[(2 * i + 2) % ring.length], ring[(2 * i + 3) % ring.length]] as const,
    })),
  );
  const wrong: string[] = [];
  for (const ring of rings) {
    const corners = new Set(Array.from({ length: ring.length / 2 }, (_, i) => `${ring[2 * i]},${ring[2 * i + 1]}`));
    if (corners.size !== ring.length / 2) wrong.push("a ring touches itself");
    if (corners.size < 4) wrong.push("a ring has fewer than four corners");
  }
  for (const [i, one] of segments.entries()) {
    for (const other of segments.slice(i + 1)) {
      if (meetWrongly(one, other)) wrong.push(`${one.a} - ${one.b} meets ${other.a} - ${other.b}`);
    }
  }
  for (const [i, hole] of rings.entries()) {
    if (i === 0) continue;
    for (const [j, ring] of rings.entries()) {
      // The middle of a side lies on no other ring.
      const inside = contains(ring, (hole[0] + hole[2]) / 2, (hole[1] + hole[3]) / 2);
      if (j !== i && inside !== (j === 0)) wrong.push(j === 0 ? "a hole lies outside" : "a hole lies in another");
    }
  }
  expect(wrong).toEqual([]);
};

const turn = (a: readonly number[], b: readonly number[], c: readonly number[]): number =>
  Math.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]));

const same = (a: readonly number[], b: readonly number[]): boolean => a[0] === b[0] && a[1] === b[1];

const between = (a: readonly number[], b: readonly number[], c: readonly number[]): boolean =>
  turn(a, b, c) === 0 &&
  Math.min(a[0], b[0]) <= c[0] &&
  c[0] <= Math.max(a[0], b[0]) &&
  Math.min(a[1], b[1]) <= c[1] &&
  c[1] <= Math.max(a[1], b[1]);

/** Whether two sides share anything but an end of both. */
const meetWrongly = ({ a, b }: Segment, { a: c, b: d }: Segment): boolean => {
  for (const [end, from, to] of [
    [a, c, d],
    [b, c, d],
    [c, a, b],
    [d, a, b],
  ]) {
    if (between(from, to, end) && !same(end, from) && !same(end, to)) return true;
  }
  if ([a, b].every((end) => same(end, c) || same(end, d))) return true;
  return turn(a, b, c) * turn(a, b, d) < 0 && turn(c, d, a) * turn(c, d, b) < 0;
};

const contains = (ring: Ring, x: number, y: number): boolean => {
  let inside = false;
  for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
    const [x0, y0, x1, y1] = [ring[j], ring[j + 1], ring[i], ring[i + 1]];
    if (y0 > y !== y1 > y && x < x0 + ((y - y0) * (x1 - x0)) / (y1 - y0)) inside = !inside;
  }
  return inside;
};
