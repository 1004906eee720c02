import type { Vector3 } from "../../matrix3.ts";
import { ImageProblem } from "../../readable.ts";
import { applyAffine, invertAffine } from "../affine.ts";
import type { Grid } from "../volume.ts";
import { type DataSet, itemOf, itemsOf, textOf, wordOf } from "./data-set.ts";
import { tagOf } from "./dictionary.ts";
import { type Frame, placedFrames } from "./frame.ts";
import type { NamedRegion } from "./read-labels.ts";

/** How far apart pixels may lie that are taken for the same, in pixels. */
const TOLERANCE = 0.1;

/**
 * The segments of a binary DICOM segmentation (PS3.3, A.51) on a grid: a region for each frame. Its frames may show a part of the grid's slices, but
 * with the same pixels.
 * @throws ImageProblem where they have others, or the file is of another kind.
 */
export const segmentRegions = (dataSet: DataSet, grid: Grid): readonly NamedRegion[] => {
  const kind = textOf(dataSet, "SegmentationType");
  if (kind !== "BINARY" || wordOf(dataSet, "BitsAllocated") !== 1) {
    throw new ImageProblem(`it is a segmentation of the kind ${kind === "FRACTIONAL" ? kind : "unknown"}; binary ones are read.`);
  }
  const names = new Map(
    itemsOf(dataSet, "SegmentSequence").map((item) => [wordOf(item, "SegmentNumber"), textOf(item, "SegmentLabel") ?? ""]),
  );
  const groups = itemsOf(dataSet, "PerFrameFunctionalGroupsSequence");
  const shared = itemOf(dataSet, "SharedFunctionalGroupsSequence");
  const frames = placedFrames(dataSet);
  const bits = pixelBits(dataSet, frames);
  return frames.map((frame) => {
    const { left, top, slice } = placeOf(frame, grid);
    const own = groups[frame.index];
    const identified = itemOf(own, "SegmentIdentificationSequence") ?? itemOf(shared, "SegmentIdentificationSequence");
    const pixels: number[] = [];
    for (let row = 0; row < frame.rows; row++) {
      for (let column = 0; column < frame.columns; column++) {
        const [i, j, at] = [column + left, row + top, (frame.index * frame.rows + row) * frame.columns + column];
        const isInside = i >= 0 && i < grid.width && j >= 0 && j < grid.height;
        if (isInside && (bits[at >> 3] >> (at & 7)) & 1) pixels.push(j * grid.width + i);
      }
    }
    return { name: names.get(wordOf(identified, "ReferencedSegmentNumber")) ?? "", slice, pixels };
  });
};

const pixelBits = (dataSet: DataSet, frames: readonly Frame[]): Uint8Array => {
  const element = dataSet.elements[tagOf("PixelData")];
  const bytes = Math.ceil((frames.length * frames[0].rows * frames[0].columns) / 8);
  if (element === undefined || element.fragments !== undefined || element.length < bytes) {
    throw new ImageProblem("its pixels are compressed, or cut short. Export it uncompressed.");
  }
  return dataSet.byteArray.subarray(element.dataOffset, element.dataOffset + bytes);
};

/** Where a frame's first pixel lies on the grid. */
const placeOf = (
  { along, down, position, spacing, columns, rows }: Frame,
  { affine }: Grid,
): { readonly left: number; readonly top: number; readonly slice: number } => {
  const toIndex = invertAffine(affine);
  const indexOf = (column: number, row: number): Vector3 => {
    const point = position.map((mm, n) => mm + column * spacing[0] * along[n] + row * spacing[1] * down[n]);
    return applyAffine(toIndex, point as unknown as Vector3);
  };
  const [left, top, slice] = indexOf(0, 0).map(Math.round);
  const corners = [0, columns - 1].flatMap((column) => [0, rows - 1].map((row) => [column, row] as const));
  const isThere = ([column, row]: (typeof corners)[number]): boolean =>
    indexOf(column, row).every((at, n) => Math.abs(at - [left + column, top + row, slice][n]) <= TOLERANCE);
  if (!corners.every(isThere)) {
    throw new ImageProblem(
      "its pixels are not those of the reference sequence. Export it on the grid of that sequence, or as a label volume (NIfTI).",
    );
  }
  return { left, top, slice };
};
