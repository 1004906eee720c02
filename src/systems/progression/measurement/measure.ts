import { dot3, type Vector3 } from "../../../imaging/matrix3.ts";
import {
  applyAffine,
  columnOf,
  type Grid,
  invertAffine,
  type LabelVolume,
  orientationOf,
  pixelAreaOf,
  spacingOf,
  voxelsOf,
  voxelVolumeOf,
} from "../../../imaging/volumes/index.ts";
import { bifurcationOf } from "./bifurcation.ts";
import { vesselClasses } from "./classes.ts";
import { type InternalCarotid, internalCarotid, type PointInSlice } from "./internal-carotid.ts";
import { type ClassSlice, measureSlice, requireVesselClasses, type SliceMeasurement } from "./slice.ts";

/** How much of each voxel each of `vesselClasses` is, 0 to 1, summing to 1: a network's probabilities, or true partial volumes. */
export interface ClassFractions extends Grid {
  /** One [slices, height, width] for each class. */
  readonly fractions: readonly Float32Array[];
}

export interface MeasureOptions {
  /** Where one lumen becomes two, by hand: a slice's index, fractions allowed. Default: found from the lumens. */
  readonly bifurcation?: number;
  /** Which end blood flows to. Default: the one nearer to the head, as in a carotid. */
  readonly distal?: "first" | "last";
  /** A point inside the internal carotid beyond the bifurcation, LPS mm. Default: the larger vessel at the distal end. */
  readonly internal?: Vector3;
  /** Beside a lumen as large, in mm2, smaller openings have no wall or cap of their own, and make no bifurcation. Default 1. */
  readonly leastLumenArea?: number;
}

/** A vessel in one study. */
export interface VesselMeasurement {
  /** One for each slice of the volume, in its order. */
  readonly slices: readonly SliceMeasurement[];
  /** Between neighbouring slices, at right angles to them, in mm. */
  readonly sliceSpacing: number;
  /** 1 when blood flows towards the last slice, -1 when to the first. */
  readonly flow: 1 | -1;
  /** Index of the slice, with its fraction, at which one lumen becomes two; null where that is not in the volume. */
  readonly bifurcation: number | null;
  /** From the common to the internal carotid: its lumen in each slice. */
  readonly internalCarotid: InternalCarotid;
}

/**
 * Measures a vessel slice by slice in the units of its grid. From fractions lengths and areas are exact to about a percent at pixels of
 * 0.5 mm; from labels each slice's areas carry the rounding of the pixels at their rims (some 2 % of a lumen 5 mm wide), which averages out
 * in volumes. All that is labelled is measured, as one vessel: both branches where both are. Slices are taken for cross-sections.
 * @throws RangeError where the slices are not axial, unless `distal` says that the vessel runs across them; for a class that is none of `vesselClasses`, fractions that do not fit the grid, or a bifurcation outside it.
 */
export const measureVessel = (
  vessel: LabelVolume | ClassFractions,
  { bifurcation, distal, internal, leastLumenArea = 1 }: MeasureOptions = {},
): VesselMeasurement => {
  const classesAt = "fractions" in vessel ? slicesOfFractions(vessel) : slicesOfLabels(vessel);
  if (bifurcation !== undefined && !(bifurcation >= -0.5 && bifurcation <= vessel.slices - 0.5)) {
    throw new RangeError(`The bifurcation is at slice ${bifurcation}, but the volume has the slices 0 to ${vessel.slices - 1}.`);
  }
  const flow = distal === undefined ? flowOf(vessel) : distal === "last" ? 1 : -1;
  const slices = Array.from({ length: vessel.slices }, (_, k) => measureSlice(classesAt(k), leastLumenArea));
  const sliceSpacing = voxelVolumeOf(vessel) / pixelAreaOf(vessel);
  const found = bifurcation ?? bifurcationOf(slices, flow, leastLumenArea);
  return {
    slices,
    sliceSpacing,
    flow,
    bifurcation: found,
    internalCarotid: internalCarotid(slices, flow, given(vessel, internal)),
  };
};

const given = (grid: Grid, internal: Vector3 | undefined): PointInSlice | undefined => {
  if (internal === undefined) return undefined;
  const [i, j, slice] = applyAffine(invertAffine(grid.affine), internal);
  return { slice, point: planeOf(grid).toPlane(i, j) };
};

/** Towards the head, which a carotid runs to. */
const flowOf = (grid: Grid): 1 | -1 => {
  const towards = orientationOf(grid)[2];
  if (towards === "S" || towards === "I") return towards === "S" ? 1 : -1;
  throw new RangeError(
    `Its slices are ${towards === "A" || towards === "P" ? "coronal" : "sagittal"}, and a carotid is measured in axial ones. Reformat the images.`,
  );
};

/** In-plane coordinates: x along the rows, y at right angles to it. */
const planeOf = (grid: Grid): Pick<ClassSlice, "toPlane" | "pixelArea"> => {
  const [alongRow] = spacingOf(grid);
  const pixelArea = pixelAreaOf(grid);
  const slant = dot3(columnOf(grid.affine, 0), columnOf(grid.affine, 1)) / alongRow;
  return { pixelArea, toPlane: (i, j) => [i * alongRow + j * slant, (j * pixelArea) / alongRow] };
};

const slicesOfFractions = (vessel: ClassFractions): ((k: number) => ClassSlice) => {
  const { width, height, fractions } = vessel;
  requireVesselClasses(fractions.length);
  const wrong = fractions.find((values) => values.length !== voxelsOf(vessel));
  if (wrong) throw new RangeError(`Fractions on a grid of ${voxelsOf(vessel)} voxels have as many values, not ${wrong.length}.`);
  const size = width * height;
  return (k) => ({
    ...planeOf(vessel),
    ...{ width, height, isHard: false },
    fractions: fractions.map((values) => values.subarray(k * size, (k + 1) * size)),
  });
};

const slicesOfLabels = (vessel: LabelVolume): ((k: number) => ClassSlice) => {
  const { width, height, data } = vessel;
  const size = width * height;
  const wrong = data.findIndex((label) => label < 0 || label >= vesselClasses.length);
  if (wrong >= 0) {
    throw new RangeError(
      `The label ${data[wrong]} at column ${wrong % width}, row ${Math.floor(wrong / width) % height}, slice ${Math.floor(wrong / size)} is none of ${vesselClasses.map(({ name }, c) => `${c} ${name}`).join(", ")}.`,
    );
  }
  return (k) => {
    const labels = data.subarray(k * size, (k + 1) * size);
    const fractions = vesselClasses.map((_, c) => Float32Array.from(labels, (label) => (label === c ? 1 : 0)));
    return { ...planeOf(vessel), width, height, isHard: true, fractions };
  };
};
