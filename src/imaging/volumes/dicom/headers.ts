import { ImageError } from "../../image.ts";
import { openForReading } from "../../open.ts";
import { ImageProblem } from "../../readable.ts";
import {
  type DataSet,
  decimalOf,
  decodedTextOf,
  doubleOf,
  has,
  isDicom,
  itemOf,
  MAX_FILE_BYTES,
  parseDicom,
  parseDicomHeader,
  textOf,
} from "./data-set.ts";
import type { Keyword } from "./dictionary.ts";
import { type Frame, framesOf } from "./frame.ts";
import type { Identity } from "./identity.ts";
import { knownTerm, MODALITIES, sequenceTerms } from "./words.ts";

/** A slice that a volume was made of, for objects that refer to it. */
export interface SourceImage {
  readonly sopClass: string;
  readonly sopInstance: string;
  /** Of a file of several frames, from 1. */
  readonly frame: number | undefined;
}

/** How the images were taken. Times in ms, angles in degrees, field strength in tesla; undefined where the file does not say. */
export interface MrAcquisition {
  readonly repetitionTime: number | undefined;
  readonly echoTime: number | undefined;
  readonly inversionTime: number | undefined;
  readonly flipAngle: number | undefined;
  readonly fieldStrength: number | undefined;
  /** Whether it speaks of a contrast agent. */
  readonly contrast: boolean;
  /** Terms of sequences in its descriptions, such as "T1", "TOF" and "black blood": see `sequenceTerms`. */
  readonly terms: readonly string[];
}

/** What is read of the patient only where the identity is kept. */
export interface PatientIdentity {
  readonly name: string | undefined;
  readonly birthDate: string | undefined;
  readonly sex: string | undefined;
  readonly studyDescription: string | undefined;
  readonly seriesDescription: string | undefined;
  readonly studyId: string | undefined;
  readonly accessionNumber: string | undefined;
}

/** What is read of a file at first: headers seldom are longer. */
const HEADER_BYTES = 2 ** 19;

/** What all slices of a file say about where they belong. */
export interface About {
  /**
   * A pseudonym, the same for all studies of a PatientID under one key; the PatientID itself where the identity is kept. Files without
   * one are told apart by name and date of birth, else by study.
   */
  readonly patient: string;
  /** UIDs, remapped unless the identity is kept. */
  readonly study: string;
  readonly series: string;
  /** Stacks of one frame of reference have the same patient coordinates. */
  readonly frameOfReference: string | undefined;
  readonly seriesNumber: number | undefined;
  /** Days, whose differences within one patient are true: see `Identity.day`. When the images were taken, and that of the study. */
  readonly day: number | undefined;
  readonly studyDay: number | undefined;
  /** "MR", "CT" ...; "OT" where it is not known. */
  readonly modality: string;
  readonly acquisition: Omit<MrAcquisition, "echoTime">;
  /** Undefined unless the identity is kept. */
  readonly identity: PatientIdentity | undefined;
}

/** A slice, its file, and what that says. */
export interface Slice {
  readonly path: string;
  readonly name: string;
  readonly frame: Frame;
  readonly image: SourceImage;
  readonly about: About;
  readonly warnings: readonly string[];
}

/** Reads all of a file but its pixels. @throws ImageProblem when it holds no slices that are read. */
export const readHeaders = async (path: string, name: string, identity: Identity): Promise<readonly Slice[]> => {
  const dataSet = await withFile(path, async (read, size) => {
    const start = await read(Math.min(size, HEADER_BYTES));
    if (!isDicom(start)) throw new ImageProblem("it is not a DICOM file.");
    const header = parseDicomHeader(start);
    if (header !== undefined) return header;
    return parseDicom(size > start.length ? await read(size) : start);
  });
  const frames = framesOf(dataSet);
  const [about, warnings] = [aboutOf(dataSet, identity), warningsOf(dataSet)];
  const [sopClass, sopInstance] = [textOf(dataSet, "SOPClassUID"), textOf(dataSet, "SOPInstanceUID")];
  if (sopClass === undefined || sopInstance === undefined)
    throw new ImageProblem("it is damaged: it has no SOP Class or Instance UID.");
  return frames.map((frame) => ({
    ...{ path, name, frame, about, warnings },
    image: {
      sopClass: knownUid(sopClass),
      sopInstance: identity.uid(sopInstance),
      frame: frames.length > 1 || has(dataSet, "PerFrameFunctionalGroupsSequence") ? frame.index + 1 : undefined,
    },
  }));
};

/** Classes are the standard's, whatever a file says. */
const knownUid = (uid: string): string => (/^1\.2\.840\.10008\.[\d.]{1,40}$/.test(uid) ? uid : "1.2.840.10008.5.1.4.1.1.7");

type ReadStart = (bytes: number) => Promise<Buffer>;

