import { createHash } from "node:crypto";
import { writeFileAtomic } from "../../../files/index.ts";
import { applyAffine } from "../affine.ts";
import { isSameGrid, type LabelVolume } from "../volume.ts";
import { labOf } from "./cielab.ts";
import { codeItem, type DicomCode, dicomCode } from "./codes.ts";
import { dictionary, SOP_CLASS } from "./dictionary.ts";
import { type DicomDataSet, encodeDicom } from "./encode.ts";
import type { SourceImage } from "./headers.ts";
import { dateOfDay, uidFor } from "./identity.ts";
import { pixelMeasures, planeOrientation } from "./plane.ts";
import type { DicomStack } from "./read.ts";

export interface DicomSegment {
  /** The class in the label volume, not 0. */
  readonly label: number;
  /** Such as "Lumen". */
  readonly name: string;
  /** What kind of thing it is, such as `SEGMENT_CATEGORY.anatomicalStructure`, and which. */
  readonly category: DicomCode;
  readonly type: DicomCode;
  /** Where in the body. */
  readonly anatomy?: DicomCode;
  /** sRGB, 0 .. 255, as it is to be shown. */
  readonly colour?: readonly [number, number, number];
}

export interface DicomSegmentationOptions {
  /** At least one; they get the numbers 1, 2 ... in this order. */
  readonly segments: readonly DicomSegment[];
  /** The images that were segmented. */
  readonly source: Pick<
    DicomStack,
    "patient" | "study" | "studyDay" | "series" | "frameOfReference" | "grid" | "images" | "identity"
  >;
  /** Who found the segments: a person, or a program with its name. */
  readonly algorithm: { readonly type: "MANUAL" } | { readonly type: "AUTOMATIC" | "SEMIAUTOMATIC"; readonly name: string };
  /** Default "Segmentation". */
  readonly description?: string;
  /** Default 1000. */
  readonly seriesNumber?: number;
  /** Of this program. Default "0". */
  readonly softwareVersion?: string;
}

/**
 * Writes classes as a DICOM Segmentation (PS3.3, A.51): binary, one frame for each segment and slice that it touches, each of which refers
 * to the slice's image; of a class that is nowhere the segment is described and has no frame, unless all are nowhere, for a file
 * needs one. Study, frame of reference and references are those of the source stack, so that it links to the source files where
 * their identity is kept, and to what was written under the same key where not; patient and study are then pseudonyms, and all dates the
 * shifted day of the study. Equal input gives equal bytes. Errors: as `writeFileAtomic`.
 * @throws RangeError when the labels do not lie on the source's grid (`resampleLabels` brings them there), hold a class without a segment,
 * or the segments are none, twice the same or 0.
 */
export const writeDicomSegmentation = async (
  path: string,
  labels: LabelVolume,
  options: DicomSegmentationOptions,
): Promise<void> => {
  await writeFileAtomic(path, encodeDicom(segmentationDataSet(labels, options)));
};

const segmentationDataSet = (labels: LabelVolume, options: DicomSegmentationOptions): DicomDataSet => {
  const { segments, source } = options;
  requireFit(labels, options);
  const frames = framesOf(labels, segments);
  const series = uidFor(
    source.series,
    "segmentation",
    options.description ?? "",
    ...source.images.map(({ sopInstance }) => sopInstance),
  );
  const dimensions = uidFor(series, "dimensions");
  return {
    ...patientAndStudy(options.source),
    ...equipment(options),
    SOPClassUID: SOP_CLASS.segmentation,
    SOPInstanceUID: uidFor(series, "instance", digestOf(labels)),
    SeriesInstanceUID: series,
    FrameOfReferenceUID: source.frameOfReference ?? uidFor(source.series, "frame of reference"),
    PositionReferenceIndicator: "",
    ...imageModules(labels, frames),
    SegmentSequence: segments.map((segment, n) => segmentItem(segment, n + 1, options)),
    DimensionOrganizationSequence: [{ DimensionOrganizationUID: dimensions }],
    DimensionIndexSequence: [
      dimension(dimensions, "ReferencedSegmentNumber", "SegmentIdentificationSequence", "Segment"),
      dimension(dimensions, "ImagePositionPatient", "PlanePositionSequence", "Position"),
    ],
    ReferencedSeriesSequence: [
      { SeriesInstanceUID: source.series, ReferencedInstanceSequence: distinctInstances(source.images) },
    ],
    SharedFunctionalGroupsSequence: [
      { PlaneOrientationSequence: [planeOrientation(labels)], PixelMeasuresSequence: [pixelMeasures(labels)] },
    ],
    PerFrameFunctionalGroupsSequence: frames.map((frame) => frameGroups(labels, frame, source.images[frame.slice])),
    PixelData: packed(labels, frames, segments),
  };
};

