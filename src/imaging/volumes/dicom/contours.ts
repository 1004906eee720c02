import { ImageProblem } from "../../readable.ts";
import { type Affine, applyAffine, invertAffine } from "../affine.ts";
import type { Grid } from "../volume.ts";
import { type DataSet, decimalOf, decimalsOf, itemsOf, textOf } from "./data-set.ts";
import type { NamedRegion } from "./read-labels.ts";

/** In columns and rows of a slice, whose pixels' centres are whole numbers. */
type Polygon = readonly (readonly [i: number, j: number])[];

/** How far from the middle of a slice a contour's points may lie, in slices. */
const OFF_PLANE = 0.25;

/**
 * The contours of a DICOM structure set (RT Structure Set Storage, PS3.3, A.19) on a grid: for each structure and slice the pixels that its
 * closed contours enclose, see `filledPixels`. Points and lines enclose nothing.
 * @throws ImageProblem where contours do not lie in slices of the grid.
 */
export const contourRegions = (dataSet: DataSet, grid: Grid): readonly NamedRegion[] => {
  const names = new Map(
    itemsOf(dataSet, "StructureSetROISequence").map((item) => [decimalOf(item, "ROINumber"), textOf(item, "ROIName") ?? ""]),
  );
  const toIndex = invertAffine(grid.affine);
  return itemsOf(dataSet, "ROIContourSequence").flatMap((structure) => {
    const name = names.get(decimalOf(structure, "ReferencedROINumber")) ?? "";
    const bySlice = new Map<number, Polygon[]>();
    for (const contour of itemsOf(structure, "ContourSequence")) {
      if (!textOf(contour, "ContourGeometricType")?.startsWith("CLOSED")) continue;
      const { slice, polygon } = inSlice(decimalsOf(contour, "ContourData"), toIndex);
      bySlice.set(slice, [...(bySlice.get(slice) ?? []), polygon]);
    }
    return [...bySlice].map(([slice, polygons]) => ({ name, slice, pixels: filledPixels(polygons, grid) }));
  });
};

const inSlice = (coordinates: readonly number[], toIndex: Affine): { readonly slice: number; readonly polygon: Polygon } => {
  if (coordinates.length < 9 || coordinates.length % 3 !== 0) {
    throw new ImageProblem("it is damaged: a contour has less than three points, or one that is not three numbers.");
  }
  const points = Array.from({ length: coordinates.length / 3 }, (_, n) =>
    applyAffine(toIndex, [coordinates[3 * n], coordinates[3 * n + 1], coordinates[3 * n + 2]]),
  );
  const slice = Math.round(points.reduce((sum, [, , k]) => sum + k, 0) / points.length);
  if (!points.every(([, , k]) => Math.abs(k - slice) <= OFF_PLANE)) {
    throw new ImageProblem(
      "its contours were not drawn in the slices of the reference sequence. Draw them there, or export them as a label volume.",
    );
  }
  return { slice, polygon: points.map(([i, j]) => [i, j]) };
};

/**
 * Indices, j width + i, of the pixels that polygons enclose: of those whose centres lie in one, but for what lies in another one that is wholly
 * inside of it, a hole, and so on. Polygons that overlap are one area.
 */
export const filledPixels = (polygons: readonly Polygon[], size: Pick<Grid, "width" | "height">): number[] => {
  const filled = new Set<number>();
  const depthOf = (own: Polygon): number =>
    polygons.filter((other) => other !== own && own.every((point) => holds(other, point))).length;
  const byDepth = polygons.map((polygon) => ({ polygon, depth: depthOf(polygon) })).sort((a, b) => a.depth - b.depth);
  for (const { polygon, depth } of byDepth) {
    for (const pixel of pixelsWithin(polygon, size)) depth % 2 === 0 ? filled.add(pixel) : filled.delete(pixel);
  }
  return [...filled];
};

/** Where a polygon's edges cross a row, ascending. */
const crossings = (polygon: Polygon, row: number): number[] =>
  polygon
    .flatMap(([i1, j1], n) => {
      const [i0, j0] = polygon.at(n - 1) as Polygon[number];
      return j0 <= row !== j1 <= row ? [i0 + ((row - j0) / (j1 - j0)) * (i1 - i0)] : [];
    })
    .sort((a, b) => a - b);

const holds = (polygon: Polygon, [i, j]: Polygon[number]): boolean =>
  crossings(polygon, j).filter((at) => at <= i).length % 2 === 1;

const pixelsWithin = (polygon: Polygon, { width, height }: Pick<Grid, "width" | "height">): number[] => {
  const rows = polygon.map(([, j]) => j);
  const pixels: number[] = [];
  for (let row = Math.max(0, Math.ceil(Math.min(...rows))); row < Math.min(height, Math.max(...rows)); row++) {
    const places = crossings(polygon, row);
    for (let n = 0; n + 1 < places.length; n += 2) {
      for (let i = Math.max(0, Math.ceil(places[n])); i < Math.min(width, places[n + 1]); i++) pixels.push(row * width + i);
    }
  }
  return pixels;
};
