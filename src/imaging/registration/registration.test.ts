import { describe, expect, test } from "vitest";
import type { Vector3 } from "../matrix3.ts";
import {
  type Affine,
  affineOf,
  createVolume,
  type Grid,
  identityAffine,
  type LabelVolume,
  linearOf,
  type Volume,
} from "../volumes/index.ts";
import { turnedAffine } from "../volumes/testing/phantom.ts";
import {
  displacementBetween,
  type RegistrationProgress,
  registeredVolume,
  registerVolumes,
  registrationPicture,
} from "./index.ts";
import { head, T1, T2 } from "./testing/phantom.ts";

const gridOf = (
  [width, height, slices]: Vector3,
  spacing: Vector3,
  angles: Vector3 = [0, 0, 0],
  middle: Vector3 = [0, 0, 0],
): Grid => {
  const linear = linearOf(turnedAffine(angles, spacing, [0, 0, 0]));
  const half = [(width - 1) / 2, (height - 1) / 2, (slices - 1) / 2];
  const origin = linear.map((row, n) => middle[n] - row[0] * half[0] - row[1] * half[1] - row[2] * half[2]);
  return { width, height, slices, affine: affineOf(linear, origin as unknown as Vector3) };
};

const turned = (degrees: Vector3, shift: Vector3): Affine =>
  turnedAffine(degrees.map((one) => (one * Math.PI) / 180) as unknown as Vector3, [1, 1, 1], shift);

const fixedGrid = gridOf([56, 68, 46], [2.6, 2.6, 3]);
const fixed = head(fixedGrid, T1);
/** Oblique, of other voxels. */
const movingGrid = gridOf([60, 64, 40], [2.4, 2.8, 3.5], [0.1, -0.05, 0.15], [4, -3, 2]);
const headMask = createVolume(
  fixedGrid,
  Uint8Array.from(head(fixedGrid, T1, identityAffine, 0).data, (value) => (value > 5 ? 1 : 0)),
);
const error = (found: Affine, truth: Affine): number => displacementBetween(found, truth, fixedGrid, headMask).mean;

const far = turned([6, -9, 17], [14, -11, 8]);
const farMoving = head(movingGrid, T2, far);

describe("a head of another contrast, elsewhere", () => {
  test("is found rigidly, and stays rigid", async () => {
    const seen: RegistrationProgress[] = [];
    const found = await registerVolumes(fixed, farMoving, { onProgress: (one) => seen.push(one) });
    expect(error(identityAffine, far)).toBeGreaterThan(15);
    expect(error(found.transform, far)).toBeLessThan(0.3);
    const linear = linearOf(found.transform);
    for (const [i, p] of linear.entries()) {
      for (const [j, q] of linear.entries()) expect(p[0] * q[0] + p[1] * q[1] + p[2] * q[2]).toBeCloseTo(i === j ? 1 : 0, 12);
    }
    expect(found.quality).toMatchObject({ warnings: [], trusted: true });
    expect(found.quality.after.normalised).toBeGreaterThan(found.quality.before.normalised + 0.05);
    expect(found.quality.inconsistency).toBeLessThan(0.5);
    expect(new Set(seen.map(({ level }) => level))).toEqual(new Set(Array.from({ length: seen[0].levels }, (_, n) => n + 1)));

    const picture = registrationPicture(fixed, farMoving, found.transform);
    expect(picture.data.some((value, at) => at % 3 === 0 && value === 255 && picture.data[at + 1] === 160)).toBe(true);
    const back = registeredVolume(fixed, farMoving, found);
    expect(correlation(back, head(fixedGrid, T2, identityAffine, 0))).toBeGreaterThan(0.95);
  });

  test("that grew is found by an affine transform only", async () => {
    const grown = turned([4, 5, -6], [5, 7, -4]).map((value, n) => value * [1.06, 0.97, 1.03, 1][n % 4]) as unknown as Affine;
    const moving = head(movingGrid, T2, grown);
    const options = { checkBackward: false };
    const [rigid, affine] = [
      await registerVolumes(fixed, moving, options),
      await registerVolumes(fixed, moving, { ...options, kind: "affine" }),
    ];
    expect(error(rigid.transform, grown)).toBeGreaterThan(0.8);
    expect(error(affine.transform, grown)).toBeLessThan(0.4);
    expect(affine.quality.stretches[0]).toBeCloseTo(1.06, 2);
    expect(affine.quality.stretches[2]).toBeCloseTo(0.97, 2);
  });
});

test("the same input gives the same bits; another seed, nearly the same place", async () => {
  const options = { checkBackward: false, finest: 5, samples: 8000 };
  const near = turned([2, -3, 4], [3, -2, 4]);
  const moving = head(movingGrid, T2, near);
  const [first, again, other] = [
    await registerVolumes(fixed, moving, options),
    await registerVolumes(fixed, moving, options),
    await registerVolumes(fixed, moving, { ...options, seed: 1 }),
  ];
  expect(again).toEqual(first);
  expect(other.transform).not.toEqual(first.transform);
  expect(error(other.transform, first.transform)).toBeLessThan(0.5);
});