const digestOf = ({ data }: LabelVolume): string =>
  createHash("sha256")
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest("hex");

const requireFit = (labels: LabelVolume, { segments, source }: DicomSegmentationOptions): void => {
  if (!isSameGrid(labels, source.grid, 0.01)) {
    throw new RangeError(
      `The labels (${labels.width} x ${labels.height} x ${labels.slices}) do not lie on the grid of the source images (${source.grid.width} x ${source.grid.height} x ${source.grid.slices}). Resample them onto it.`,
    );
  }
  const numbers = segments.map(({ label }) => label);
  if (numbers.length === 0 || numbers.includes(0) || new Set(numbers).size < numbers.length) {
    throw new RangeError(
      `Segments have different labels that are not 0, and there is at least one; these have [${numbers.join(", ")}].`,
    );
  }
  const known = new Set([0, ...numbers]);
  const unknown = labels.data.find((label) => !known.has(label));
  if (unknown !== undefined)
    throw new RangeError(`The labels hold the class ${unknown}, for which there is no segment. Describe it.`);
};

interface SegmentFrame {
  /** From 0. */
  readonly segment: number;
  readonly slice: number;
}

const framesOf = (labels: LabelVolume, segments: readonly DicomSegment[]): readonly SegmentFrame[] => {
  const size = labels.width * labels.height;
  const present = Array.from({ length: labels.slices }, (_, k) => new Set(labels.data.subarray(k * size, (k + 1) * size)));
  const frames = segments.flatMap(({ label }, segment) =>
    present.flatMap((classes, slice) => (classes.has(label) ? [{ segment, slice }] : [])),
  );
  return frames.length > 0 ? frames : [{ segment: 0, slice: 0 }];
};

/** A bit for each pixel, the lowest of a byte first; frames follow each other without a gap (PS3.5, 8.1.1). */
const packed = (labels: LabelVolume, frames: readonly SegmentFrame[], segments: readonly DicomSegment[]): Uint8Array => {
  const size = labels.width * labels.height;
  const bytes = new Uint8Array(Math.ceil((frames.length * size) / 8));
  for (const [n, { segment, slice }] of frames.entries()) {
    for (let i = 0; i < size; i++) {
      const bit = n * size + i;
      if (labels.data[slice * size + i] === segments[segment].label) bytes[bit >> 3] |= 1 << (bit & 7);
    }
  }
  return bytes;
};

const patientAndStudy = ({ patient, study, studyDay, identity }: DicomSegmentationOptions["source"]): DicomDataSet => {
  const date = dateOfDay(studyDay);
  const known = {
    ...{ PatientID: patient, StudyInstanceUID: study, StudyDate: date, StudyTime: "", ReferringPhysicianName: "" },
    ...{ ContentDate: date || "19700101", ContentTime: "000000" },
  };
  if (identity === undefined) {
    return {
      ...known,
      ...{ PatientName: `${patient}^`, PatientBirthDate: "", PatientSex: "", StudyID: "", AccessionNumber: "" },
      PatientIdentityRemoved: "YES",
      DeidentificationMethod: "Keyed pseudonyms and UIDs; dates shifted",
      LongitudinalTemporalInformationModified: "MODIFIED",
    };
  }
  return {
    ...known,
    ...{ PatientName: identity.name ?? "", PatientBirthDate: identity.birthDate ?? "", PatientSex: identity.sex ?? "" },
    ...{ StudyID: identity.studyId ?? "", AccessionNumber: identity.accessionNumber ?? "" },
  };
};

