import { join } from "node:path";
import { writeFileAtomic } from "../../../files/index.ts";
import { applyAffine } from "../affine.ts";
import { checkGrid, isOrthogonal, type Volume } from "../volume.ts";
import { SOP_CLASS } from "./dictionary.ts";
import { type DicomDataSet, encodeDicom } from "./encode.ts";
import { uidFor } from "./identity.ts";
import { pixelMeasures, planeOrientation } from "./plane.ts";

export interface DicomSeries {
  /** As DICOM writes it, such as "Phantom^One". */
  readonly patientName?: string;
  readonly patientId: string;
  /** "YYYYMMDD". */
  readonly birthDate?: string;
  readonly sex?: "M" | "F" | "O";
  /** "YYYYMMDD". */
  readonly studyDate?: string;
  /** UIDs; `uidFor` makes them. Series of one study share `study`, and `frameOfReference` when they lie in the same coordinates. */
  readonly study: string;
  readonly series: string;
  readonly frameOfReference: string;
  /** From 1. */
  readonly seriesNumber: number;
  readonly description?: string;
  /** In ms. */
  readonly repetitionTime?: number;
  readonly echoTime?: number;
  readonly inversionTime?: number;
  /** In degrees. */
  readonly flipAngle?: number;
}

/**
 * Writes a volume as an MR series, one file "IM0001.dcm" ... for each slice k, in a folder that is made where it is missing. Values that
 * are all whole numbers of 16 bits are stored as they are; others with the rescale slope and intercept that spread their range over 16
 * bits, so that they come back to 1/65535 of the range. Equal input gives equal bytes. Gives the paths.
 * Errors: as `writeFileAtomic`. @throws RangeError when the axes are not at right angles or a value is not finite: MR slices cannot say it.
 */
export const writeDicomSeries = async (folder: string, volume: Volume, about: DicomSeries): Promise<readonly string[]> => {
  checkGrid(volume);
  if (!isOrthogonal(volume)) {
    throw new RangeError(
      "The axes of the volume are not at right angles, which DICOM slices cannot say. Resample it on a grid that is.",
    );
  }
  const storage = storageOf(volume.data);
  const shared: DicomDataSet = {
    ...patientOf(about),
    ...seriesOf(about),
    ...planeOrientation(volume),
    ...pixelMeasures(volume),
    Rows: volume.height,
    Columns: volume.width,
    ...storage.attributes,
  };
  const paths: string[] = [];
  const size = volume.width * volume.height;
  for (let k = 0; k < volume.slices; k++) {
    const path = join(folder, `IM${`${k + 1}`.padStart(4, "0")}.dcm`);
    const bytes = encodeDicom({
      ...shared,
      SOPInstanceUID: uidFor(about.series, "instance", k),
      InstanceNumber: k + 1,
      ImagePositionPatient: applyAffine(volume.affine, [0, 0, k]),
      PixelData: storage.encode(volume.data.subarray(k * size, (k + 1) * size)),
    });
    await writeFileAtomic(path, bytes);
    paths.push(path);
  }
  return paths;
};

const patientOf = ({ patientName = "", patientId, birthDate = "", sex }: DicomSeries): DicomDataSet => ({
  ...{ PatientName: patientName, PatientID: patientId, PatientBirthDate: birthDate, PatientSex: sex ?? "" },
});

const seriesOf = (about: DicomSeries): DicomDataSet => {
  const { study, series, frameOfReference, seriesNumber, studyDate = "", description } = about;
  return {
    SOPClassUID: SOP_CLASS.mr,
    Modality: "MR",
    ...{ StudyInstanceUID: study, SeriesInstanceUID: series, FrameOfReferenceUID: frameOfReference },
    ...{ StudyDate: studyDate, SeriesDate: studyDate, AcquisitionDate: studyDate, ContentDate: studyDate },
    ...{ StudyTime: "", ContentTime: "", StudyID: "", AccessionNumber: "", ReferringPhysicianName: "", Manufacturer: "Lynceus" },
    ...{
      SeriesNumber: seriesNumber,
      SeriesDescription: description,
      Laterality: "",
      PatientPosition: "",
      PositionReferenceIndicator: "",
    },
    ...{ ScanningSequence: "SE", SequenceVariant: "NONE", ScanOptions: "", MRAcquisitionType: "2D", EchoTrainLength: "" },
    ...{ RepetitionTime: about.repetitionTime ?? "", EchoTime: about.echoTime ?? "", FlipAngle: about.flipAngle },
    ...{ InversionTime: about.inversionTime },
  };
};

interface Storage {
  readonly attributes: DicomDataSet;
  readonly encode: (values: Float32Array) => Buffer;
}

const storageOf = (data: Float32Array): Storage => {
  let [low, high, whole] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, true];
  for (let n = 0; n < data.length; n++) {
    if (!Number.isFinite(data[n])) throw new RangeError(`The volume has the value ${data[n]}, which 16-bit pixels cannot say.`);
    low = Math.min(low, data[n]);
    high = Math.max(high, data[n]);
    whole &&= Number.isInteger(data[n]);
  }
  const isSigned = whole && low < 0 && low >= -32768 && high <= 32767;
  const asIs = isSigned || (whole && low >= 0 && high <= 65535);
  const slope = asIs || high === low ? 1 : Number(((high - low) / 65535).toPrecision(9));
  const intercept = asIs ? 0 : Number(low.toPrecision(9));
  const grey = {
    ...{ ImageType: ["ORIGINAL", "PRIMARY", "OTHER"], SamplesPerPixel: 1, PhotometricInterpretation: "MONOCHROME2" },
    ...{ BitsAllocated: 16, BitsStored: 16, HighBit: 15, PixelRepresentation: isSigned ? 1 : 0 },
  };
  return {
    attributes: asIs ? grey : { ...grey, RescaleSlope: slope, RescaleIntercept: intercept, RescaleType: "US" },
    encode: (values) => {
      const bytes = Buffer.alloc(2 * values.length);
      for (const [n, value] of values.entries()) {
        if (isSigned) bytes.writeInt16LE(value, 2 * n);
        else bytes.writeUInt16LE(Math.min(65535, Math.max(0, Math.round((value - intercept) / slope))), 2 * n);
      }
      return bytes;
    },
  };
};
