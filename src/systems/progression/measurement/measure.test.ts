import { describe, expect, test } from "vitest";
import { random } from "../../../random/index.ts";
import { CALCIFICATION, featuresOf, LIPID_CORE, LUMEN, measureVessel, WALL } from "./index.ts";
import { axialGrid, type ClassAt, labelled, partialVolumes } from "./testing/shapes.ts";

const PIXEL = 0.5;

/** How far off, as a part of the truth. */
const error = (measured: number | null, truth: number): number => Math.abs(measured! / truth - 1);

const tube =
  (inner: number, outer: number, centreAt: (z: number) => readonly [number, number]): ClassAt =>
  (x, y, z) => {
    const [u, v] = centreAt(z);
    const radius = Math.hypot(x - u, y - v);
    return radius < inner ? LUMEN : radius < outer ? WALL : 0;
  };

describe("annuli at 0.5 mm", () => {
  test("from partial volumes every measure of a slice is within 2 %, wherever the pixels lie", () => {
    for (let n = 0; n < 12; n++) {
      const stream = random("annulus", n);
      const inner = stream.uniform(1.5, 4);
      const outer = inner + stream.uniform(0.8, 3);
      const centre = [stream.uniform(-0.25, 0.25), stream.uniform(-0.25, 0.25)] as const;
      const [slice] = measureVessel(
        partialVolumes(
          axialGrid(36, 1, PIXEL, 2),
          tube(inner, outer, () => centre),
        ),
      ).slices;
      expect(error(slice.lumenArea, Math.PI * inner ** 2)).toBeLessThan(0.02);
      expect(error(slice.wallArea, Math.PI * (outer ** 2 - inner ** 2))).toBeLessThan(0.02);
      expect(error(slice.wallThicknessMean, outer - inner)).toBeLessThan(0.02);
      expect(error(slice.wallThicknessMaximum, outer - inner)).toBeLessThan(0.02);
      expect(error(slice.normalisedWallIndex, 1 - (inner / outer) ** 2)).toBeLessThan(0.02);
      expect(error(slice.lumens[0].diameter, 2 * inner)).toBeLessThan(0.02);
    }
  });

  test("from labels volumes and mean thickness of a slanting tube are within 2 %, and the normalised wall index", () => {
    for (let n = 0; n < 4; n++) {
      const stream = random("tube", n);
      const inner = stream.uniform(2, 3.5);
      const outer = inner + stream.uniform(1, 2.5);
      const [a, b] = [stream.uniform(0.05, 0.15), stream.uniform(-0.15, -0.05)];
      const shape = tube(inner, outer, (z) => [a * (z - 12), b * (z - 12)]);
      const features = featuresOf(measureVessel(labelled(axialGrid(36, 13, PIXEL, 2), shape)));
      expect(error(features.lumen_volume, Math.PI * inner ** 2 * 26)).toBeLessThan(0.02);
      expect(error(features.wall_volume, Math.PI * (outer ** 2 - inner ** 2) * 26)).toBeLessThan(0.02);
      expect(error(features.wall_thickness_mean, outer - inner)).toBeLessThan(0.02);
      expect(Math.abs(features.wall_thickness_maximum! - (outer - inner))).toBeLessThan(0.75 * PIXEL);
      expect(error(features.normalised_wall_index, 1 - (inner / outer) ** 2)).toBeLessThan(0.02);
    }
  });

  test("an eccentric wall is thickest where it is: of circles e apart, R - r + e", () => {
    const shape: ClassAt = (x, y) => (Math.hypot(x - 0.13, y) < 2.5 ? LUMEN : Math.hypot(x + 1.07, y - 0.2) < 5 ? WALL : 0);
    const [slice] = measureVessel(partialVolumes(axialGrid(36, 1, PIXEL, 2), shape)).slices;
    expect(error(slice.wallThicknessMaximum, 2.5 + Math.hypot(1.2, 0.2))).toBeLessThan(0.02);
  });

  test("a sheared and turned grid measures the same", () => {
    const grid = axialGrid(36, 1, PIXEL, 2);
    const straight = measureVessel(
      partialVolumes(
        grid,
        tube(2.7, 4.4, () => [0.1, 0.2]),
      ),
    );
    const [cosine, sine] = [Math.cos(0.4), Math.sin(0.4)];
    const turned = {
      ...partialVolumes(
        grid,
        tube(2.7, 4.4, () => [0.1, 0.2]),
      ),
    };
    const affine = [cosine * PIXEL, -sine * PIXEL, 0, 7, sine * PIXEL, cosine * PIXEL, 0, -3, 0, 0, 2, 50] as const;
    const again = measureVessel({ ...turned, affine });
    expect(again.slices[0].wallThicknessMean).toBeCloseTo(straight.slices[0].wallThicknessMean!, 6);
    expect(again.slices[0].lumenArea).toBeCloseTo(straight.slices[0].lumenArea, 6);
  });
});

