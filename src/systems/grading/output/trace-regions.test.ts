import { describe, expect, test } from "vitest";
import { connectedComponents } from "../../../metrics/index.ts";
import { random } from "../../../random/index.ts";
import { simplifyOutline } from "./simplify-outline.ts";
import { drawn } from "./testing/made-up.ts";
import { expectValid } from "./testing/polygons.ts";
import { type Region, type Ring, signedArea, traceRegions } from "./trace-regions.ts";

const traced = (map: ReturnType<typeof drawn>, label = 3): Region[] =>
  traceRegions(map.data, map.width, map.height, (found) => found === label);

const corners = (ring: Ring): string =>
  Array.from({ length: ring.length / 2 }, (_, i) => `${ring[2 * i]},${ring[2 * i + 1]}`).join(" ");

const ringsOf = ({ outer, holes }: Region): Ring[] => [outer, ...holes];

test("a rectangle has four corners, its area positive", () => {
  const [region] = traced(drawn("....", ".33.", ".33.", ".33."));
  expect(corners(region.outer)).toBe("1,1 3,1 3,4 1,4");
  expect([region.area, signedArea(region.outer), region.holes.length]).toEqual([6, 6, 0]);
});

test("a ring has a hole, and the island in it is a region of its own", () => {
  const [ring, island, ...others] = traced(drawn("3333333", "3.....3", "3.333.3", "3.3.3.3", "3.333.3", "3.....3", "3333333"));
  expect(others).toEqual([]);
  expect([ring.area, ring.holes.map(signedArea)]).toEqual([24, [-25]]);
  expect([island.area, island.holes.map(signedArea)]).toEqual([8, [-1]]);
  expect(corners(island.holes[0])).toBe("3,3 3,4 4,4 4,3");
});

test("regions that touch in a corner are two", () => {
  const regions = traced(drawn("33..", "33..", "..33", "..33"));
  expect(regions.map(({ outer }) => corners(outer))).toEqual(["0,0 2,0 2,2 0,2", "2,2 4,2 4,4 2,4"]);
});

test("holes that touch in a corner are two, and so is a bay whose mouth closes in a corner", () => {
  const [holes] = traced(drawn("3333", "3.33", "33.3", "3333"));
  expect(holes.holes.map(corners).sort()).toEqual(["1,1 1,2 2,2 2,1", "2,2 2,3 3,3 3,2"]);
  const [bay] = traced(drawn(".333", "3.33", "3333", "3333"));
  expect(bay.holes.map(corners)).toEqual(["1,1 1,2 2,2 2,1"]);
  const [pinched] = traced(drawn("333", "3.3", "33.", "333")); // the hole opens in a corner to the right
  expect(pinched.holes.map(corners)).toEqual(["2,2 2,1 1,1 1,2"]);
  expect([pinched.area, signedArea(pinched.outer)]).toEqual([10, 11]);
});

describe("random maps", () => {
  const maps = Array.from({ length: 60 }, (_, i) => {
    const rng = random("traced map", i);
    const [width, height] = [rng.integer(1, 24), rng.integer(1, 24)];
    const labels = 2 + (i % 3);
    const data = Uint8Array.from({ length: width * height }, () => rng.integer(0, labels));
    // Half of them in lumps: a pixel takes over its left or upper neighbour's label.
    if (i % 2 === 0) {
      for (let p = width; p < data.length; p++) {
        const draw = rng.uniform(0, 1);
        if (draw < 0.7) data[p] = data[draw < 0.35 ? p - 1 : p - width];
      }
    }
    return { width, height, data };
  });

  test.each([0, 1, 2])("regions are the 4-connected components, exactly and validly", (part) => {
    for (const { width, height, data } of maps.filter((_, i) => i % 3 === part)) expectExact(width, height, data);
  });

  const expectExact = (width: number, height: number, data: Uint8Array): void => {
    const regions = traceRegions(data, width, height, () => true);
    for (const label of new Set(data)) {
      const mask = data.map((value) => (value === label ? 1 : 0));
      const { labels, count } = connectedComponents(mask, width, height, 4);
      const areas = new Array<number>(count).fill(0);
      for (const component of labels) if (component > 0) areas[component - 1]++;
      const own = regions.filter((region) => region.label === label);
      expect(own.map(({ area }) => area)).toEqual(areas); // both in the order of their first pixels
    }
    for (const region of regions) {
      expect(ringsOf(region).reduce((sum, ring) => sum + signedArea(ring), 0)).toBe(region.area);
      expectValid(ringsOf(region));
    }
  };

  test.each([0, 1, 2])("simplified outlines stay valid and near", (part) => {
    for (const { width, height, data } of maps.filter((_, i) => i % 3 === part)) expectNear(width, height, data);
  });

  const expectNear = (width: number, height: number, data: Uint8Array): void => {
    for (const region of traceRegions(data, width, height, () => true)) {
      const rings = ringsOf(region);
      for (const tolerance of [0.8, 1.5, 4]) {
        const simpler = simplifyOutline(rings, tolerance);
        expectValid(simpler);
        for (const [i, ring] of simpler.entries()) {
          expect(Math.sign(signedArea(ring))).toBe(i === 0 ? 1 : -1);
          expect(distance(rings[i], ring)).toBeLessThanOrEqual(tolerance + 1e-9);
        }
      }
    }
  };
});

test("what is smaller than the limit is left out: regions and holes", () => {
  const map = drawn("33333.3", "3.333..", "3333333", "3..33.3", "3..3333", "3333333");
  const regions = traceRegions(map.data, map.width, map.height, (label) => label === 3, 2);
  expect(regions.map(({ area, holes }) => [area, holes.map(signedArea)])).toEqual([[32, [-4]]]);
});

test("a disc of staircases needs far fewer corners within a pixel", () => {
  const side = 101;
  const data = Uint8Array.from({ length: side * side }, (_, p) =>
    Math.hypot((p % side) - 50, Math.floor(p / side) - 50) < 45 ? 1 : 0,
  );
  const [disc] = traceRegions(data, side, side, (label) => label === 1);
  const [simpler] = simplifyOutline([disc.outer], 1);
  expect(simpler.length).toBeLessThan(disc.outer.length / 4);
  expect(signedArea(simpler) / disc.area).toBeCloseTo(1, 1);
  expect(simplifyOutline([disc.outer], 0)).toEqual([disc.outer]);
});

/** How far the corners of one ring lie from another at most. */
const distance = (ring: Ring, other: Ring): number => {
  let farthest = 0;
  for (let i = 0; i < ring.length; i += 2) {
    let nearest = Number.POSITIVE_INFINITY;
    for (let j = 0; j < other.length; j += 2) {
      const [ax, ay, cx, cy] = [other[j], other[j + 1], other[(j + 2) % other.length], other[(j + 3) % other.length]];
      const [dx, dy] = [cx - ax, cy - ay];
      const t = Math.min(1, Math.max(0, ((ring[i] - ax) * dx + (ring[i + 1] - ay) * dy) / (dx * dx + dy * dy)));
      nearest = Math.min(nearest, Math.hypot(ring[i] - ax - t * dx, ring[i + 1] - ay - t * dy));
    }
    farthest = Math.max(farthest, nearest);
  }
  return farthest;
};
