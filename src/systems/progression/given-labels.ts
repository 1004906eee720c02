import {
  ImageError,
  isSameGrid,
  type LabelledOn,
  type LabelVolume,
  readDicomLabels,
  readNiftiLabels,
  resampleLabels,
  voxelVolumeOf,
} from "../../imaging/index.ts";

/** Labels that somebody gave, and what a user should know of them. */
export interface GivenLabels {
  readonly labels: LabelVolume;
  readonly notes: readonly string[];
}

/**
 * Reads given labels onto the reference's grid: class numbers of a NIfTI file, or segments and contours of a DICOM file (SEG, RTSTRUCT) that are called as the
 * classes are, see `labelNamed`. @throws ImageError that says what is wrong with the file, as that nothing of it lies on the grid.
 */
export const readGivenLabels = async (path: string, reference: LabelledOn, classes: readonly string[]): Promise<GivenLabels> => {
  const given = await onGrid(path, reference, classes);
  const wrong = given.labels.data.find((label) => label < 0 || label >= classes.length);
  if (wrong === undefined) return given;
  const known = classes.map((name, label) => `${label} ${name}`).join(", ");
  throw new ImageError(
    path,
    `it holds the class ${wrong}, and there are ${known}. Change it, or name the classes by the setting classes.`,
  );
};

const onGrid = async (path: string, reference: LabelledOn, classes: readonly string[]): Promise<GivenLabels> => {
  if (/\.dcm$/i.test(path)) return readDicomLabels(path, reference, labelNamed(classes));
  const { grid } = reference;
  const drawn = await readNiftiLabels(path);
  if (isSameGrid(drawn, grid)) return { labels: drawn, notes: [] };
  const labels = resampleLabels(drawn, grid);
  const [before, after] = [drawn, labels].map((own) => own.data.filter((label) => label > 0).length * voxelVolumeOf(own));
  if (before > 0 && after === 0) throw new ImageError(path, "nothing that is labelled in it lies within the reference sequence.");
  const isCut = after < MOST_CUT * before;
  return {
    labels,
    notes: isCut
      ? [`${Math.round(100 * (1 - after / before))} % of what is labelled lies outside of the reference sequence.`]
      : [],
  };
};

/** Share of the labelled volume that must come onto the grid to pass without a word; the rounding of voxels takes some. */
const MOST_CUT = 0.9;

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
