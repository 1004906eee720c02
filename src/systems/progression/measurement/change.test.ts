import { describe, expect, test } from "vitest";
import {
  changeFactors,
  commonCoverage,
  compareStages,
  featuresOf,
  LUMEN,
  measureVessel,
  type VesselFeatures,
  vesselFeatures,
  WALL,
  yearsBetween,
} from "./index.ts";
import { axialGrid, type ClassAt, labelled, partialVolumes } from "./testing/shapes.ts";

/** A common carotid of radius 3 that divides at z = `at` in branches that lean apart; the internal one, on the left, narrows to `throat`. */
const carotid =
  (at: number, throat: number, wall = 1): ClassAt =>
  (x, y, z) => {
    const spread = Math.max(0, 2.3 + 0.4 * (z - at));
    const internal = 2.5 - (2.5 - throat) * Math.exp(-(((z - at - 6) / 1.5) ** 2));
    const branches =
      z < at - 5.75
        ? [[0, 3]]
        : [
            [spread, internal],
            [-spread, 2.1],
          ];
    const distances = branches.map(([u, radius]) => Math.hypot(x - u, y) - radius);
    const nearest = Math.min(...distances);
    return nearest < 0 ? LUMEN : nearest < wall ? WALL : 0;
  };

const grid = axialGrid(60, 16, 0.5, 2);

describe("bifurcation", () => {
  test("is found between slices, in labels of either direction, and not without one", () => {
    // The gap is 2 (2.3 + 0.4 d) - 2.1 - r(d); with r = 2.5 it closes at d = 0.
    for (const at of [9.3, 10.8, 12.1]) {
      const found = measureVessel(labelled(grid, carotid(at, 2.5))).bifurcation!;
      expect(Math.abs(2 * found - at)).toBeLessThan(0.7);
      const [a, b] = [grid.affine.slice(0, 10), grid.affine[11]];
      const down = { ...grid, affine: [...a, -2, b + 30] as unknown as typeof grid.affine };
      const turned = measureVessel(labelled(down, carotid(at, 2.5)));
      expect(turned.flow).toBe(-1);
      expect(turned.bifurcation).toBeCloseTo(15 - found, 6);
    }
    expect(measureVessel(labelled(grid, carotid(100, 2.5))).bifurcation).toBeNull();
  });

  test("does not move with one slice that misses a lumen", () => {
    const labels = labelled(grid, carotid(10, 2.5));
    const before = measureVessel(labels).bifurcation;
    for (let n = 9 * 3600; n < 10 * 3600; n++) if (n % 60 < 30) labels.data[n] = 0;
    expect(measureVessel(labels).slices[9].lumens).toHaveLength(1);
    expect(measureVessel(labels).bifurcation).toBe(before);
  });
});

describe("stenosis", () => {
  const narrowed = partialVolumes(axialGrid(60, 25, 0.5, 1), carotid(8, 1.5));

  test("is that of the internal carotid against its distal end, by area and by diameter", () => {
    const features = featuresOf(measureVessel(narrowed));
    expect(features.stenosis_diameter).toBeCloseTo(40, 0);
    expect(Math.abs(features.stenosis_area! - 64)).toBeLessThan(1);
    expect(Math.abs(features.lumen_area_minimum! - Math.PI * 1.5 ** 2)).toBeLessThan(0.15);
  });

  test("is as severe as it is: the other branch is not taken for a thread of lumen, or for none", () => {
    const stenosisOf = (shape: ClassAt) =>
      featuresOf(measureVessel(partialVolumes(axialGrid(60, 25, 0.5, 1), shape))).stenosis_diameter!;
    for (const throat of [0.7, 0.5, 0.4]) {
      expect(Math.abs(stenosisOf(carotid(8, throat)) - 100 * (1 - throat / 2.5))).toBeLessThan(5);
    }
    expect(stenosisOf(carotid(8, 0))).toBe(100);
    const closed: ClassAt = (x, y, z) =>
      Math.hypot(x, y) > 4 ? 0 : Math.hypot(x, y) > 3 || Math.abs(z - 10) < 1.2 ? WALL : LUMEN;
    expect(stenosisOf(closed)).toBe(100);
    const path = measureVessel(labelled(axialGrid(60, 25, 0.5, 1), closed)).internalCarotid;
    expect(path.flatMap((lumen, k) => (lumen === "closed" ? [k] : []))).toEqual([9, 10, 11]);
  });

  test("is not measured in slices that lie along the vessel", () => {
    const { affine, ...axial } = labelled(axialGrid(20, 3, 0.5, 1), () => LUMEN);
    const coronal = { ...axial, affine: [0.5, 0, 0, 0, 0, 0, 1, 0, 0, -0.5, 0, 0] as const };
    expect(() => measureVessel(coronal)).toThrow(/slices are coronal, .* axial/);
    expect(measureVessel(coronal, { distal: "first" }).flow).toBe(-1);
    expect(affine).toHaveLength(12);
  });

  test("follows the branch that is given by hand", () => {
    const external = featuresOf(measureVessel(narrowed, { internal: [-5.9, 0, 17] }));
    expect(Math.abs(external.stenosis_diameter!)).toBeLessThan(3);
  });

  test("is null with too few slices", () => {
    const features = featuresOf(measureVessel(labelled(axialGrid(60, 3, 0.5, 1), carotid(8, 1.5))));
    expect(features.stenosis_area).toBeNull();
    expect(features.lumen_area_minimum).toBeGreaterThan(0);
  });
});

