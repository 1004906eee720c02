import { describe, expect, test } from "vitest";
import { random } from "../../../random/index.ts";
import { corruptionSchema, type OcclusionOptions } from "./options.ts";
import { drawQuantities } from "./quantities.ts";
import { layRectangles, paint, pixelsOf, type Rectangle, type Size } from "./rectangles.ts";

const occlusionDefaults = corruptionSchema.parse({ kind: "occlusion" }) as OcclusionOptions;

const draw = (size: Size, change: Partial<OcclusionOptions>, ...keys: (number | string)[]) => {
  const options = { ...occlusionDefaults, ...change };
  const quantities = drawQuantities(options, random(...keys));
  return { quantities, rectangles: layRectangles(size, quantities, options) };
};
const seeds = (number: number) => Array.from({ length: number }, (_, seed) => seed);
const areaOf = (rectangles: readonly Rectangle[]) => rectangles.reduce((sum, { width, height }) => sum + width * height, 0);
const coveredBy = (rectangles: readonly Rectangle[], size: Size) =>
  paint(rectangles, size, new Uint8Array(size.width * size.height));

/** Largest deviation of the observed distribution of values in [0, 1] from the uniform one (Kolmogorov-Smirnov). */
const distanceFromUniform = (values: number[]) =>
  Math.max(...values.sort((a, b) => a - b).map((value, rank) => Math.abs(value - (rank + 0.5) / values.length)));

describe("quantities", () => {
  const drawMany = (change: Partial<OcclusionOptions>) =>
    seeds(3000).map((seed) => drawQuantities({ ...occlusionDefaults, ...change }, random("quantities", seed)));

  test("the area ratio is uniform in its range, or fixed", () => {
    const ratios = drawMany({ area: { min: 0.1, max: 0.2 } }).map(({ ratio }) => (ratio - 0.1) / 0.1);
    expect(distanceFromUniform(ratios)).toBeLessThan(0.03);
    expect(new Set(drawMany({ fixed: { ratio: 0.3 } }).map(({ ratio }) => ratio))).toEqual(new Set([0.3]));
  });

  test("the number is uniform in its range, or fixed", () => {
    const numbers = drawMany({ count: { min: 2, max: 5 } }).map(({ shares }) => shares.length);
    for (const number of [2, 3, 4, 5]) expect(numbers.filter((n) => n === number).length / 3000).toBeCloseTo(0.25, 1);
    expect(new Set(numbers).size).toBe(4);
    expect(new Set(drawMany({ fixed: { count: 7 } }).map(({ shares }) => shares.length))).toEqual(new Set([7]));
  });

  test("aspect ratios are uniform in their range, one per rectangle, one per image, or fixed", () => {
    const aspects = drawMany({ fixed: { count: 2 } }).map((quantities) => quantities.aspects);
    expect(distanceFromUniform(aspects.flat().map((aspect) => (aspect - 0.3) / 3))).toBeLessThan(0.03);
    expect(aspects.every(([first, second]) => first !== second)).toBe(true);
    const shared = drawMany({ aspectPer: "image", fixed: { count: 3 } }).map((quantities) => new Set(quantities.aspects));
    expect(shared.every((set) => set.size === 1)).toBe(true);
    expect(distanceFromUniform(shared.map((set) => ([...set][0] - 0.3) / 3))).toBeLessThan(0.03);
    expect(new Set(drawMany({ fixed: { aspect: 2 } }).flatMap((quantities) => quantities.aspects))).toEqual(new Set([2]));
  });

  test("positions are uniform and independent of each other, or fixed", () => {
    const positions = drawMany({ fixed: { count: 2 } }).map((quantities) => quantities.positions);
    for (const axis of [0, 1]) {
      expect(distanceFromUniform(positions.map(([first]) => first[axis]))).toBeLessThan(0.03);
      const product = positions.reduce((sum, [a, b]) => sum + (a[axis] - 0.5) * (b[axis] - 0.5), 0) / positions.length;
      expect(Math.abs(product)).toBeLessThan(0.006);
    }
    const fixed = drawMany({ fixed: { position: [0.25, 0.75] } }).flatMap((quantities) => quantities.positions);
    expect(fixed.every(([x, y]) => x === 0.25 && y === 0.75)).toBe(true);
  });

  test("the area is split into random shares that add up to one", () => {
    const shares = drawMany({ fixed: { count: 2 } }).map((quantities) => quantities.shares);
    for (const [first, second] of shares) expect(first + second).toBeCloseTo(1, 9);
    expect(distanceFromUniform(shares.map(([first]) => first))).toBeLessThan(0.03);
  });
});

