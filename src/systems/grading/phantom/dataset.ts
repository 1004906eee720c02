import { join } from "node:path";
import { stringify } from "csv-stringify/sync";
import sharp from "sharp";
import { writeFileAtomic } from "../../../files/index.ts";
import { writeSlide } from "../../../imaging/index.ts";
import { random } from "../../../random/index.ts";
import { type Phantom, type PhantomOptions, phantom } from "./phantom.ts";

export const phantomSplits = ["train", "validation", "test"] as const;

export type PhantomSplit = (typeof phantomSplits)[number];

/** The first seed of each split. The ranges are a million wide and do not meet, so no test slide can be a training slide. */
export const firstSeed: Readonly<Record<PhantomSplit, number>> = { train: 0, test: 1_000_000, validation: 2_000_000 };

const seedsPerSplit = 1_000_000;

/** How the files of a slide are written. `image` and `mask` get the path, its ending included. */
export interface PhantomWriter {
  /** The ending of the files, such as "tiff". */
  readonly extension: string;
  readonly image: (path: string, slide: Phantom) => Promise<void>;
  readonly mask: (path: string, slide: Phantom) => Promise<void>;
}

export interface PhantomDatasetOptions extends Pick<PhantomOptions, "width" | "height" | "micronsPerPixel" | "tissue"> {
  /** Number of slides of each split. Default 120 to train and 60 to test; a split left out has none. */
  readonly slides?: Readonly<Partial<Record<PhantomSplit, number>>>;
  /** Slides have the seeds `firstSeed[split] + seed`, + 1, + 2 and so on. Default 0. */
  readonly seed?: number;
  /** Slides of one patient, who is in one split only. Default 2. */
  readonly slidesPerPatient?: number;
  /** Default: `tiledTiff`, which holds a slide in memory; slides over some 8000 pixels a side need `pyramidalTiff`. */
  readonly writer?: PhantomWriter;
  readonly listener?: (progress: { readonly done: number; readonly total: number }) => void;
  readonly signal?: AbortSignal;
}

/** A slide of a data set: a row of its table. Paths are relative to the data set's folder. */
export interface PhantomRow {
  readonly image: string;
  readonly mask: string;
  readonly grade: number;
  readonly patient: string;
  readonly split: PhantomSplit;
}

/** What slide `index` of a split is: each run of six slides has all six grades, in random order. */
export const phantomOf = (
  split: PhantomSplit,
  index: number,
  {
    seed = 0,
    slidesPerPatient = 2,
    ...size
  }: Pick<PhantomDatasetOptions, "seed" | "slidesPerPatient" | "width" | "height" | "micronsPerPixel" | "tissue"> = {},
): { seed: number; options: PhantomOptions } => {
  const first = firstSeed[split] + seed;
  const order = random("phantom grades", first, Math.floor(index / 6)).permutation(6);
  return {
    seed: first + index,
    options: { ...size, grade: order[index % 6], patient: first + index - (index % slidesPerPatient) },
  };
};

/**
 * Writes slides, their masks (value = class, see `phantomClasses`) and `slides.csv` with the columns image, mask, grade, patient and
 * split into a folder. The table is written last, so a folder that has one is whole. Returns its rows.
 * Throws a RangeError for numbers out of range, and an Error that names the file when one cannot be written.
 */
export const writePhantomDataset = async (folder: string, options: PhantomDatasetOptions = {}): Promise<PhantomRow[]> => {
  const { slides = { train: 120, test: 60 }, seed = 0, slidesPerPatient = 2, writer = tiledTiff, listener, signal } = options;
  const { width, height, micronsPerPixel, tissue } = options;
  if (!Number.isInteger(slidesPerPatient) || slidesPerPatient < 1) {
    throw new RangeError(`slidesPerPatient must be a whole number from 1 on, not ${slidesPerPatient}.`);
  }
  const total = phantomSplits.reduce((sum, split) => sum + checkedCount(split, slides[split] ?? 0, seed), 0);
  const rows: PhantomRow[] = [];
  for (const split of phantomSplits) {
    for (let index = 0; index < (slides[split] ?? 0); index++) {
      signal?.throwIfAborted();
      const plan = phantomOf(split, index, { seed, slidesPerPatient, width, height, micronsPerPixel, tissue });
      const slide = phantom(plan.seed, plan.options);
      const name = `${split}-${String(index).padStart(4, "0")}.${writer.extension}`;
      const row = {
        image: `images/${name}`,
        mask: `masks/${name}`,
        grade: slide.grade,
        patient: `P${plan.options.patient}`,
        split,
      };
      await writer.image(join(folder, row.image), slide);
      await writer.mask(join(folder, row.mask), slide);
      rows.push(row);
      listener?.({ done: rows.length, total });
    }
  }
  await writeFileAtomic(
    join(folder, "slides.csv"),
    stringify(rows, { header: true, columns: ["image", "mask", "grade", "patient", "split"] }),
  );
  return rows;
};

/** Tiled TIFF of one level, with its resolution: JPEG of quality 90 for the image, deflate for the mask. */
export const tiledTiff: PhantomWriter = {
  extension: "tiff",
  image: async (path, slide) => {
    const { width, height } = slide;
    const { image } = slide.paint(0, 0, width, height);
    const tiff = { ...tiled(slide), compression: "jpeg", quality: 90 } as const;
    await writeFileAtomic(
      path,
      await sharp(image, { raw: { width, height, channels: 3 } })
        .tiff(tiff)
        .toBuffer(),
    );
  },
  mask: async (path, slide) => {
    const { width, height } = slide;
    const tiff = { ...tiled(slide), compression: "deflate", predictor: "none" } as const;
    const mask = sharp(slide.paintMask(0, 0, width, height), { raw: { width, height, channels: 1 } });
    await writeFileAtomic(path, await mask.toColourspace("b-w").tiff(tiff).toBuffer());
  },
};

/** Pyramidal BigTIFF, painted and written tile by tile: for slides of any size. */
export const pyramidalTiff: PhantomWriter = {
  extension: "tiff",
  image: (path, slide) =>
    writeSlide(path, { ...layoutOf(slide), channels: 3, compression: "jpeg" }, (...tile) => slide.paint(...tile).image),
  mask: (path, slide) =>
    writeSlide(path, { ...layoutOf(slide), channels: 1, compression: "deflate" }, (...tile) => slide.paintMask(...tile)),
};

const layoutOf = ({ width, height, micronsPerPixel }: Phantom) => ({ width, height, micronsPerPixel, tile: 512 });

/** Tiles, and the resolution in pixels per millimetre. */
const tiled = ({ micronsPerPixel }: Phantom) => ({
  tile: true,
  tileWidth: 256,
  tileHeight: 256,
  xres: 1000 / micronsPerPixel,
  yres: 1000 / micronsPerPixel,
  resolutionUnit: "cm" as const,
});

const checkedCount = (split: PhantomSplit, count: number, seed: number): number => {
  const fits = [count, seed].every(Number.isInteger) && count >= 0 && seed >= 0 && seed + count <= seedsPerSplit;
  if (!fits) {
    throw new RangeError(
      `A split has whole numbers of slides and seeds up to ${seedsPerSplit}; ${split} has ${count} slides from seed ${seed}.`,
    );
  }
  return count;
};
