import { ImageProblem } from "../readable.ts";
import { TAG } from "../tiff-tags.ts";
import type { TiffDirectories, TiffDirectory } from "./directory.ts";
import { positive } from "./magnification.ts";
import { type OmeImage, readOme } from "./ome.ts";
import { roleAmong, wordsOf } from "./picture-names.ts";

/** Which pictures of a TIFF file are one slide at several resolutions, and what the file says of it. */
export interface Pyramid {
  readonly format: "Aperio SVS" | "OME-TIFF" | "TIFF pyramid";
  /** From fine to coarse. */
  readonly levels: readonly TiffDirectory[];
  readonly associated: readonly string[];
  readonly micronsPerPixel: number | undefined;
  readonly magnification: number | undefined;
}

/** Bytes of OME-XML that are looked at. */
const MAX_OME = 8 * 2 ** 20;

/** A picture of the file. */
interface Page {
  readonly directory: TiffDirectory;
  readonly width: number;
  readonly height: number;
  readonly tiled: boolean;
  readonly description: string;
}

/**
 * Finds the levels. Level 0 is the largest page (of OME-TIFF that of the largest image) that is not called a label, macro or
 * thumbnail, in tiles if there are such pages. Coarser levels are those of the following pages, or of the pages below level 0 (SubIFDs), that show the same: of the same
 * aspect, smaller than the level before, stored in tiles if level 0 is, and not called otherwise. All else is named, and never read.
 * @throws ImageProblem for formats of other scanners, whose pages mean something else, and when there is no level.
 */
export const findPyramid = async (directories: TiffDirectories): Promise<Pyramid> => {
  const pages: Page[] = [];
  for (const directory of directories.pages) pages.push(await pageOf(directory));
  if (pages.length === 0) throw new ImageProblem("it is damaged: it has no pictures. Copy it again.");
  await refuseOthers(pages[0]);

  const ome = readOme(await pages[0].directory.text(TAG.description, MAX_OME));
  const slide = ome && slideOf(ome, pages);
  const base = slide === undefined ? slidePage(pages) : pages[slide.directory];
  if (base === undefined) {
    throw new ImageProblem("it holds only label, macro or thumbnail images, which may show a patient's name and are never read.");
  }
  const below: Page[] = [];
  for (const directory of await directories.below(base.directory)) below.push(await pageOf(directory));
  const others = pages.filter((page) => page !== base);
  const levels = levelsFrom(base, ome === undefined ? [...below, ...others] : below);
  const associated = others.flatMap((page) =>
    levels.includes(page) ? [] : [(ome ? roleIn(ome, pages.indexOf(page)) : roleOf(page)) ?? `page ${pages.indexOf(page) + 1}`],
  );
  const aperio = isAperio(base.description);
  return {
    format: ome !== undefined ? "OME-TIFF" : aperio ? "Aperio SVS" : "TIFF pyramid",
    levels: levels.map(({ directory }) => directory),
    associated,
    micronsPerPixel: (slide ? slide.micronsPerPixel : described(base, "MPP")) ?? (aperio ? undefined : await resolutionOf(base)),
    magnification: slide ? slide.magnification : described(base, "AppMag"),
  };
};

const pageOf = async (directory: TiffDirectory): Promise<Page> => ({
  directory,
  width: await directory.first(TAG.width, 0),
  height: await directory.first(TAG.height, 0),
  tiled: directory.has(TAG.tileWidth),
  description: await directory.text(TAG.description),
});

/** A thumbnail, label or macro image whose name nobody knows is small, and in strips. */
const slidePage = (pages: readonly Page[]): Page | undefined => {
  const unnamed = pages.filter((page) => roleOf(page) === undefined);
  const tiled = unnamed.filter((page) => page.tiled);
  return largest(tiled.length > 0 ? tiled : unnamed, (page) => page);
};

/** The one with the most pixels; of equal ones the first. */
const largest = <Item>(items: readonly Item[], sizeOf: (item: Item) => Size): Item | undefined => {
  const areaOf = (item: Item): number => sizeOf(item).width * sizeOf(item).height;
  return items.length === 0 ? undefined : items.reduce((best, item) => (areaOf(item) > areaOf(best) ? item : best));
};

/** More words than this in a line are no name, but what was done, and by whom. */
const WORDS_OF_NAME = 4;

