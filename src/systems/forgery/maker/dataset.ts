import { join } from "node:path";
import { stringify } from "csv-stringify/sync";
import { writeFileAtomic } from "../../../files/index.ts";
import { encodeJpeg, encodeMaskPng, encodePng, type Image } from "../../../imaging/index.ts";
import { random } from "../../../random/index.ts";
import {
  type Forgery,
  type ManipulationKind,
  manipulate,
  manipulationKinds,
  needsDonor,
  usualArea,
} from "./manipulations/index.ts";
import { editedPhotograph } from "./photograph/edit.ts";
import type { AreaRange } from "./regions.ts";

export const forgerySplits = ["train", "validation", "test"] as const;

export type ForgerySplit = (typeof forgerySplits)[number];

/** The first identity of each split. The ranges are ten million wide and do not meet: no photograph is in two splits. */
export const firstIdentity: Readonly<Record<ForgerySplit, number>> = { train: 0, test: 10_000_000, validation: 20_000_000 };

const identitiesPerSplit = 10_000_000;
/** A real image, the target of a forgery and its donor. */
const identitiesPerPair = 3;

export interface ForgeryDatasetOptions {
  /**
   * Number of real images of each split, and of forgeries, the kinds taking turns. Default 180 to train, 45 to validate and 90 to test; a
   * split left out has none.
   */
  readonly images?: Readonly<Partial<Record<ForgerySplit, number>>>;
  /** Kinds of manipulation. Default: all. */
  readonly kinds?: readonly ManipulationKind[];
  /** Pixels; all images have one size. Default 128 x 128; made for 64 to 512. */
  readonly width?: number;
  readonly height?: number;
  /** The photographs are other ones for another seed, if it is at least three times the number of images away. Default 0. */
  readonly seed?: number;
  /** Shares of the image that a manipulation covers. Default 0.04 to 0.25. */
  readonly area?: AreaRange;
  /**
   * `jpeg` (default): every image is compressed once at the end, at a quality drawn evenly from `quality`. `png`: nothing is lost at the
   * end, so that the traces are there as they were made.
   */
  readonly format?: "jpeg" | "png";
  /** Least and greatest quality of the last compression, 1 .. 100. Default 85 and 97. */
  readonly quality?: readonly [low: number, high: number];
  readonly listener?: (progress: { readonly done: number; readonly total: number }) => void;
  readonly signal?: AbortSignal;
}

/** An image of a data set: a row of its table. Paths are relative to the data set's folder, with "/" between parts. */
export interface ForgeryRow {
  readonly path: string;
  readonly class: "real" | "fake";
  /** Empty for a real image. */
  readonly kind: ManipulationKind | "";
  /** Path of the mask, empty for a real image. */
  readonly mask: string;
  /** The photograph that this is, or that was manipulated. */
  readonly identity: number;
  /** The photograph that a part was taken from; empty where there is none. */
  readonly donor: number | "";
  readonly split: ForgerySplit;
  /** Quality of the last JPEG compression; empty without one. */
  readonly quality: number | "";
}

const columns: readonly (keyof ForgeryRow)[] = ["path", "class", "kind", "mask", "identity", "donor", "split", "quality"];

/** A sample before it is written. */
export interface ForgerySample {
  readonly row: ForgeryRow;
  readonly image: Image;
  /** Where a forgery was manipulated. */
  readonly mask?: Forgery["mask"];
}