describe("two stages", () => {
  test("are compared on what both cover from the bifurcation: a vessel that did not change has no change", () => {
    const [first, second] = [10, 15].map((at) => measureVessel(partialVolumes(grid, carotid(at, 1.8))));
    const coverage = commonCoverage(first, second);
    expect(coverage.high - coverage.low).toBeCloseTo(32 - 5, 0);
    const { changes, first: before } = compareStages(first, second, 2);
    expect(Math.abs(changes.lumen_volume.relative!)).toBeLessThan(0.01);
    expect(Math.abs(changes.wall_volume.relative!)).toBeLessThan(0.01);
    const whole = featuresOf(first).wall_volume! - featuresOf(second).wall_volume!;
    expect(Math.abs(whole)).toBeGreaterThan(0.05 * before.wall_volume!);
  });

  test("a wall that thickens by 0.3 mm in two years thickens by 0.15 mm a year", () => {
    const [first, second] = [1, 1.3].map((wall) => measureVessel(partialVolumes(grid, carotid(10, 2.5, wall))));
    const { changes } = compareStages(first, second, 2);
    expect(Math.abs(changes.wall_thickness_mean.absolute! - 0.15)).toBeLessThan(0.01);
    expect(Math.abs(changes.wall_thickness_mean.relative! - 0.15)).toBeLessThan(0.012);
  });

  test("cannot be compared without a bifurcation, unless it is given by hand", () => {
    const vessel = labelled(grid, carotid(100, 2.5));
    expect(() => commonCoverage(measureVessel(vessel), measureVessel(vessel))).toThrow(/stage 1 .* by hand/);
    const [first, second] = [4, 6].map((bifurcation) => measureVessel(vessel, { bifurcation }));
    expect(commonCoverage(first, second)).toEqual({ low: -9, high: 19 });
  });
});

describe("change factors", () => {
  const features = (value: number | null): VesselFeatures =>
    Object.fromEntries(vesselFeatures.map(({ name }) => [name, value])) as VesselFeatures;

  test("are per year, absolute and relative", () => {
    const { wall_volume } = changeFactors(features(200), features(230), 1.5);
    expect(wall_volume.absolute).toBe(20);
    expect(wall_volume.relative).toBe(0.1);
  });

  test("are null, never infinite, on a baseline of zero or none", () => {
    expect(changeFactors(features(0), features(5), 2).lipid_core_volume).toEqual({ absolute: 2.5, relative: null });
    expect(changeFactors(features(null), features(5), 2).lipid_core_volume).toEqual({ absolute: null, relative: null });
    expect(changeFactors(features(5), features(null), 2).lipid_core_volume).toEqual({ absolute: null, relative: null });
    expect(changeFactors(features(-5), features(-8), 2).stenosis_area).toEqual({ absolute: -1.5, relative: null });
    expect(changeFactors(features(0), features(0), 2).lipid_core_volume).toEqual({ absolute: 0, relative: null });
  });

  test("need time to pass", () => {
    expect(() => changeFactors(features(1), features(1), 0)).toThrow(/more than 0 years/);
    expect(() => yearsBetween(100, 100)).toThrow(/later than stage 1/);
    expect(yearsBetween(0, 1461)).toBe(4);
  });
});
