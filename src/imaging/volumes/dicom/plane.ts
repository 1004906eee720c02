import type { Vector3 } from "../../matrix3.ts";
import { columnOf } from "../affine.ts";
import { type Grid, pixelAreaOf, spacingOf, voxelVolumeOf } from "../volume.ts";
import type { DicomDataSet } from "./encode.ts";

/** How the slices of a grid lie: the directions of its rows and columns. */
export const planeOrientation = (grid: Grid): DicomDataSet => {
  const spacing = spacingOf(grid);
  const unit = (axis: 0 | 1): Vector3 => columnOf(grid.affine, axis).map((v) => v / spacing[axis]) as unknown as Vector3;
  return { ImageOrientationPatient: [...unit(0), ...unit(1)] };
};

/** How far its voxels lie apart, in mm: slices along their normal (PS3.3, C.7.6.2). */
export const pixelMeasures = (grid: Grid): DicomDataSet => {
  const [di, dj] = spacingOf(grid);
  const between = Number((voxelVolumeOf(grid) / pixelAreaOf(grid)).toPrecision(12));
  return { PixelSpacing: [dj, di], SliceThickness: between, SpacingBetweenSlices: between };
};
