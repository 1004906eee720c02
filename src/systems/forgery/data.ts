import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import {
  byName,
  DatasetError,
  isTable,
  type Listing,
  listFolder,
  type Sample,
  type SkippedFile,
  some,
} from "../../imaging/index.ts";
import { digestOfDigests, digestOfFile } from "../../training/index.ts";
import type { Config } from "./config.ts";
import { drawShare } from "./dataset/division.ts";
import { arrangeFolders, isForgeryFolder } from "./dataset/folders.ts";
import type { FoundImage } from "./dataset/found-image.ts";
import { type Identified, identify } from "./dataset/identity.ts";
import { readImageTable, tablesIn } from "./dataset/table.ts";

/**
 * An image of a data set: label 0 and kind "real", or label 1 and the kind of its forgery, with the mask of the forged region (not
 * black where it is forged) where there is one. As for every data set, an image for validation has the split "train".
 */
export interface ForgeryImage extends Sample {
  /** Its identity: the source video or person. No identity is in two splits. */
  group: string;
}

export interface ForgeryDataset {
  /** The folder or table that was read. */
  readonly source: string;
  readonly layout: "folders" | "table";
  /** Whether folders or the table say which images are for what; else they were drawn. */
  readonly stated: boolean;
  readonly train: readonly ForgeryImage[];
  readonly validation: readonly ForgeryImage[];
  readonly test: readonly ForgeryImage[];
  readonly skipped: readonly SkippedFile[];
  /** Sentences about what is unusual but usable, and about every choice that was made for the user. */
  readonly notes: readonly string[];
}

export interface ForgeryDataOptions {
  /** Of the division. Default 0. */
  readonly seed?: number;
  /** Share of the training images that is kept for validation, where no image is stated to be for it. Default 0.2. */
  readonly validation?: number;
  /** Share of the images that is kept for testing, where no split is stated: 0 for training on all, 1 for testing on all. Default 0.2. */
  readonly test?: number;
  /** A regular expression that finds identities in names of files: see `identify`. */
  readonly groups?: string;
}

/**
 * Lists a data set of real and forged images without opening them: folders `real/` and `fake/` (see `arrangeFolders`), or a table of
 * images (see `readImageTable`), given itself or by the folder that it lies in: it says more than the folders beside it, and is read
 * instead of them. There may be no forged images at all.
 *
 * Where nothing is stated to be for validation, about a share of the training images is drawn for it; where nothing is stated at
 * all, one for testing before. Both are drawn by identity (see `identify`), so that none is in two splits.
 * Samples are sorted by name in code-unit order. Everything left out is in `skipped` with a reason.
 *
 * @throws DatasetError when there is nothing at the source, or no image that can be used, or an identity lies in several stated splits.
 */
export const readForgeryDataset = async (source: string, options: ForgeryDataOptions = {}): Promise<ForgeryDataset> => {
  const { images: found, skipped, notes, layout } = await findImages(source);
  const { images, notes: identityNotes } = identify(found, options.groups);
  const divided = divide(images.toSorted(byName), options);
  return { source, layout, skipped, ...divided, notes: [...notes, ...identityNotes, ...divided.notes] };
};

interface Found {
  readonly images: readonly FoundImage[];
  readonly skipped: readonly SkippedFile[];
  readonly notes: readonly string[];
  readonly layout: ForgeryDataset["layout"];
}

const EXPECTED =
  'Give a folder with "real/" and "fake/" (at its top, or in "train/", "validation/" and "test/"), or a table of images (.csv).';

/** Whether a source holds images that are said to be real or forged, as far as its listing tells: a table needs some that are forged. */
export const isForgeryData = async (source: string): Promise<boolean> =>
  findImages(source).then(
    ({ images, layout }) => layout === "folders" || images.some(({ label }) => label === 1),
    (error: unknown) => {
      if (error instanceof DatasetError) return false;
      throw error;
    },
  );

const findImages = async (source: string): Promise<Found> => {
  const status = await stat(source).catch(() => undefined);
  if (status === undefined) throw new DatasetError(`"${source}" does not exist, or cannot be read. ${EXPECTED}`);
  if (!status.isDirectory()) {
    if (!isTable(source)) throw new DatasetError(`"${source}" is a file. ${EXPECTED}`);
    return { ...(await readImageTable(source)), layout: "table" };
  }
  const listing = await listFolder(source);
  const tables = await tablesIn(listing);
  if (isForgeryFolder(listing) && tables.length !== 1) {
    const { notes, ...found } = arrangeFolders(listing);
    const beside = `The folders were read, not the tables of images beside them. To read one, give it: ${some(tables)}.`;
    return { ...found, notes: tables.length > 0 ? [...notes, beside] : notes, layout: "folders" };
  }
  if (tables.length > 1) {
    throw new DatasetError(`The folder "${source}" holds several tables of images (${some(tables)}). Give one of them.`);
  }
  if (tables.length === 1) {
    const read = await readImageTable(tables[0]);
    return { ...read, skipped: [...read.skipped, ...unlisted(listing, read.images, tables[0])], layout: "table" };
  }
  throw new DatasetError(`The folder "${source}" holds no real or forged images that are told apart. ${EXPECTED}`);
};

