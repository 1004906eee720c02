import { readdir, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { ImageError } from "../../image.ts";
import { openForReading, readFailure } from "../../open.ts";
import { ImageProblem } from "../../readable.ts";
import { createVolume, type Grid, type Volume, voxelsOf } from "../volume.ts";
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
import { type Identity, type IdentityOptions, identityOf } from "./identity.ts";
import { frameReader } from "./pixels.ts";
import { groupsOf, type Stack, stackOf } from "./stacks.ts";
import { knownTerm, MODALITIES, sequenceTerms } from "./words.ts";

/** What a DICOM folder holds. */
export interface DicomFolder {
  /** Ordered by patient, day, number of the series, and as they were taken. */
  readonly stacks: readonly DicomStack[];
  /** What is not among them, with the reason as a sentence that names files. File names are the user's own words and are not changed. */
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
}

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

/** Slices of one series that make one volume. */
export interface DicomStack {
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
  readonly acquisition: MrAcquisition;
  readonly grid: Grid;
  /** From the first slice to the last. */
  readonly images: readonly SourceImage[];
  /** Undefined unless the identity is kept. */
  readonly identity: PatientIdentity | undefined;
  /** What a user should know, as sentences. */
  readonly notes: readonly string[];
  /** Reads the pixels: rescaled values on `grid`. @throws ImageError that names the file for all that goes wrong. */
  read(): Promise<Volume>;
}

/** The most files that are looked at. */
const MAX_FILES = 100_000;

/** What is read of a file at first: headers seldom are longer. */
const HEADER_BYTES = 2 ** 19;

/**
 * Looks through a folder with all below it, or at one file, reads the headers of its DICOM images and sorts them into stacks: by study,
 * series, size, direction, and echo or time where a series has several. Slices are ordered along their normal, columns x rows, and must be
 * evenly spaced; classic and multi-frame (enhanced) images of one number per pixel are read. Pixels are read only by `DicomStack.read`.
 *
 * The reader de-identifies: of the patient, the people and places, and of free text nothing leaves it, UIDs are remapped by a keyed hash
 * (HMAC-SHA-256) and dates shifted by a keyed number of days, unless `keepIdentity`. What is burned into the pixels stays; a note says
 * where a file admits it.
 * @throws ImageError when the folder cannot be read or has too many files. A file that cannot be used is named in `skipped`.
 */
export const openDicom = async (path: string, options: IdentityOptions = {}): Promise<DicomFolder> => {
  const identity = identityOf(options);
  const skipped: { file: string; reason: string }[] = [];
  const series = new Map<string, Slice[]>();
  for (const file of await filesBelow(path)) {
    const name = relative(path, file) || file;
    try {
      for (const slice of await readHeaders(file, name, identity)) {
        const { study, series: uid, frameOfReference } = slice.about;
        const key = `${study}|${uid}|${frameOfReference}`;
        const slices = series.get(key);
        if (slices) slices.push(slice);
        else series.set(key, [slice]);
      }
    } catch (error) {
      if (!(error instanceof ImageProblem)) throw error;
      skipped.push({ file: name, reason: error.message });
    }
  }
  const stacks: DicomStack[] = [];
  for (const group of [...series.values()].flatMap(groupsOf)) {
    try {
      stacks.push(dicomStack(stackOf(group)));
    } catch (error) {
      if (!(error instanceof ImageProblem)) throw error;
      skipped.push({ file: group[0].name, reason: error.message });
    }
  }
  return { stacks: stacks.sort(byTime), skipped };
};

const byTime = (a: DicomStack, b: DicomStack): number =>
  (a.patient < b.patient ? -1 : a.patient > b.patient ? 1 : 0) ||
  (a.day ?? 0) - (b.day ?? 0) ||
  (a.seriesNumber ?? 0) - (b.seriesNumber ?? 0) ||
  (a.acquisition.echoTime ?? 0) - (b.acquisition.echoTime ?? 0);

const filesBelow = async (path: string): Promise<string[]> => {
  const files: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const inside = join(folder, entry.name);
      if (entry.isDirectory()) await walk(inside);
      else if (entry.isFile()) files.push(inside);
      if (files.length > MAX_FILES) throw new ImageError(path, `it has more than ${MAX_FILES} files. Give a folder with less.`);
    }
  };
  try {
    if ((await stat(path)).isFile()) return [path];
    await walk(path);
    return files;
  } catch (error) {
    throw error instanceof ImageError ? error : readFailure(path, error);
  }
};

/** What all slices of a file say about where they belong. */
interface About {
  readonly patient: string;
  readonly study: string;
  readonly series: string;
  readonly frameOfReference: string | undefined;
  readonly seriesNumber: number | undefined;
  readonly day: number | undefined;
  readonly studyDay: number | undefined;
  readonly modality: string;
  readonly acquisition: Omit<MrAcquisition, "echoTime">;
  readonly identity: PatientIdentity | undefined;
}

interface Slice {
  readonly path: string;
  readonly name: string;
  readonly frame: Frame;
  readonly image: SourceImage;
  readonly about: About;
  readonly warnings: readonly string[];
}

const readHeaders = async (path: string, name: string, identity: Identity): Promise<readonly Slice[]> => {
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
const withFile = async <Result>(path: string, use: (read: ReadStart, size: number) => Promise<Result>): Promise<Result> => {
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

const dicomStack = ({ slices, grid, notes }: Stack<Slice>): DicomStack => {
  const [{ about, frame }] = slices;
  return {
    ...about,
    acquisition: { ...about.acquisition, echoTime: frame.echoTime },
    ...{ grid, images: slices.map(({ image }) => image) },
    notes: [...notes, ...new Set(slices.flatMap(({ warnings }) => warnings))],
    read: () => readStack(slices, grid),
  };
};

const readStack = async (slices: readonly Slice[], grid: Grid): Promise<Volume> => {
  let data: Float32Array | undefined; // made when a first slice proved to be there
  const size = grid.width * grid.height;
  const files = new Map<string, number[]>();
  for (const [k, { path }] of slices.entries()) {
    const ks = files.get(path);
    if (ks) ks.push(k);
    else files.set(path, [k]);
  }
  for (const [path, ks] of files) {
    try {
      const dataSet = await withFile(path, async (read, bytes) => parseDicom(await read(bytes)));
      const read = frameReader(dataSet);
      for (const k of ks) {
        const { slope, intercept, index } = slices[k].frame;
        const stored = await read(index);
        if (stored.length !== size) throw new ImageProblem("it changed since it was opened. Open the folder again.");
        data ??= new Float32Array(voxelsOf(grid));
        for (let i = 0; i < size; i++) data[k * size + i] = stored[i] * slope + intercept;
      }
    } catch (error) {
      if (error instanceof ImageError) throw error;
      throw new ImageError(path, error instanceof ImageProblem ? error.message : "it is damaged. Copy it again.", error);
    }
  }
  return createVolume(grid, data ?? new Float32Array(0));
};