const equipment = ({
  description = "Segmentation",
  seriesNumber = 1000,
  softwareVersion = "0",
}: DicomSegmentationOptions): DicomDataSet => ({
  ...{ Modality: "SEG", SeriesNumber: seriesNumber, SeriesDescription: description, InstanceNumber: 1 },
  ...{ Manufacturer: "Lynceus", ManufacturerModelName: "Lynceus", DeviceSerialNumber: "0", SoftwareVersions: softwareVersion },
  ...{ ContentLabel: "SEGMENTATION", ContentDescription: description, ContentCreatorName: "" },
});

const imageModules = ({ width, height }: LabelVolume, frames: readonly SegmentFrame[]): DicomDataSet => ({
  ...{
    ImageType: ["DERIVED", "PRIMARY"],
    SegmentationType: "BINARY",
    SegmentsOverlap: "NO",
    LossyImageCompression: "00",
    BurnedInAnnotation: "NO",
  },
  ...{
    Rows: height,
    Columns: width,
    NumberOfFrames: frames.length,
    SamplesPerPixel: 1,
    PhotometricInterpretation: "MONOCHROME2",
  },
  ...{ BitsAllocated: 1, BitsStored: 1, HighBit: 0, PixelRepresentation: 0 },
});

const segmentItem = (
  { name, category, type, anatomy, colour }: DicomSegment,
  number: number,
  { algorithm }: DicomSegmentationOptions,
): DicomDataSet => ({
  SegmentNumber: number,
  SegmentLabel: name,
  SegmentAlgorithmType: algorithm.type,
  SegmentAlgorithmName: algorithm.type === "MANUAL" ? undefined : algorithm.name,
  SegmentedPropertyCategoryCodeSequence: [codeItem(category)],
  SegmentedPropertyTypeCodeSequence: [codeItem(type)],
  AnatomicRegionSequence: anatomy && [codeItem(anatomy)],
  RecommendedDisplayCIELabValue: colour && labOf(colour),
});

const dimension = (
  organization: string,
  pointer: "ReferencedSegmentNumber" | "ImagePositionPatient",
  group: "SegmentIdentificationSequence" | "PlanePositionSequence",
  label: string,
): DicomDataSet => ({
  DimensionOrganizationUID: organization,
  DimensionIndexPointer: dictionary[pointer][0],
  FunctionalGroupPointer: dictionary[group][0],
  DimensionDescriptionLabel: label,
});

const distinctInstances = (images: readonly SourceImage[]): readonly DicomDataSet[] =>
  [...new Map(images.map((image) => [image.sopInstance, image])).values()].map(reference);

const reference = ({ sopClass, sopInstance }: SourceImage): DicomDataSet => ({
  ReferencedSOPClassUID: sopClass,
  ReferencedSOPInstanceUID: sopInstance,
});

const SEGMENTATION = dicomCode("DCM", "113076", "Segmentation");
const SOURCE = dicomCode("DCM", "121322", "Source image for image processing operation");

const frameGroups = (labels: LabelVolume, { segment, slice }: SegmentFrame, image: SourceImage): DicomDataSet => ({
  FrameContentSequence: [{ DimensionIndexValues: [segment + 1, slice + 1] }],
  PlanePositionSequence: [{ ImagePositionPatient: applyAffine(labels.affine, [0, 0, slice]) }],
  SegmentIdentificationSequence: [{ ReferencedSegmentNumber: segment + 1 }],
  DerivationImageSequence: [
    {
      DerivationCodeSequence: [codeItem(SEGMENTATION)],
      SourceImageSequence: [
        { ...reference(image), ReferencedFrameNumber: image.frame, PurposeOfReferenceCodeSequence: [codeItem(SOURCE)] },
      ],
    },
  ],
});