/** Opens a file to read its first bytes. @throws ImageProblem for all that goes wrong with the file. */
export const withFile = async <Result>(
  path: string,
  use: (read: ReadStart, size: number) => Promise<Result>,
): Promise<Result> => {
  const { file, size } = await openForReading(path, path).catch((error: unknown) => {
    throw new ImageProblem(`it cannot be read (${error instanceof ImageError ? error.message : error}).`);
  });
  try {
    if (size > MAX_FILE_BYTES)
      throw new ImageProblem(`it has ${size} bytes, more than the limit of ${MAX_FILE_BYTES}. Split it.`);
    return await use(async (length) => {
      const bytes = Buffer.alloc(length);
      for (let done = 0; done < length; ) {
        const { bytesRead } = await file.read(bytes, done, length - done, done);
        if (bytesRead === 0) throw new ImageProblem("it became shorter while it was read. Copy it again.");
        done += bytesRead;
      }
      return bytes;
    }, size);
  } finally {
    await file.close();
  }
};

const aboutOf = (dataSet: DataSet, identity: Identity): About => {
  const [study, series] = [textOf(dataSet, "StudyInstanceUID"), textOf(dataSet, "SeriesInstanceUID")];
  if (study === undefined || series === undefined)
    throw new ImageProblem("it is damaged: it does not say to which study and series it belongs.");
  const patientId = patientOf(dataSet) ?? study;
  const frameOfReference = textOf(dataSet, "FrameOfReferenceUID");
  const firstDay = (...keywords: readonly Keyword[]): number | undefined =>
    keywords.map((keyword) => identity.day(textOf(dataSet, keyword), patientId)).find((day) => day !== undefined);
  return {
    patient: identity.patient(patientId),
    study: identity.uid(study),
    series: identity.uid(series),
    frameOfReference: frameOfReference === undefined ? undefined : identity.uid(frameOfReference),
    seriesNumber: decimalOf(dataSet, "SeriesNumber"),
    day: firstDay("AcquisitionDate", "AcquisitionDateTime", "SeriesDate", "StudyDate", "ContentDate"),
    studyDay: firstDay("StudyDate", "SeriesDate", "AcquisitionDate", "AcquisitionDateTime", "ContentDate"),
    modality: knownTerm(textOf(dataSet, "Modality"), MODALITIES) ?? "OT",
    acquisition: acquisitionOf(dataSet),
    identity: identity.kept ? patientIdentity(dataSet) : undefined,
  };
};

const warningsOf = (dataSet: DataSet): readonly string[] => [
  ...(textOf(dataSet, "PhotometricInterpretation") === "MONOCHROME1"
    ? ["Its small numbers are shown bright (MONOCHROME1): they were turned round, so that large is bright."]
    : []),
  ...(textOf(dataSet, "LossyImageCompression") === "01" ? ["It was compressed with loss: its values are not exact."] : []),
  ...(textOf(dataSet, "BurnedInAnnotation") === "YES"
    ? ["Text is burned into its pixels, which may name the patient: it is not removed."]
    : []),
];

/** What patients are told apart by: the PatientID; where it was removed, name and date of birth, if they were not. */
const patientOf = (dataSet: DataSet): string | undefined =>
  textOf(dataSet, "PatientID") ??
  ([textOf(dataSet, "PatientName"), textOf(dataSet, "PatientBirthDate")].filter((text) => text !== undefined).join("|") ||
    undefined);

const acquisitionOf = (dataSet: DataSet): Omit<MrAcquisition, "echoTime"> => {
  const shared = itemOf(dataSet, "SharedFunctionalGroupsSequence");
  const timing = itemOf(shared, "MRTimingAndRelatedParametersSequence");
  return {
    repetitionTime: decimalOf(dataSet, "RepetitionTime") ?? decimalOf(timing, "RepetitionTime"),
    inversionTime: decimalOf(dataSet, "InversionTime") ?? doubleOf(itemOf(shared, "MRModifierSequence"), "InversionTimes"),
    flipAngle: decimalOf(dataSet, "FlipAngle") ?? decimalOf(timing, "FlipAngle"),
    fieldStrength: decimalOf(dataSet, "MagneticFieldStrength"),
    contrast: has(dataSet, "ContrastBolusAgent") || has(dataSet, "ContrastBolusAgentSequence"),
    terms: sequenceTerms([textOf(dataSet, "SeriesDescription"), textOf(dataSet, "ProtocolName")]),
  };
};

const patientIdentity = (dataSet: DataSet): PatientIdentity => ({
  name: decodedTextOf(dataSet, "PatientName"),
  birthDate: textOf(dataSet, "PatientBirthDate"),
  sex: textOf(dataSet, "PatientSex"),
  studyDescription: decodedTextOf(dataSet, "StudyDescription"),
  seriesDescription: decodedTextOf(dataSet, "SeriesDescription"),
  studyId: textOf(dataSet, "StudyID"),
  accessionNumber: textOf(dataSet, "AccessionNumber"),
});
