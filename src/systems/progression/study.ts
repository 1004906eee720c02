import { randomBytes } from "node:crypto";
import { join } from "node:path";
import {
  createVolume,
  type DicomStack,
  type Grid,
  type IdentityOptions,
  type Image,
  ImageError,
  isSameGrid,
  type LabelVolume,
  openDicom,
  type RegistrationQuality,
  readNifti,
  registerVolumes,
  registrationPicture,
  resampleLabels,
  resampleVolume,
  respacedGrid,
  sequenceTerms,
  spacingOf,
  type Volume,
} from "../../imaging/index.ts";
import type { Config } from "./config.ts";
import type { StudySource } from "./data.ts";
import { readGivenLabels } from "./given-labels.ts";

/** How a sequence was brought to the reference. */
export interface RegisteredSequence {
  readonly name: string;
  /** Undefined for the reference, and where headers are taken to be right. */
  readonly quality?: RegistrationQuality;
  /** Draws it beside the reference, to judge by eye: see `registrationPicture`. */
  readonly picture?: () => Image;
}

/** A study whose sequences lie on one grid. */
export interface Study {
  readonly name: string;
  readonly sequences: readonly RegisteredSequence[];
  /** The reference sequence as it was taken. */
  readonly reference: Volume;
  /** All sequences, the reference first, on the grid that the network sees: the reference's slices, in pixels of `pixel` mm. */
  readonly channels: readonly Volume[];
  /** Given ones, on the reference's grid. */
  readonly givenLabels?: LabelVolume;
  /** The same on the channels' grid. */
  readonly labels?: LabelVolume;
  /** The reference's DICOM series, where it is one. */
  readonly dicom?: DicomStack;
  /** What a user should know, as sentences. */
  readonly notes: readonly string[];
}