describe("spheres at 0.5 mm", () => {
  test("volumes of a spherical lumen in a spherical wall are within 2 %, of a core in it too from partial volumes", () => {
    const ball: ClassAt = (x, y, z) => {
      const radius = Math.hypot(x - 0.1, y + 0.17, z - 7.56);
      if (Math.hypot(x - 0.1, y - 4.83, z - 7.7) < 1.7) return LIPID_CORE;
      return radius < 3 ? LUMEN : radius < 7 ? WALL : 0;
    };
    const volume = (radius: number): number => (4 / 3) * Math.PI * radius ** 3;
    const grid = axialGrid(34, 31, PIXEL, PIXEL);
    for (const vessel of [labelled(grid, ball), partialVolumes(grid, ball)]) {
      const features = featuresOf(measureVessel(vessel), { low: -1, high: 100 });
      const forCore = "fractions" in vessel ? 0.02 : 0.05;
      expect(error(features.lumen_volume, volume(3))).toBeLessThan(0.02);
      expect(error(features.wall_volume, volume(7) - volume(3))).toBeLessThan(0.02);
      expect(error(features.lipid_core_volume, volume(1.7))).toBeLessThan(forCore);
      expect(error(features.lipid_core_share, (100 * volume(1.7)) / (volume(7) - volume(3)))).toBeLessThan(forCore);
    }
  });
});

describe("caps and cores", () => {
  const withCore =
    (cap: number): ClassAt =>
    (x, y) => {
      const radius = Math.hypot(x, y);
      if (radius < 2.5) return LUMEN;
      if (Math.hypot(x - 2.5 - cap - 1, y) < 1) return LIPID_CORE;
      if (Math.hypot(x + 4.2, y) < 0.8) return CALCIFICATION;
      return radius < 5.5 ? WALL : 0;
    };

  test("the cap is as thick as the wall between lumen and core at its thinnest", () => {
    for (const cap of [0.6, 1]) {
      const [slice] = measureVessel(partialVolumes(axialGrid(36, 1, PIXEL, 2), withCore(cap))).slices;
      expect(Math.abs(slice.capThicknessMinimum! - cap)).toBeLessThan(0.05);
      expect(error(slice.lipidCoreArea, Math.PI)).toBeLessThan(0.02);
      expect(error(slice.calcificationArea, 0.64 * Math.PI)).toBeLessThan(0.02);
    }
    const [slice] = measureVessel(labelled(axialGrid(36, 1, PIXEL, 2), withCore(1))).slices;
    expect(Math.abs(slice.capThicknessMinimum! - 1)).toBeLessThan(0.25);
  });

  test("without a core there is no cap thickness, and without a lumen no wall thickness", () => {
    const features = featuresOf(
      measureVessel(
        labelled(
          axialGrid(36, 1, PIXEL, 2),
          tube(2, 4, () => [0, 0]),
        ),
      ),
    );
    expect(features.cap_thickness_minimum).toBeNull();
    expect(features.lipid_core_volume).toBe(0);
    const empty = featuresOf(measureVessel(labelled(axialGrid(8, 2, PIXEL, 2), () => 0)));
    expect(Object.values(empty).every((value) => value === null)).toBe(true);
    const [occluded] = measureVessel(labelled(axialGrid(36, 1, PIXEL, 2), (x, y) => (Math.hypot(x, y) < 4 ? WALL : 0))).slices;
    expect(occluded).toMatchObject({ wallThicknessMean: null, normalisedWallIndex: 1, lumens: [] });
  });
});

describe("measureVessel", () => {
  test("says which label is no class, and what does not fit", () => {
    const labels = labelled(axialGrid(4, 2, PIXEL, 2), (_x, _y, z) => (z > 1 ? 9 : 0));
    expect(() => measureVessel(labels)).toThrow(/label 9 at column 0, row 0, slice 1 .*6 fibrous cap/);
    expect(() => measureVessel({ ...axialGrid(4, 2, PIXEL, 2), fractions: [] })).toThrow(/0 classes .* there are 7/);
    const good = labelled(axialGrid(4, 2, PIXEL, 2), () => 0);
    expect(() => measureVessel(good, { bifurcation: 5 })).toThrow(/slice 5, but the volume has the slices 0 to 1/);
  });
});
