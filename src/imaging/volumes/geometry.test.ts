import { describe, expect, test } from "vitest";
import { random } from "../../random/index.ts";
import type { Vector3 } from "../matrix3.ts";
import {
  type Affine,
  applyAffine,
  centreOf,
  composeAffine,
  createVolume,
  croppedVolume,
  identityAffine,
  invertAffine,
  isSameGrid,
  labelsOf,
  lpsFromRas,
  orientationOf,
  pixelAreaOf,
  rasFromLps,
  reoriented,
  resampleLabels,
  resampleVolume,
  respacedGrid,
  spacingOf,
  voxelVolumeOf,
} from "./index.ts";
import { filled, linearField, turnedAffine } from "./testing/phantom.ts";

const affine = turnedAffine([0.1, -0.25, 0.4], [0.5, 0.75, 2], [-12, 30, 5]);
const volume = filled({ width: 8, height: 7, slices: 5, affine }, linearField);

/** The largest difference between values and a function of their patient coordinates. */
const misplaced = (of: typeof volume, value: (point: Vector3) => number): number => {
  const should = filled(of, value);
  return Math.max(...of.data.map((v, n) => Math.abs(v - should.data[n])));
};

describe("an affine", () => {
  test("undone is the identity", () => {
    const back = composeAffine(invertAffine(affine), affine);
    expect(Math.max(...back.map((v, i) => Math.abs(v - identityAffine[i])))).toBeLessThan(1e-12);
    expect(() => invertAffine([1, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0])).toThrow("do not span space");
  });

  test("composed applies the first, then the second", () => {
    const other = turnedAffine([1, 0.2, -0.3], [1, 2, 3], [4, 5, 6]);
    const point: Vector3 = [1, -2, 3];
    const [a, b] = [applyAffine(composeAffine(other, affine), point), applyAffine(other, applyAffine(affine, point))];
    expect(Math.max(...a.map((v, i) => Math.abs(v - b[i])))).toBeLessThan(1e-12);
  });

  test("of RAS becomes LPS by turning x and y round, and back", () => {
    const [x, y, z] = applyAffine(affine, [3, 2, 1]);
    expect(applyAffine(lpsFromRas(affine), [3, 2, 1])).toEqual([-x, -y, z]);
    expect(rasFromLps(lpsFromRas(affine))).toEqual(affine);
  });
});

describe("a grid", () => {
  test("has its measures in millimetres", () => {
    expect(spacingOf(volume).map((mm) => mm.toFixed(9))).toEqual(["0.500000000", "0.750000000", "2.000000000"]);
    expect(voxelVolumeOf(volume)).toBeCloseTo(0.75, 12);
    expect(pixelAreaOf(volume)).toBeCloseTo(0.375, 12);
  });

  test("of another spacing covers the same box", () => {
    const grid = respacedGrid(volume, [1, 0.25, 1]);
    expect([grid.width, grid.height, grid.slices]).toEqual([4, 21, 10]);
    for (const [before, after] of [
      [
        [-0.5, -0.5, -0.5],
        [-0.5, -0.5, -0.5],
      ],
      [
        [7.5, 6.5, 4.5],
        [3.5, 20.5, 9.5],
      ],
    ] as const) {
      const [p, q] = [applyAffine(volume.affine, before), applyAffine(grid.affine, after)];
      expect(Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2])).toBeLessThan(1e-12);
    }
    expect(Math.hypot(...centreOf(grid).map((v, i) => v - centreOf(volume)[i]))).toBeLessThan(1e-12);
  });

  test("that cannot be is refused", () => {
    expect(() => createVolume({ ...volume, width: 100_000, height: 100_000, slices: 100_000 }, volume.data)).toThrow("the limit");
    expect(() => createVolume({ ...volume, width: 0 }, volume.data)).toThrow("positive whole number");
    expect(() => createVolume({ ...volume, width: 9 }, volume.data)).toThrow("315 values, not 280");
    expect(() => createVolume({ ...volume, affine: new Array(12).fill(1) as unknown as Affine }, volume.data)).toThrow(
      "span space",
    );
  });

  test("is the same within a tolerance at every corner", () => {
    const moved = { ...volume, affine: composeAffine(affine, [1.001, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]) };
    expect(isSameGrid(volume, moved)).toBe(false);
    expect(isSameGrid(volume, moved, 0.01)).toBe(true);
    expect(isSameGrid(volume, { ...volume, slices: 4 })).toBe(false);
  });
});