/** The images of `real/` and `fake/` that a table beside them leaves out. */
const unlisted = (listing: Listing, images: readonly FoundImage[], table: string): SkippedFile[] => {
  const listed = new Set(images.map(({ path }) => resolve(path)));
  return arrangeFolders(listing)
    .images.filter(({ path }) => !listed.has(resolve(path)))
    .map(({ path }) => ({ path, reason: `not in the table "${basename(table)}" (or in a row that cannot be used)` }));
};

const divide = (
  images: readonly Identified[],
  { seed = 0, validation: validationShare = 0.2, test: testShare = 0.2 }: ForgeryDataOptions,
): Pick<ForgeryDataset, "train" | "validation" | "test" | "stated" | "notes"> => {
  for (const share of [validationShare, testShare]) {
    if (!(share >= 0 && share <= 1)) throw new RangeError(`A share of images is between 0 and 1, not ${share}.`);
  }
  const notes: string[] = [];
  const stated = images.some(({ split }) => split !== undefined);
  const open = images.filter(({ split }) => split === undefined);
  if (stated && open.length > 0) notes.push(`${open.length} images have no split and are taken for training.`);
  const drawn = stated ? undefined : drawShare(open, testShare, "test", seed);
  if (drawn !== undefined) {
    notes.push(`No split is stated, so ${described(drawn.drawn, images)} (drawn by identity with seed ${seed}) are for testing.`);
  }
  const test = drawn?.drawn ?? images.filter(({ split }) => split === "test");
  const learnt = drawn?.others ?? images.filter(({ split }) => split === "train" || split === undefined);
  const validation = images.filter(({ split }) => split === "validation");
  const kept = validation.length > 0 ? undefined : drawShare(learnt, validationShare, "validation", seed);
  if (kept !== undefined && learnt.length > 0) {
    notes.push(`${described(kept.drawn, learnt)} of training (drawn by identity with seed ${seed}) are kept for validation.`);
  }
  return {
    train: samplesOf(kept?.others ?? learnt, "train"),
    validation: samplesOf(kept?.drawn ?? validation, "train"),
    test: samplesOf(test, "test"),
    stated,
    notes,
  };
};

const described = (drawn: readonly Identified[], all: readonly Identified[]): string => {
  const count = (images: readonly Identified[], label: 0 | 1): number => images.filter((image) => image.label === label).length;
  return `${count(drawn, 0)} of ${count(all, 0)} real and ${count(drawn, 1)} of ${count(all, 1)} forged images`;
};

const samplesOf = (images: readonly Identified[], split: Sample["split"]): ForgeryImage[] =>
  images.map(({ path, name, label, kind, identity, maskPath }) => ({
    path,
    name,
    split,
    kind,
    label,
    group: identity,
    ...(maskPath === undefined ? {} : { maskPath }),
  }));

/** The data set that a configuration asks for: divided its way, without the kind that it leaves out. @throws DatasetError */
export const datasetOf = async (source: string, { seed, data }: Pick<Config, "seed" | "data">): Promise<ForgeryDataset> => {
  const { validation, test, groups, leaveOut } = data;
  const dataset = await readForgeryDataset(source, { seed: data.seed ?? seed, validation, test, groups });
  return leaveOut === undefined ? dataset : leaveOutKind(dataset, leaveOut);
};

/** SHA-256 over images, their masks and what they are; a file that cannot be read counts as empty. */
export const digestOfImages = async (samples: readonly ForgeryImage[]): Promise<string> => {
  const parts: { readonly name: string; readonly digest: string }[] = [];
  for (const { kind, group, name, path, maskPath = "" } of samples) {
    for (const file of [path, maskPath]) {
      parts.push({ name: `${kind} ${group} ${name}`, digest: file && (await digestOfFile(file).catch(() => "")) });
    }
  }
  return digestOfDigests(parts);
};

/** The kinds of forgery among samples, in code-unit order. */
export const kindsOf = (samples: readonly ForgeryImage[]): string[] =>
  [...new Set(samples.filter(({ label }) => label === 1).map(({ kind }) => kind))].sort();

/**
 * The data set for judging how well a kind of forgery is found that was never seen: nothing of it is left for training and validation,
 * and the test has no other. `kind` stands for all kinds below it as well: "splice" for "splice/poisson".
 * @throws DatasetError when no test image is of that kind.
 */
export const leaveOutKind = (dataset: ForgeryDataset, kind: string): ForgeryDataset => {
  const isOfKind = (sample: ForgeryImage): boolean =>
    sample.label === 1 && (sample.kind === kind || sample.kind.startsWith(`${kind}/`));
  if (!dataset.test.some(isOfKind)) {
    throw new DatasetError(
      `No test image of "${dataset.source}" is of the kind "${kind}"; there are ${kindsOf(dataset.test).join(", ")}.`,
    );
  }
  return {
    ...dataset,
    train: dataset.train.filter((sample) => !isOfKind(sample)),
    validation: dataset.validation.filter((sample) => !isOfKind(sample)),
    test: dataset.test.filter((sample) => sample.label === 0 || isOfKind(sample)),
  };
};

/** The identities of images, for intervals over whole identities; undefined where each image has its own. */
export const groupsOf = (samples: readonly { readonly group?: string }[]): string[] | undefined => {
  const groups = samples.map(({ group = "" }) => group);
  return new Set(groups).size === groups.length ? undefined : groups;
};