/** What a page is called that is no level. Aperio's thumbnail says "2220x2967 -> 574x768" and lies in strips. */
const roleOf = ({ description, tiled }: Page): string | undefined => {
  for (const line of description.split(/[\r\n]+/)) {
    const words = wordsOf(line);
    const name = words.length <= WORDS_OF_NAME ? words : words.filter((_, i) => i === 0 || words[i + 1] === "image");
    const role = roleAmong(name);
    if (role !== undefined) return role;
  }
  return !tiled && isAperio(description) && /\d+x\d+ -> \d+x\d+/.test(description) ? "thumbnail" : undefined;
};

const isAperio = (description: string): boolean => /^\s*Aperio/.test(description);

const levelsFrom = (base: Page, candidates: readonly Page[]): Page[] => {
  const levels = [base];
  const fitting = candidates.filter(
    (page) => page.tiled === base.tiled && roleOf(page) === undefined && downsampleOf(base, page) !== undefined,
  );
  for (const page of fitting.sort((a, b) => b.width - a.width || b.height - a.height)) {
    const last = levels[levels.length - 1];
    if (page.width <= last.width && page.height <= last.height && page.width * page.height < last.width * last.height) {
      levels.push(page);
    }
  }
  return levels;
};

interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * How many pixels of `base` lie along one of `level`, where there is such a number: sides are whole pixels, so each is known up to one.
 * A power of two, or else a whole number, where one fits.
 */
export const downsampleOf = (base: Size, level: Size): number | undefined => {
  const low = Math.max(base.width / (level.width + 1), base.height / (level.height + 1));
  const high = Math.min(base.width / (level.width - 1), base.height / (level.height - 1)); // of one pixel: no bound
  if (!(low < high)) return undefined;
  const ratio = base.width > base.height ? base.width / level.width : base.height / level.height;
  const fits = (factor: number): boolean => low < factor && factor < high;
  return [2 ** Math.round(Math.log2(ratio)), Math.round(ratio)].find(fits) ?? Math.min(Math.max(ratio, low), high);
};

const slideOf = (ome: readonly OmeImage[], pages: readonly Page[]): OmeImage => {
  const eligible = ome.filter(({ role, directory }) => role === undefined && pages[directory] !== undefined);
  const image = largest(eligible, ({ directory }) => pages[directory]);
  if (image === undefined) throw new ImageProblem("it holds only label, macro or thumbnail images, which are never read.");
  if (image.channels !== 3) {
    throw new ImageProblem(`it has ${image.channels} channels, planes or times of grey. Only OME-TIFF of 8-bit RGB is read.`);
  }
  return image;
};

const roleIn = (ome: readonly OmeImage[], index: number): string | undefined =>
  ome.find(({ directory }) => directory === index)?.role;

/** A number of Aperio's description, "|AppMag = 20|MPP = 0.4990|", which others write as well. */
const described = ({ description }: Page, name: string): number | undefined =>
  positive(Number(new RegExp(`\\b${name}\\s*=\\s*([0-9.,]+)`, "i").exec(description)?.[1].replace(",", ".")));

/** Coarser pixels are those of a printed page. */
const COARSEST = 20;

/** From XResolution: pixels per inch or centimetre. */
const resolutionOf = async ({ directory }: Page): Promise<number | undefined> => {
  const micronsPerUnit = new Map([
    [2, 25_400],
    [3, 10_000],
  ]).get(await directory.first(TAG.resolutionUnit, 2));
  const microns = positive((micronsPerUnit ?? Number.NaN) / (await directory.first(TAG.xResolution, Number.NaN)));
  return microns !== undefined && microns <= COARSEST ? microns : undefined;
};

/** Of these a reader of plain pages would show the macro image, or tiles out of place. */
const refuseOthers = async ({ directory, description }: Page): Promise<void> => {
  const HAMAMATSU = 65_420;
  const other = directory.has(HAMAMATSU)
    ? "Hamamatsu NDPI"
    : description.includes("leica-microsystems.com/scn")
      ? "Leica SCN"
      : (await directory.text(TAG.xmp)).includes("<iScan")
        ? "Ventana BIF"
        : undefined;
  if (other === undefined) return;
  throw new ImageProblem(`it is a slide of the format ${other}, which is not read. Convert it to a pyramidal TIFF or OME-TIFF.`);
};