describe("an orientation", () => {
  const all = ["LR", "PA", "SI"];
  const orders = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ];
  const orientations = orders.flatMap((order) =>
    Array.from({ length: 8 }, (_, bits) => order.map((axis, i) => all[axis][(bits >> i) & 1]).join("")),
  );

  test("of axial slices is LPS", () => {
    expect(orientationOf(volume)).toBe("LPS");
    expect(orientationOf({ ...volume, affine: [0, 0, 3, 0, 1, 0, 0, 0, 0, -1, 0, 0] })).toBe("PIL");
  });

  test("is changed in all 48 ways while every value stays where it is in the patient", () => {
    expect(new Set(orientations).size).toBe(48);
    for (const orientation of orientations) {
      const turned = reoriented(volume, orientation);
      expect(orientationOf(turned)).toBe(orientation);
      expect(misplaced(turned, linearField)).toBeLessThan(1e-4);
      const back = reoriented(turned, "LPS");
      expect(back.data).toEqual(volume.data);
      expect(isSameGrid(back, volume, 1e-9)).toBe(true);
    }
  });

  test("that names an axis twice is refused", () => {
    for (const wrong of ["LLS", "LP", "LRS", "lps", ""]) expect(() => reoriented(volume, wrong)).toThrow("An orientation names");
  });
});

describe("resampling", () => {
  test("on its own grid changes nothing", () => {
    expect(resampleVolume(volume, volume).data).toEqual(volume.data);
  });

  test("keeps what is linear in patient coordinates, on any grid inside", () => {
    const inside = { width: 5, height: 5, slices: 4, affine: turnedAffine([0.3, -0.1, 0.9], [0.3, 0.3, 0.8], centreOf(volume)) };
    expect(misplaced(resampleVolume(volume, inside), linearField)).toBeLessThan(1e-3);
  });

  test("follows a transform from the new coordinates to the volume's", () => {
    const transform: Affine = [1, 0, 0, 0.2, 0, 1, 0, -0.1, 0, 0, 1, 0.3];
    const inside = croppedVolume(volume, [2, 2, 1], { width: 3, height: 3, slices: 2 });
    const moved = resampleVolume(volume, inside, { transform });
    expect(misplaced(moved, (point) => linearField(applyAffine(transform, point)))).toBeLessThan(1e-3);
  });

  test("gives the nearest voxel within half a voxel of the outermost, and what is asked for beyond", () => {
    const line = createVolume({ width: 3, height: 1, slices: 1, affine: identityAffine }, Float32Array.of(1, 2, 4));
    const at = (x: number): number =>
      resampleVolume(line, { ...line, width: 1, affine: [1, 0, 0, x, 0, 1, 0, 0, 0, 0, 1, 0] }, { outside: -9 }).data[0];
    expect([-0.51, -0.5, -0.2, 0, 0.5, 1.5, 2, 2.5, 2.51].map(at)).toEqual([-9, 1, 1, 1, 1.5, 3, 4, 4, -9]);
  });

  test("gives labels the class of the voxel that they lie in, never one between", () => {
    const rng = random("resampled labels", 1);
    const labels = createVolume(
      volume,
      Uint8Array.from(volume.data, () => (rng.uniform(0, 1) < 0.5 ? 1 : 5)),
    );
    const fine = resampleLabels(labels, respacedGrid(labels, [0.25, 0.25, 1]));
    expect([fine.width, fine.height, fine.slices]).toEqual([16, 21, 10]);
    for (let n = 0; n < fine.data.length; n++) {
      const [i, j, k] = [n % 16, Math.floor(n / 16) % 21, Math.floor(n / 336)];
      expect(fine.data[n]).toBe(labels.data[(Math.floor(k / 2) * 7 + Math.floor(j / 3)) * 8 + Math.floor(i / 2)]);
    }
    expect(resampleLabels(fine, labels).data).toEqual(labels.data);
  });
});

test("a part of a volume stays where it is in the patient", () => {
  const part = croppedVolume(volume, [1, 2, 3], { width: 4, height: 3, slices: 2 });
  expect(misplaced(part, linearField)).toBeLessThan(1e-4);
  expect(() => croppedVolume(volume, [5, 0, 0], { width: 4, height: 3, slices: 2 })).toThrow("is not inside 8 x 7 x 5");
});

test("values become classes where they are whole numbers", () => {
  const of = (...values: number[]) =>
    createVolume({ width: values.length, height: 1, slices: 1, affine }, Float32Array.from(values));
  expect(labelsOf(of(0, 255, 3)).data).toEqual(Uint8Array.of(0, 255, 3));
  expect(labelsOf(of(0, 256, -1)).data).toEqual(Int16Array.of(0, 256, -1));
  expect(() => labelsOf(of(0, 1, Number.NaN))).toThrow("its value NaN at column 2, row 0, slice 0");
  expect(() => labelsOf(of(0, 40_000))).toThrow("40000");
});
