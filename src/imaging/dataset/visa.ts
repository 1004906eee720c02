import { basename, dirname, join, resolve } from "node:path";
import { exists } from "../../files/index.ts";
import { divide } from "./division.ts";
import { type FoundFile, type Listing, sortSkipped } from "./listing.ts";
import { attachIgnoreMasks, attachMasks, type SeparatedFiles } from "./masks.ts";
import { byCodeUnits, byName, type Dataset, isNormal, kindAndLabel, type Sample } from "./sample.ts";
import { readTable } from "./table.ts";

/** Whether this is the folder of a category of VisA. */
export const isVisa = (images: readonly FoundFile[]): boolean =>
  images.some(({ parts }) => parts.length > 3 && parts[0] === "Data" && parts[1] === "Images");

/**
 * A category of VisA (Zou et al. 2022), such as `VisA/candle`:
 *
 *     candle/Data/Images/Normal/0836.JPG   candle/Data/Images/Anomaly/000.JPG   candle/Data/Masks/Anomaly/000.png
 *     candle/image_anno.csv   image,label,mask: "normal", or the kinds of defect separated by commas
 *     split_csv/1cls.csv      object,split,label,image,mask: the published split of all categories
 *
 * Paths in the tables are relative to the folder that holds the categories. Several kinds on one image become one kind,
 * such as "burnt, scratch". Without the annotations the kind is the name of the folder; without the split the images
 * are divided by `divide`, which `notes` says.
 */
export const arrangeVisa = async (
  source: string,
  listing: Listing,
  { images, truth, ignore }: SeparatedFiles,
  seed: number,
): Promise<Dataset> => {
  const labels = await readColumn(join(source, "image_anno.csv"), "label");
  const splits = await readColumn(join(dirname(resolve(source)), "split_csv", "1cls.csv"), "split", basename(resolve(source)));
  const skipped = [...listing.skipped];
  const samples: Omit<Sample, "split">[] = [];
  for (const { path, name, parts } of images) {
    if (parts.length < 4 || parts[0] !== "Data" || parts[1] !== "Images") {
      skipped.push({ path, reason: 'outside "Data/Images/<kind>/" and "Data/Masks/<kind>/"' });
    } else if (splits.size > 0 && !isSplit(splits.get(name))) {
      skipped.push({ path, reason: 'not in the published split "split_csv/1cls.csv"' });
    } else {
      samples.push({ path, name, ...kindAndLabel(sorted(labels.get(name) ?? parts[2].toLowerCase())) });
    }
  }
  const divided = divide(samples, seed);
  const published = samples.map(
    (sample): Sample => ({ ...sample, split: splits.get(sample.name) === "test" ? "test" : "train" }),
  );
  const all = splits.size > 0 ? published : [...divided.train, ...divided.test].sort(byName);
  const train = all.filter(({ split }) => split === "train");
  const test = all.filter(({ split }) => split === "test");
  const names = new Set(images.map(({ name }) => name));
  const missing = [...splits.keys()].filter((name) => !names.has(name)).length;
  const notes = [
    ...(splits.size > 0 ? [] : [divided.note]),
    ...(missing > 0 ? [`${missing} images of the published split are not there.`] : []),
    ...attachMasks(
      [...test, ...train],
      truth,
      ({ name }) => name.replace(/^Data\/Images\/|\.[^./]*$/g, ""),
      ({ parts }) => parts.some(isNormal),
    ),
  ];
  skipped.push(...attachIgnoreMasks([...test, ...train], ignore));
  return { source, layout: "visa", train, test, skipped: sortSkipped(skipped), notes };
};

const isSplit = (text: string | undefined): boolean => text === "train" || text === "test";

/** "scratch, burnt" -> "burnt, scratch", so that the same kinds in another order are the same. */
const sorted = (kinds: string): string => [...new Set(kinds.split(",").map((kind) => kind.trim()))].sort(byCodeUnits).join(", ");

/** A column by the image's name in its category, which is its path without the first folder; empty without the table. */
const readColumn = async (path: string, column: string, category?: string): Promise<Map<string, string>> => {
  const values = new Map<string, string>();
  if (!(await exists(path))) return values;
  const { header, rows } = await readTable(path);
  for (const { cells } of rows) {
    const cell = (name: string): string => cells[header.indexOf(name)] ?? "";
    if (category === undefined || cell("object") === category) values.set(cell("image").replace(/^[^/]*\//, ""), cell(column));
  }
  return values;
};