export interface OpenStudyOptions {
  /** Names, the reference first; letters' case does not matter. */
  readonly sequences: readonly string[];
  /** Names of the labels 0, 1, ... */
  readonly classes: readonly string[];
  readonly registration: Config["registration"];
  /** In mm. */
  readonly pixel: number;
  /** Default: a key that is drawn for this call. */
  readonly identity?: IdentityOptions;
  /** Whether labels that lie beside the images are read. Default true. */
  readonly labels?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Reads a study's sequences, registers each to the reference, and brings all to one grid.
 * @throws ImageError that names file or folder where a sequence is missing or cannot be read; what `signal` gives when it is aborted.
 */
export const openStudy = async (source: StudySource, options: OpenStudyOptions): Promise<Study> => {
  const { sequences, classes, registration, pixel, signal } = options;
  const identity = options.identity ?? { key: randomBytes(32) }; // one for all sequences, or they would seem to be of several patients
  const found = await imagesOf(source, sequences, identity);
  const [reference, ...others] = sequences.map((name) => found.of(name));
  const fixed = await reference.read();
  const given =
    source.labels === undefined || options.labels === false
      ? undefined
      : await readGivenLabels(
          source.labels,
          { grid: fixed, frameOfReference: reference.dicom?.frameOfReference, identity },
          classes,
        );
  const grid = withPixels(fixed, pixel);
  const registered: RegisteredSequence[] = [{ name: sequences[0] }];
  const channels: Volume[] = [onGrid(fixed, grid)];
  const notes = [...found.notes, ...differencesOf([reference, ...others])];
  for (const [n, other] of others.entries()) {
    signal?.throwIfAborted();
    const name = sequences[n + 1];
    const moving = await other.read();
    if (registration.kind === "none") {
      registered.push({ name });
      channels.push(onGrid(moving, grid));
      continue;
    }
    const { transform, quality } = await registerVolumes(fixed, moving, {
      kind: registration.kind,
      samples: registration.samples,
      start: "headers",
      checkBackward: false,
      signal,
    }).catch((error: Error) => {
      signal?.throwIfAborted();
      throw new ImageError(
        source.folder,
        `its sequence ${name} cannot be registered to ${sequences[0]}: ${error.message}`,
        error,
      );
    });
    notes.push(...quality.warnings.map((warning) => `${name}, registered to ${sequences[0]}: ${warning}`));
    registered.push({ name, quality, picture: () => registrationPicture(fixed, moving, transform) });
    channels.push(resampleVolume(moving, grid, { transform }));
  }
  return {
    name: source.name,
    sequences: registered,
    reference: fixed,
    channels,
    givenLabels: given?.labels,
    labels: given && (isSameGrid(given.labels, grid) ? given.labels : resampleLabels(given.labels, grid)),
    dicom: reference.dicom,
    notes: [...notes, ...(given?.notes ?? [])],
  };
};

/** What speaks against it that sequences are of one examination. */
const differencesOf = (sequences: readonly SequenceImages[]): string[] => {
  const differ = (of: (stack: DicomStack) => unknown): boolean =>
    new Set(sequences.flatMap(({ dicom }) => (dicom ? [of(dicom)] : []))).size > 1;
  return [
    ...(differ(({ patient }) => patient)
      ? ["Its sequences have different patient IDs: look whether they are of one patient."]
      : []),
    ...(differ(({ day }) => day)
      ? ["Its sequences were taken on different days: look whether they are of one examination."]
      : []),
  ];
};

/** Names of the sequences that a study has. */
export const sequencesOf = async (source: StudySource): Promise<string[]> => {
  const { names } = await imagesOf(source, [], undefined);
  return names;
};

/** Grid and day of a study's reference sequence. Errors: as `openStudy`. */
export const referenceOf = async (
  source: StudySource,
  sequence: string,
  identity?: IdentityOptions,
): Promise<{ readonly grid: Grid; readonly day: number | undefined; readonly frameOfReference: string | undefined }> => {
  const { dicom, read } = (await imagesOf(source, [sequence], identity)).of(sequence);
  return { grid: dicom?.grid ?? (await read()), day: dicom?.day, frameOfReference: dicom?.frameOfReference };
};

/** The grid's slices in square pixels of about `pixel` mm; the grid itself where its own are as large, to a hundredth. */
export const withPixels = (grid: Grid, pixel: number): Grid => {
  const [across, down, along] = spacingOf(grid);
  const isClose = (mm: number): boolean => Math.abs(mm / pixel - 1) < 0.01;
  return isClose(across) && isClose(down) ? grid : respacedGrid(grid, [pixel, pixel, along]);
};

const onGrid = (volume: Volume, grid: Grid): Volume =>
  isSameGrid(volume, grid) ? createVolume(grid, volume.data) : resampleVolume(volume, grid);

interface SequenceImages {
  readonly name: string;
  readonly dicom?: DicomStack;
  read(): Promise<Volume>;
}

/** The images of a folder by sequence: NIfTI files and DICOM folders by their name, other DICOM stacks by what they say of themselves. */
const imagesOf = async (
  { folder, sources, labels }: StudySource,
  wanted: readonly string[],
  identity: IdentityOptions | undefined,
) => {
  const images: SequenceImages[] = [];
  const notes: string[] = [];
  for (const { sequence, format, path } of sources) {
    if (format === "nifti") {
      images.push({ name: sequence as string, read: async () => (await readNifti(path)).volume });
      continue;
    }
    const { stacks, skipped } = await openDicom(path, identity);
    // Files are counted and not named: their names may be the patient's.
    const unread = skipped.filter(({ file }) => join(path, file) !== labels);
    const reasons = [...new Set(unread.map(({ reason }) => reason.replaceAll(/"[^"]*"/g, "a file")))];
    if (unread.length > 0) notes.push(`${unread.length} of the DICOM folder's files were not used: ${reasons.join(" ")}`);
    const isWanted = (folder: string): boolean =>
      wanted.length > 0 ? wanted.some((name) => same(name, folder)) : isTerm(folder);
    const isNamed = sequence !== undefined && isWanted(sequence);
    for (const dicom of stacks) {
      const { terms } = dicom.acquisition;
      const said = wanted.find((name) => terms.some((term) => same(term, name))) ?? terms[0];
      const name = isNamed && stacks.length === 1 ? sequence : (said ?? (stacks.length === 1 ? sequence : undefined));
      notes.push(...dicom.notes);
      if (name !== undefined) images.push({ name, dicom, read: dicom.read });
    }
  }
  return {
    names: [...new Set(images.map(({ name }) => name))],
    notes,
    /** @throws ImageError unless there is exactly one of that name. */
    of: (name: string): SequenceImages => {
      const fitting = images.filter((own) => same(own.name, name));
      if (fitting.length === 1) return fitting[0];
      const has = images.length === 0 ? "none" : images.map((own) => own.name).join(", ");
      throw new ImageError(
        folder,
        fitting.length === 0
          ? `it has no sequence ${name}; it has ${has}. Name files after their sequence, or set sequences.`
          : `it has ${fitting.length} images of the sequence ${name}. Keep one of them.`,
      );
    },
  };
};

/** Whether a folder is called as sequences are, and not "Series_001". */
const isTerm = (folder: string): boolean => sequenceTerms([folder]).length > 0;

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
