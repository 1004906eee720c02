import { ImageError } from "../../image.ts";
import { ImageProblem } from "../../readable.ts";
import { createVolume, type Grid, type LabelVolume, voxelsOf } from "../volume.ts";
import { contourRegions } from "./contours.ts";
import { type DataSet, isDicom, itemsOf, parseDicom, textOf } from "./data-set.ts";
import { withFile } from "./headers.ts";
import { type IdentityOptions, identityOf } from "./identity.ts";
import { segmentRegions } from "./read-segmentation.ts";

/** What a name of the file stands for, in one slice of a grid. */
export interface NamedRegion {
  readonly name: string;
  readonly slice: number;
  /** j width + i. */
  readonly pixels: readonly number[];
}

/** The images that labels were drawn on. */
export interface LabelledOn {
  readonly grid: Grid;
  /** Of a DICOM stack that was opened with `identity`; labels of another one are refused, as far as they say theirs. */
  readonly frameOfReference?: string;
  readonly identity?: IdentityOptions;
}

export interface DicomLabels {
  readonly labels: LabelVolume;
  /** What a user should know, as sentences; they quote nothing of the file, whose names may be of persons. */
  readonly notes: readonly string[];
}

/**
 * Reads classes that somebody drew from a DICOM segmentation (SEG, binary) or the contours of a structure set (RTSTRUCT) onto the grid of the
 * images that they were drawn on. `labelOf` gives the class of a segment's or structure's name, undefined where it has none. Where several have a
 * pixel, it is of the one with the fewest pixels in the slice: a lumen may lie in its vessel.
 * @throws ImageError that names the file when it is neither, has another frame of reference or does not lie in the slices, or none of its names is a class.
 */
export const readDicomLabels = async (
  path: string,
  { grid, frameOfReference, identity = {} }: LabelledOn,
  labelOf: (name: string) => number | undefined,
): Promise<DicomLabels> => {
  try {
    const dataSet = await withFile(path, async (read, bytes) => {
      const file = await read(bytes);
      if (!isDicom(file)) throw new ImageProblem("it is not a DICOM file.");
      return parseDicom(file);
    });
    const modality = textOf(dataSet, "Modality");
    if (modality !== "SEG" && modality !== "RTSTRUCT") {
      throw new ImageProblem("it is neither a DICOM segmentation (SEG) nor a structure set (RTSTRUCT).");
    }
    if (frameOfReference !== undefined) requireFrame(dataSet, frameOfReference, identity);
    return painted(modality === "SEG" ? segmentRegions(dataSet, grid) : contourRegions(dataSet, grid), grid, labelOf);
  } catch (error) {
    if (error instanceof ImageError) throw error;
    // Other errors are the parser's, for bytes that lie; its words could quote the file.
    throw new ImageError(path, error instanceof ImageProblem ? error.message : "it is damaged. Copy it again.", error);
  }
};

/** A de-identified file has another UID than its images, and cannot be asked. */
const requireFrame = (dataSet: DataSet, frameOfReference: string, identity: IdentityOptions): void => {
  if (textOf(dataSet, "PatientIdentityRemoved") === "YES") return;
  const { uid } = identityOf(identity);
  const frames = [dataSet, ...itemsOf(dataSet, "StructureSetROISequence")].flatMap(
    (item) => textOf(item, "FrameOfReferenceUID") ?? textOf(item, "ReferencedFrameOfReferenceUID") ?? [],
  );
  if (frames.length > 0 && !frames.some((frame) => uid(frame) === frameOfReference)) {
    throw new ImageProblem("it was drawn on other images: its frame of reference is not that of the reference sequence.");
  }
};

const painted = (regions: readonly NamedRegion[], grid: Grid, labelOf: (name: string) => number | undefined): DicomLabels => {
  const names = [...new Set(regions.map(({ name }) => name))];
  const known = names.filter((name) => labelOf(name) !== undefined);
  if (known.length === 0) {
    throw new ImageProblem(
      regions.length === 0 ? "nothing is drawn in it." : `none of its ${names.length} names is that of a class. Rename them.`,
    );
  }
  const there = regions.filter(({ slice, pixels }) => slice >= 0 && slice < grid.slices && pixels.length > 0);
  if (there.length === 0) throw new ImageProblem("all that is drawn in it lies outside of the reference sequence.");
  const data = new Uint8Array(voxelsOf(grid));
  for (const { name, slice, pixels } of there.toSorted((a, b) => b.pixels.length - a.pixels.length)) {
    const label = labelOf(name);
    if (label !== undefined) for (const pixel of pixels) data[slice * grid.width * grid.height + pixel] = label;
  }
  const [unknown, outside] = [names.length - known.length, regions.length - there.length];
  return {
    labels: createVolume(grid, data),
    notes: [
      ...(unknown > 0 ? [`What is drawn under ${unknown} of ${names.length} names was left out: they are no classes.`] : []),
      ...(outside > 0
        ? [`What is drawn in ${outside} of ${regions.length} places was left out: they are outside of the reference sequence.`]
        : []),
    ],
  };
};
