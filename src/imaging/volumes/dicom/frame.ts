import type { Vector3 } from "../../matrix3.ts";
import { ImageProblem } from "../../readable.ts";
import {
  type DataSet,
  decimalOf,
  decimalsOf,
  doubleOf,
  has,
  itemOf,
  itemsOf,
  longOf,
  textOf,
  textsOf,
  wordOf,
} from "./data-set.ts";
import { type Keyword, tagOf } from "./dictionary.ts";

/** One slice of a file: where it lies and what its stored numbers mean. */
export interface Frame {
  /** Which one of its file, from 0. */
  readonly index: number;
  readonly columns: number;
  readonly rows: number;
  /** Unit vectors, LPS: to where a row runs (the column index grows) and to where a column runs. */
  readonly along: Vector3;
  readonly down: Vector3;
  /** The centre of the first pixel, LPS in mm. */
  readonly position: Vector3;
  /** mm between columns and between rows. */
  readonly spacing: readonly [number, number];
  /** mm to the next slice as the file says it: SpacingBetweenSlices, else SliceThickness. */
  readonly depth: number | undefined;
  readonly slope: number;
  readonly intercept: number;
  readonly echoTime: number | undefined;
  /** What tells stacks of one series apart at one position, such as echo and time. */
  readonly kind: string;
  /** What may tell further apart, but can also differ within a stack. */
  readonly acquisition: number | undefined;
  readonly trigger: number | undefined;
  readonly instance: number | undefined;
}

/**
 * The frames of a file: one, placed by its Image Plane module, or as many as it has functional groups (PS3.3, C.7.6.16).
 * @throws ImageProblem when it has no slices of a patient or they are of a kind that is not read.
 */
export const framesOf = (dataSet: DataSet): readonly Frame[] => {
  if (!(wordOf(dataSet, "Columns") && wordOf(dataSet, "Rows"))) throw new ImageProblem("it holds no image slices.");
  requireGreyNumbers(dataSet);
  return placedFrames(dataSet);
};

/** The same, whatever the pixels are. @throws ImageProblem when it has no slices of a patient. */
export const placedFrames = (dataSet: DataSet): readonly Frame[] => {
  const [columns, rows] = [wordOf(dataSet, "Columns") ?? 0, wordOf(dataSet, "Rows") ?? 0];
  if (columns < 1 || rows < 1) throw new ImageProblem("it holds no image slices.");
  const perFrame = itemsOf(dataSet, "PerFrameFunctionalGroupsSequence");
  const count = decimalOf(dataSet, "NumberOfFrames") ?? 1;
  if (perFrame.length === 0 && count > 1) {
    throw new ImageProblem(`it has ${count} frames and does not say where they lie (no functional groups).`);
  }
  if (perFrame.length > 0 && perFrame.length !== count) {
    throw new ImageProblem(`it is damaged: it claims ${count} frames and describes ${perFrame.length}. Copy it again.`);
  }
  if (perFrame.length === 0) return [frameOf(dataSet, { columns, rows, index: 0 }, () => dataSet)];
  const shared = itemOf(dataSet, "SharedFunctionalGroupsSequence");
  return perFrame.map((own, index) =>
    frameOf(dataSet, { columns, rows, index }, (group) => itemOf(own, group) ?? itemOf(shared, group)),
  );
};

const requireGreyNumbers = (dataSet: DataSet): void => {
  const photometric = textOf(dataSet, "PhotometricInterpretation") ?? "MONOCHROME2";
  if ((wordOf(dataSet, "SamplesPerPixel") ?? 1) !== 1 || !photometric.startsWith("MONOCHROME")) {
    throw new ImageProblem("its pixels are colours, not one number each. Export the grey images of the series.");
  }
  const bits = wordOf(dataSet, "BitsAllocated");
  if (bits !== 8 && bits !== 16 && bits !== 32) {
    throw new ImageProblem(
      `its numbers have ${bits ?? "an unknown number of"} bits; images of 8, 16 and 32 are read, and no segmentations.`,
    );
  }
  if (!(tagOf("PixelData") in dataSet.elements))
    throw new ImageProblem("it has no pixels, or pixels that are not whole numbers.");
  if (has(dataSet, "ModalityLUTSequence")) {
    throw new ImageProblem(
      "its numbers are to be looked up in a table (Modality LUT), which is not read. Export it with a rescale slope.",
    );
  }
};

