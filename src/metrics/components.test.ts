import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Connectivity, connectedComponents } from "./components.ts";

/** Spreads the smallest label over neighbours until nothing changes, then numbers the labels in reading order. */
const naiveComponents = (mask: Uint8Array, width: number, connectivity: Connectivity): number[] => {
  const labels = Array.from(mask, (inside, pixel) => (inside ? pixel + 1 : 0));
  const touch = (a: number, b: number): boolean => {
    const dx = Math.abs((a % width) - (b % width));
    const dy = Math.abs(Math.floor(a / width) - Math.floor(b / width));
    return connectivity === 8 ? Math.max(dx, dy) === 1 : dx + dy === 1;
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (let a = 0; a < labels.length; a++) {
      for (let b = 0; b < labels.length; b++) {
        if (!labels[a] || !labels[b] || labels[b] >= labels[a] || !touch(a, b)) continue;
        labels[a] = labels[b];
        changed = true;
      }
    }
  }
  const numbers = [0, ...new Set(labels.filter((label) => label > 0))];
  return labels.map((label) => numbers.indexOf(label));
};

describe("connected components", () => {
  test("agree with a naive spreading of labels", () => {
    const masks = fc
      .tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 7 }))
      .chain(([width, height]) =>
        fc.tuple(
          fc.constant(width),
          fc.constant(height),
          fc.uint8Array({ minLength: width * height, maxLength: width * height, max: 1 }),
        ),
      );
    fc.assert(
      fc.property(masks, fc.constantFrom<Connectivity>(4, 8), ([width, height, mask], connectivity) => {
        const { labels, count } = connectedComponents(mask, width, height, connectivity);
        expect([...labels]).toEqual(naiveComponents(mask, width, connectivity));
        expect(count).toBe(Math.max(0, ...labels));
      }),
    );
  });

  test("corners join with 8, the default, and not with 4; opposite borders never do", () => {
    const diagonal = Uint8Array.of(1, 0, 0, 0, 255, 0, 0, 0, 7);
    expect(connectedComponents(diagonal, 3, 3).count).toBe(1);
    expect(connectedComponents(diagonal, 3, 3, 4).count).toBe(3);
    expect(connectedComponents(Uint8Array.of(0, 0, 1, 1, 0, 0), 3, 2).count).toBe(2);
  });

  test("one region of a million pixels needs no deep stack", () => {
    expect(connectedComponents(new Uint8Array(1_000_000).fill(1), 1000, 1000).count).toBe(1);
  });

  test("refuse sizes that do not fit and other connectivities", () => {
    expect(() => connectedComponents(new Uint8Array(5), 2, 3)).toThrow(/5 pixels.*2 x height 3 is 6/);
    expect(() => connectedComponents(new Uint8Array(6), 2, 3, 6 as Connectivity)).toThrow(/connectivity is 6/);
  });
});