describe("rectangles inside the image", () => {
  const sizes = [
    { width: 32, height: 32 },
    { width: 33, height: 57 },
    { width: 90, height: 32 },
    { width: 129, height: 100 },
  ];

  test.each(sizes)("meet the drawn ratio within 2 % of the image under both measures, $width x $height", (size) => {
    const imageArea = size.width * size.height;
    for (const area of [0.01, 0.1, 0.2, 0.6]) {
      for (const seed of seeds(150)) {
        const change: Partial<OcclusionOptions> = {
          area: { min: area, max: area + 0.1 },
          count: { min: 1, max: 50 },
          aspect: { min: 0.02, max: 50 },
        };
        const sum = draw(size, { ...change, measure: "sum" }, seed, area);
        expect(Math.abs(areaOf(sum.rectangles) / imageArea - sum.quantities.ratio)).toBeLessThanOrEqual(0.02);
        const union = draw(size, { ...change, measure: "union" }, seed, area);
        expect(Math.abs(coveredBy(union.rectangles, size) / imageArea - union.quantities.ratio)).toBeLessThanOrEqual(0.02);
        const isInside = ({ left, top, width, height }: Rectangle) =>
          left >= 0 && top >= 0 && width >= 1 && height >= 1 && left + width <= size.width && top + height <= size.height;
        expect([...sum.rectangles, ...union.rectangles].every(isInside)).toBe(true);
      }
    }
  });

  test("in tiny images come as near as whole pixels can, and are never more than the pixels to occlude", () => {
    const size = { width: 9, height: 11 };
    for (const measure of ["sum", "union"] as const) {
      for (const seed of seeds(300)) {
        const { quantities, rectangles } = draw(size, { measure }, seed);
        const area = measure === "sum" ? areaOf(rectangles) : coveredBy(rectangles, size);
        expect(Math.abs(area - quantities.ratio * 99)).toBeLessThan(3);
      }
    }
    expect(draw(size, { fixed: { ratio: 0.02, count: 12 } }, 1).rectangles).toHaveLength(1);
  });

  test("the union measure makes up for overlaps, the sum measure does not", () => {
    const size = { width: 96, height: 96 };
    const shortfall = (measure: "sum" | "union", position?: [number, number]) =>
      seeds(200).map((seed) => {
        const { rectangles } = draw(size, { measure, fixed: { ratio: 0.2, count: 6, position } }, seed);
        return 0.2 - coveredBy(rectangles, size) / size.width / size.height;
      });
    expect(Math.max(...shortfall("sum"))).toBeGreaterThan(0.05);
    expect(Math.max(...shortfall("union"))).toBeLessThan(0.0051);
    expect(Math.max(...shortfall("union", [0.5, 0.5]))).toBeLessThan(0.01); // all on one spot
  });

  test("aspect ratios and random positions of the drawn quantities are really used", () => {
    const size = { width: 120, height: 90 };
    for (const measure of ["sum", "union"] as const) {
      for (const seed of seeds(100)) {
        const { quantities, rectangles } = draw(size, { measure, fixed: { count: 3, ratio: 0.2 } }, seed, "used");
        rectangles.forEach(({ left, top, width, height }, index) => {
          if (Math.min(width, height) > 12) expect(width / height / quantities.aspects[index]).toBeCloseTo(1, 0.7);
          const [x, y] = quantities.positions[index];
          expect(left).toBe(Math.floor(x * (size.width - width + 1)));
          expect(top).toBe(Math.floor(y * (size.height - height + 1)));
        });
      }
    }
  });

  test("every place a square fits in is equally likely", () => {
    const size = { width: 20, height: 20 };
    const visits = new Float64Array(size.width);
    for (const seed of seeds(6000)) {
      const [{ left, width }] = draw(size, { fixed: { ratio: 0.25, count: 1, aspect: 1 } }, "place", seed).rectangles;
      expect(width).toBe(10);
      visits[left]++;
    }
    const expected = 6000 / 11;
    const chiSquare = visits.slice(0, 11).reduce((sum, visit) => sum + (visit - expected) ** 2 / expected, 0);
    expect(chiSquare).toBeLessThan(29.6); // 99.9 % point for 10 degrees of freedom
    expect(visits.slice(11).every((visit) => visit === 0)).toBe(true);
  });

  test("a rectangle longer than the image gives up its aspect ratio and keeps its area", () => {
    const [wide] = draw({ width: 60, height: 60 }, { fixed: { ratio: 0.2, count: 1, aspect: 30 } }, 1).rectangles;
    expect(wide).toMatchObject({ left: 0, width: 60, height: 12 });
    const [tall] = draw({ width: 60, height: 60 }, { fixed: { ratio: 0.2, count: 1, aspect: 1 / 30 } }, 1).rectangles;
    expect(tall).toMatchObject({ top: 0, width: 12, height: 60 });
  });
});

describe("clipped rectangles", () => {
  test("have their corner anywhere in the image and are cut at its border", () => {
    const size = { width: 50, height: 40 };
    const rectangles = seeds(3000).map(
      (seed) => draw(size, { placement: "clip", fixed: { ratio: 0.2, count: 1, aspect: 1 } }, "clip", seed).rectangles[0],
    );
    expect(distanceFromUniform(rectangles.map(({ left }) => (left + 0.5) / 50))).toBeLessThan(0.04);
    expect(distanceFromUniform(rectangles.map(({ top }) => (top + 0.5) / 40))).toBeLessThan(0.04);
    expect(rectangles.every(({ left, top, width, height }) => left + width <= 50 && top + height <= 40)).toBe(true);
    expect(rectangles.filter((rectangle) => areaOf([rectangle]) < 0.18 * 2000).length).toBeGreaterThan(1000);
    expect(Math.max(...rectangles.map((rectangle) => areaOf([rectangle])))).toBe(400);
  });
});

test("pixelsOf lists exactly the pixels that paint sets", () => {
  const rectangle = { left: 2, top: 1, width: 3, height: 2 };
  const mask = new Uint8Array(42);
  paint([rectangle], { width: 7, height: 6 }, mask);
  expect([...pixelsOf(rectangle, 7)]).toEqual([...mask.keys()].filter((pixel) => mask[pixel] === 1));
});
