import { expect, test } from "vitest";
import { type Affine, type Grid, identityAffine, type Volume } from "../volumes/index.ts";
import { filled } from "../volumes/testing/phantom.ts";
import { registrationPicture } from "./index.ts";

/** Rows run to the patient's right, as in a file that is not LPS. */
const grid: Grid = { width: 20, height: 30, slices: 10, affine: [-2, 0, 0, 19, 0, 2, 0, -29, 0, 0, 4, -18] };
const volume: Volume = filled(grid, ([x, y, z]) => 10 + (x > 4 ? 100 : 0) + (y < -10 ? 60 : 0) + (z > 8 ? 30 : 0));
const grey = ({ data, width }: ReturnType<typeof registrationPicture>, x: number, y: number): number => data[3 * (y * width + x)];

test("shows three planes as radiologists see them, each twice", () => {
  const picture = registrationPicture(volume, volume, identityAffine);
  // Square pixels of 2 mm: axial 20 x 30, coronal 20 x 20, sagittal 30 x 20, 4 pixels apart.
  expect([picture.width, picture.height]).toEqual([20 + 4 + 20 + 4 + 30, 30 + 4 + 30]);
  const [axial, coronal, sagittal] = [0, 24, 48];
  // A checkerboard of a volume with itself is the volume: bright to the patient's left, which is on the right; in front; towards the head.
  expect(grey(picture, axial + 17, 20)).toBeGreaterThan(grey(picture, axial + 2, 20));
  expect(grey(picture, axial + 2, 2)).toBeGreaterThan(grey(picture, axial + 2, 20));
  expect(grey(picture, coronal + 2, 5 + 2)).toBeGreaterThan(grey(picture, coronal + 2, 5 + 17));
  expect(grey(picture, sagittal + 2, 5 + 17)).toBeGreaterThan(grey(picture, sagittal + 25, 5 + 17));
  // The edges below lie on the steps of the fixed volume.
  const orange = [...Array(20).keys()].filter((x) => picture.data[3 * ((34 + 22) * picture.width + x) + 1] === 160);
  expect(orange).toHaveLength(1);
  expect(Math.abs(orange[0] - 11.5)).toBeLessThanOrEqual(1);
});

test("moves the edges with the transform", () => {
  const shifted: Affine = [1, 0, 0, -6, 0, 1, 0, 0, 0, 0, 1, 0];
  const picture = registrationPicture(volume, volume, shifted);
  const orange = [...Array(20).keys()].filter((x) => picture.data[3 * ((34 + 22) * picture.width + x) + 1] === 160);
  expect(Math.abs(orange[0] - 14.5)).toBeLessThanOrEqual(1);
});