const frameOf = (
  dataSet: DataSet,
  size: { readonly columns: number; readonly rows: number; readonly index: number },
  group: (sequence: Keyword) => DataSet | undefined,
): Frame => {
  const measures = group("PixelMeasuresSequence");
  const position = decimalsOf(group("PlanePositionSequence"), "ImagePositionPatient");
  const orientation = decimalsOf(group("PlaneOrientationSequence"), "ImageOrientationPatient");
  const spacing = decimalsOf(measures, "PixelSpacing");
  if (position.length !== 3 || orientation.length !== 6) {
    throw new ImageProblem(
      "it does not say where its slice lies in the patient (ImagePositionPatient, ImageOrientationPatient).",
    );
  }
  if (spacing.length !== 2 || !spacing.every((mm) => mm > 0)) {
    throw new ImageProblem("it does not say how wide a pixel is (PixelSpacing).");
  }
  const [along, down] = axesOf(orientation);
  const pixelValues = group("PixelValueTransformationSequence");
  const content = group("FrameContentSequence");
  const echoTime = decimalOf(dataSet, "EchoTime") ?? doubleOf(group("MREchoSequence"), "EffectiveEchoTime");
  const type = group("MRImageFrameTypeSequence");
  const depth = decimalOf(measures, "SpacingBetweenSlices") ?? decimalOf(measures, "SliceThickness");
  const kind = [
    echoTime,
    textOf(dataSet, "EchoNumbers"),
    doubleOf(group("MRDiffusionSequence"), "DiffusionBValue"),
    decimalOf(dataSet, "TemporalPositionIdentifier") ?? longOf(content, "TemporalPositionIndex"),
    textOf(content, "StackID"),
    textsOf(type, "FrameType").slice(2).join("/") || textsOf(dataSet, "ImageType").slice(2).join("/"),
    textOf(type, "ComplexImageComponent"),
  ];
  return {
    ...size,
    ...{ along, down, echoTime },
    position: position as unknown as Vector3,
    spacing: [spacing[1], spacing[0]], // PixelSpacing says first how far rows lie apart
    depth: depth !== undefined && depth > 0 ? depth : undefined,
    slope: decimalOf(pixelValues, "RescaleSlope") ?? 1,
    intercept: decimalOf(pixelValues, "RescaleIntercept") ?? 0,
    kind: kind.map((part) => part ?? "").join("|"),
    acquisition: decimalOf(dataSet, "AcquisitionNumber"),
    trigger: decimalOf(dataSet, "TriggerTime"),
    instance: decimalOf(dataSet, "InstanceNumber"),
  };
};

/** Unit vectors at right angles. @throws ImageProblem when they are not nearly so. */
const axesOf = (orientation: readonly number[]): [Vector3, Vector3] => {
  const [a, b] = [orientation.slice(0, 3), orientation.slice(3)];
  const [lengthA, lengthB] = [Math.hypot(...a), Math.hypot(...b)];
  const cosine = a.reduce((sum, value, i) => sum + value * b[i], 0) / (lengthA * lengthB);
  if (!(Math.abs(lengthA - 1) < 0.01 && Math.abs(lengthB - 1) < 0.01 && Math.abs(cosine) < 0.01)) {
    throw new ImageProblem("it is damaged: its ImageOrientationPatient is not two unit vectors at right angles.");
  }
  return [a.map((v) => v / lengthA) as unknown as Vector3, b.map((v) => v / lengthB) as unknown as Vector3];
};
