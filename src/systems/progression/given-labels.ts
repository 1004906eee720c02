import {
  type Grid,
  isSameGrid,
  type LabelVolume,
  readDicomLabels,
  readNiftiLabels,
  resampleLabels,
} from "../../imaging/index.ts";

/** Labels that somebody gave, and what a user should know of them. */
export interface GivenLabels {
  readonly labels: LabelVolume;
  readonly notes: readonly string[];
}

export const isDicomLabels = (path: string): boolean => /\.dcm$/i.test(path);

/**
 * Reads given labels onto a grid: class numbers of a NIfTI file, or segments and contours of a DICOM file (SEG, RTSTRUCT) that are called as the
 * classes are, see `labelNamed`. @throws ImageError that says what is wrong with the file.
 */
export const readGivenLabels = async (path: string, grid: Grid, classes: readonly string[]): Promise<GivenLabels> => {
  if (isDicomLabels(path)) return readDicomLabels(path, grid, labelNamed(classes));
  const labels = await readNiftiLabels(path);
  return { labels: isSameGrid(labels, grid) ? labels : resampleLabels(labels, grid), notes: [] };
};

/** What readers of vessel walls call the classes beside their names here. */
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  wall: ["outer wall", "vessel wall"],
  calcification: ["calcifications", "calcium"],
  "lipid core": ["LRNC", "lipid rich necrotic core", "necrotic core", "lipid"],
  haemorrhage: ["hemorrhage", "IPH", "intraplaque haemorrhage", "intraplaque hemorrhage"],
  "fibrous cap": ["cap"],
};

/** The class of a name, whatever its case, spaces and signs. */
export const labelNamed = (classes: readonly string[]): ((name: string) => number | undefined) => {
  const labels = new Map<string, number>();
  for (const [label, name] of classes.entries()) {
    if (label > 0) for (const own of [name, ...(SYNONYMS[name] ?? [])]) labels.set(letters(own), label);
  }
  return (name) => labels.get(letters(name));
};

const letters = (name: string): string => name.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, "");
