import { createImage, type Image } from "../image.ts";
import { type Affine, composeAffine, type Grid, reoriented, resampleVolume, spacingOf, type Volume } from "../volumes/index.ts";
import { type ValueRange, valueRange } from "./samples.ts";

/** Pixels of a panel's longer side at most, of a checkerboard's field along the longer side, and between panels. */
const LONGEST = 320;
const FIELDS = 8;
const GAP = 4;

/** Where the moving volume's edges are drawn. */
const EDGE_COLOUR = [255, 160, 0] as const;

/**
 * A picture to judge a registration by eye: the middle axial, coronal and sagittal planes of the fixed volume side by side, seen as
 * radiologists do (the patient's left to the right, front and head up; in the sagittal plane the front to the left). Above a
 * checkerboard of both volumes, across whose fields outlines must run on; below the fixed volume with the edges of the moving one in
 * orange, which must lie on its own. Pass another transform, such as the start's, to see how it was before.
 */
export const registrationPicture = (fixed: Volume, moving: Volume, transform: Affine): Image => {
  const ranges = { fixed: valueRange(fixed, "fixed"), moving: valueRange(moving, "moving") };
  const panels = planesOf(fixed).map((grid) => {
    const still = greys(resampleVolume(fixed, grid), ranges.fixed);
    const moved = greys(resampleVolume(moving, grid, { transform, outside: ranges.moving.low }), ranges.moving);
    return { grid, above: checkerboard(still, moved, grid), below: withEdges(still, moved, grid) };
  });
  const tallest = Math.max(...panels.map(({ grid }) => grid.height));
  const width = panels.reduce((sum, { grid }) => sum + grid.width, GAP * (panels.length - 1));
  const picture = createImage(width, 2 * tallest + GAP);
  let left = 0;
  for (const { grid, above, below } of panels) {
    const top = Math.floor((tallest - grid.height) / 2);
    for (let row = 0; row < grid.height; row++) {
      const line = (rows: Uint8Array): Uint8Array => rows.subarray(row * grid.width * 3, (row + 1) * grid.width * 3);
      picture.data.set(line(above), ((top + row) * width + left) * 3);
      picture.data.set(line(below), ((top + row + tallest + GAP) * width + left) * 3);
    }
    left += grid.width + GAP;
  }
  return picture;
};

/** Grids of one slice and square pixels through the middle of the volume: axial, coronal, sagittal. */
const planesOf = (volume: Volume): Grid[] => {
  const box = reoriented({ ...volume, data: new Uint8Array(volume.data.length) }, "LPI");
  const sizes = [box.width, box.height, box.slices];
  const spacing = spacingOf(box);
  const longest = Math.max(...sizes.map((size, axis) => size * spacing[axis]));
  const pixel = Math.max(Math.min(...spacing), longest / LONGEST);
  return (
    [
      [0, 1, 2],
      [0, 2, 1],
      [1, 2, 0],
    ] as const
  ).map(([across, down, through]) => {
    const pixels = (axis: number): number => Math.max(1, Math.round((sizes[axis] * spacing[axis]) / pixel));
    // Of the plane's index along each axis of the box: its step, and the middle of the first pixel.
    const plane = Array.from({ length: 12 }, () => 0);
    for (const [index, axis] of [across, down].entries()) {
      plane[4 * axis + index] = sizes[axis] / pixels(axis);
      plane[4 * axis + 3] = (sizes[axis] / pixels(axis) - 1) / 2;
    }
    plane[4 * through + 2] = 1;
    plane[4 * through + 3] = (sizes[through] - 1) / 2;
    const affine = composeAffine(box.affine, plane as unknown as Affine);
    return { width: pixels(across), height: pixels(down), slices: 1, affine };
  });
};

/** 0 .. 255 over the range of values; what is not finite is black. */
const greys = ({ data }: Volume, { low, high }: ValueRange): Uint8Array =>
  Uint8Array.from(data, (value) => Math.round(255 * Math.min(1, Math.max(0, (value - low) / (high - low)))) || 0);

const checkerboard = (still: Uint8Array, moved: Uint8Array, { width, height }: Grid): Uint8Array => {
  const field = Math.max(4, Math.ceil(Math.max(width, height) / FIELDS));
  const rgb = new Uint8Array(still.length * 3);
  for (let at = 0; at < still.length; at++) {
    const even = (Math.floor((at % width) / field) + Math.floor(at / width / field)) % 2 === 0;
    rgb.fill(even ? still[at] : moved[at], 3 * at, 3 * at + 3);
  }
  return rgb;
};

/** Edges are the steepest tenth of the plane by Sobel's operator, thinned to where the slope is largest across them (Canny 1986). */
const withEdges = (still: Uint8Array, moved: Uint8Array, { width, height }: Grid): Uint8Array => {
  const rgb = new Uint8Array(still.length * 3);
  for (let at = 0; at < still.length; at++) rgb.fill(still[at], 3 * at, 3 * at + 3);
  const along = new Float32Array(still.length);
  const down = new Float32Array(still.length);
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const at = y * width + x;
      const difference = (near: number, far: number, side: number): number =>
        moved[at + far - side] -
        moved[at + near - side] +
        2 * (moved[at + far] - moved[at + near]) +
        moved[at + far + side] -
        moved[at + near + side];
      along[at] = difference(-1, 1, width);
      down[at] = difference(-width, width, 1);
    }
  }
  const slope = along.map((value, at) => Math.hypot(value, down[at]));
  const steep = slope.slice().sort()[Math.floor(0.9 * slope.length)];
  for (let at = width; at < slope.length - width; at++) {
    const across = Math.abs(along[at]) > Math.abs(down[at]) ? 1 : width;
    if (slope[at] > Math.max(steep, 40) && slope[at] >= slope[at - across] && slope[at] > slope[at + across])
      rgb.set(EDGE_COLOUR, 3 * at);
  }
  return rgb;
};