/** Image `index` of a class of a split: a pure function of split, class, index and options. Throws as `manipulate` and `photograph`. */
export const forgerySample = async (
  split: ForgerySplit,
  imageClass: ForgeryRow["class"],
  index: number,
  options: ForgeryDatasetOptions = {},
): Promise<ForgerySample> => {
  const { kinds = manipulationKinds, width = 128, height = 128, seed = 0, area = usualArea, format = "jpeg" } = options;
  const first = firstIdentity[split] + seed + identitiesPerPair * index;
  const identity = imageClass === "real" ? first : first + 1;
  const name = String(index).padStart(5, "0");
  const extension = format === "jpeg" ? "jpg" : "png";
  const quality = format === "jpeg" ? lastQuality(identity, options.quality) : "";
  const target = await editedPhotograph(identity, width, height);
  if (imageClass === "real") {
    const path = `${split}/real/${name}.${extension}`;
    return { row: { path, class: "real", kind: "", mask: "", identity, donor: "", split, quality }, image: target.image };
  }
  const kind = kinds[index % kinds.length];
  const donor = needsDonor(kind) ? first + 2 : "";
  const donated = donor === "" ? target : await editedPhotograph(donor, width, height);
  const { image, mask } = manipulate(kind, target, donated, { seed, index: identity, area });
  const path = `${split}/fake/${kind}/${name}.${extension}`;
  const row = { path, class: "fake", kind, mask: `${split}/masks/${kind}/${name}.png`, identity, donor, split, quality } as const;
  return { row, image, mask };
};

/**
 * Writes real and manipulated images into a folder: `<split>/real/<name>.jpg`, `<split>/fake/<kind>/<name>.jpg` and for the latter
 * `<split>/masks/<kind>/<name>.png` (255 = manipulated), and `images.csv` with the columns path, class, kind, mask, identity, donor,
 * split and quality. The table is written last, so a folder that has one is whole; files are written whole or not at all. A photograph is
 * in one split only, and there either a real image, a forgery's target or its donor. Returns the rows.
 * Throws a RangeError for options out of range, and an Error that names the file when one cannot be written.
 */
export const writeForgeryDataset = async (folder: string, options: ForgeryDatasetOptions = {}): Promise<ForgeryRow[]> => {
  const { images = { train: 180, validation: 45, test: 90 }, listener, signal } = options;
  checkOptions(images, options);
  const total = forgerySplits.reduce((sum, split) => sum + 2 * (images[split] ?? 0), 0);
  const rows: ForgeryRow[] = [];
  for (const split of forgerySplits) {
    for (let index = 0; index < (images[split] ?? 0); index++) {
      for (const imageClass of ["real", "fake"] as const) {
        signal?.throwIfAborted();
        const { row, image, mask } = await forgerySample(split, imageClass, index, options);
        await writeFileAtomic(join(folder, row.path), await encodeSample(image, row));
        if (mask !== undefined) await writeFileAtomic(join(folder, row.mask), await encodeMaskPng(mask));
        rows.push(row);
        listener?.({ done: rows.length, total });
      }
    }
  }
  await writeFileAtomic(join(folder, "images.csv"), stringify(rows, { header: true, columns: [...columns] }));
  return rows;
};

/** The bytes of an image's file. */
export const encodeSample = (image: Image, { quality }: Pick<ForgeryRow, "quality">): Promise<Buffer> =>
  quality === "" ? encodePng(image) : encodeJpeg(image, quality);

const usualQuality = [85, 97] as const;

const lastQuality = (identity: number, [low, high]: readonly [number, number] = usualQuality): number =>
  random("last compression", identity).integer(low, high);

const checkOptions = (
  images: Readonly<Partial<Record<ForgerySplit, number>>>,
  { seed = 0, kinds = manipulationKinds, quality = usualQuality }: ForgeryDatasetOptions,
): void => {
  for (const split of forgerySplits) {
    const count = images[split] ?? 0;
    const whole = [count, seed].every((value) => Number.isInteger(value) && value >= 0);
    if (!whole || seed + identitiesPerPair * count > identitiesPerSplit) {
      throw new RangeError(
        `A split has whole numbers of images and seeds, and ${identitiesPerSplit} photographs, three for each real image; ` +
          `${split} has ${count} images from seed ${seed}.`,
      );
    }
  }
  const unknown = kinds.find((kind) => !manipulationKinds.includes(kind));
  if (unknown !== undefined || kinds.length === 0) {
    throw new RangeError(`There is no manipulation "${unknown ?? ""}". Name one or more of ${manipulationKinds.join(", ")}.`);
  }
  const [low, high] = quality;
  if (!(Number.isInteger(low) && Number.isInteger(high) && low >= 1 && low <= high && high <= 100)) {
    throw new RangeError(`The quality must be two whole numbers, 1 <= low <= high <= 100, not ${low} and ${high}.`);
  }
};