describe("what lies outside a mask does not count:", () => {
  const near = turned([2, -3, 4], [3, -2, 4]);
  const moving = head(movingGrid, T2, near);
  const options = { checkBackward: false, finest: 4, samples: 8000 };
  /** Below a slice it is another volume of the same grid; a mask of what is not. */
  const partly = (volume: Volume, other: Volume, slice: number): Volume => {
    const from = slice * volume.width * volume.height;
    return { ...volume, data: volume.data.map((value, at) => (at < from ? other.data[at] : value)) };
  };
  const above = (grid: Grid, slice: number): LabelVolume =>
    createVolume(grid, new Uint8Array(grid.width * grid.height * grid.slices).fill(1, slice * grid.width * grid.height));
  const jawTurned = turned([25, 0, 0], [0, 14, -6]);

  test.each([
    ["of the fixed volume", partly(fixed, head(fixedGrid, T1, jawTurned), 19), moving, { fixedMask: above(fixedGrid, 20) }],
    ["of the moving volume", fixed, partly(moving, head(movingGrid, T2, jawTurned), 17), { movingMask: above(movingGrid, 18) }],
  ])("%s", async (_, still, moved, masks) => {
    const [all, masked] = [
      await registerVolumes(still, moved, options),
      await registerVolumes(still, moved, { ...options, ...masks }),
    ];
    expect(error(masked.transform, near)).toBeLessThan(1);
    expect(error(all.transform, near)).toBeGreaterThan(2 * error(masked.transform, near));
  });
});

describe("a start", () => {
  const apart = turned([0, 0, 0], [400, 0, 0]);
  const moved = head({ ...movingGrid, affine: gridOf([60, 64, 40], [2.4, 2.8, 3.5], [0, 0, 0], [400, 0, 0]).affine }, T2, apart);
  const options = { checkBackward: false, finest: 5, samples: 8000 };

  test("without overlap is refused", async () => {
    await expect(registerVolumes(fixed, moved)).rejects.toThrow(
      /^The two volumes do not overlap: by their headers, 0.0 % of the fixed one lies within the moving one. .* start with "centres"/,
    );
    await expect(registerVolumes(fixed, farMoving, { start: apart })).rejects.toThrow("do not overlap: by the given start");
  });

  test("with the centres of mass together, or given, finds it all the same", async () => {
    for (const start of ["centres", turned([3, 3, 3], [392, 5, 5])] as const) {
      expect(error((await registerVolumes(fixed, moved, { ...options, start })).transform, apart)).toBeLessThan(0.7);
    }
  });
});

describe("a registration that cannot be right says so:", () => {
  const noise: Volume = head(movingGrid, [0, 0, 0, 0, 0, 0], identityAffine, 20);
  const options = { finest: 5, samples: 8000 };

  test("of noise", async () => {
    const { quality } = await registerVolumes(fixed, noise, options);
    expect(quality.trusted).toBe(false);
    expect(quality.warnings.join()).toContain("Other positions fit nearly as well");
  });

  test("of a start that is too far away", async () => {
    const { transform, quality } = await registerVolumes(fixed, farMoving, {
      ...options,
      start: turned([0, 120, 180], [0, 0, 0]),
    });
    expect(error(transform, far)).toBeGreaterThan(20);
    expect(quality.trusted).toBe(false);
  });
});

describe("what cannot be registered is refused:", () => {
  const flat = createVolume(fixedGrid, new Float32Array(fixed.data.length).fill(7));
  const slice = createVolume({ ...fixedGrid, slices: 1 }, fixed.data.slice(0, 56 * 68));
  const empty = createVolume(fixedGrid, new Uint8Array(fixed.data.length));
  const wide = turned([0, 0, 0], [0, 0, 0]).map((value) => value * 1.1) as unknown as Affine;

  test.each([
    ["a volume of one value", flat, {}, "The moving volume has the same value everywhere"],
    ["a slice", slice, {}, "The moving volume has 56 x 68 x 1 voxels: a registration needs two along each axis"],
    ["an empty mask", farMoving, { fixedMask: empty }, "The mask of the fixed volume is empty"],
    ["a mask of another grid", farMoving, { movingMask: empty }, "The mask of the moving volume has another grid"],
    ["too few samples", farMoving, { samples: 3 }, "at least 500 sample points"],
    [
      "a rigid start that stretches",
      farMoving,
      { start: wide },
      "A rigid registration cannot start from a transform that stretches",
    ],
  ])("%s", async (_, moving, options, message) => {
    await expect(registerVolumes(fixed, moving, options)).rejects.toThrow(message);
  });

  test("one that is interrupted ends at once", async () => {
    const controller = new AbortController();
    let iterations = 0;
    const onProgress = (): void => {
      if (++iterations === 3) controller.abort(new Error("Ctrl-C"));
    };
    await expect(registerVolumes(fixed, farMoving, { onProgress, signal: controller.signal })).rejects.toThrow("Ctrl-C");
    expect(iterations).toBe(3);
  });
});

const correlation = (a: Volume, b: Volume): number => {
  const mean = (data: Float32Array): number => data.reduce((sum, value) => sum + value, 0) / data.length;
  const [ma, mb] = [mean(a.data), mean(b.data)];
  let [aa, bb, ab] = [0, 0, 0];
  for (let n = 0; n < a.data.length; n++) {
    aa += (a.data[n] - ma) ** 2;
    bb += (b.data[n] - mb) ** 2;
    ab += (a.data[n] - ma) * (b.data[n] - mb);
  }
  return ab / Math.sqrt(aa * bb);
};
