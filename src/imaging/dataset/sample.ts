export interface Sample {
  path: string;
  /** Path relative to the data set's root, with "/" on every system. */
  name: string;
  split: "train" | "test";
  /** "good" for every normal image, else the kind of defect. */
  kind: string;
  /** 0 = normal, 1 = defect. */
  label: 0 | 1;
  /** The picture of the defect's area, for `decodeMask`. */
  maskPath?: string;
  /** A picture, for `decodeMask`, of the pixels that count nowhere: not in training, scores or measures. */
  ignorePath?: string;
  /** What must not be divided between training and test: a person, a lot, a video. */
  group?: string;
}

export interface SkippedFile {
  path: string;
  reason: string;
}

export interface Dataset {
  /** The folder, manifest or pattern that was read. */
  source: string;
  layout: "mvtec" | "visa" | "manifest" | "classes" | "folder" | "glob";
  train: Sample[];
  test: Sample[];
  /** Files, or rows of a manifest, that are not part of the data set, one entry each. */
  skipped: SkippedFile[];
  /** Sentences about what is unusual but usable, and about every choice that was made for the user. */
  notes: string[];
}

/** A data set that cannot be used; the message is a sentence for the user. */
export class DatasetError extends Error {
  override readonly name = "DatasetError";
}

/** Any of "good", "ok" and "normal" in upper or lower case: what published data sets call their normal images. */
export const isNormal = (kind: string): boolean => /^(good|ok|normal)$/i.test(kind.trim());

/** Kind and label of an image from the name of its folder or from its label. */
export const kindAndLabel = (text: string): Pick<Sample, "kind" | "label"> =>
  isNormal(text) ? { kind: "good", label: 0 } : { kind: text.trim(), label: 1 };

/** Up to three names for a sentence. */
export const some = (names: readonly string[]): string => names.slice(0, 3).join(", ") + (names.length > 3 ? ", ..." : "");

/** The same order everywhere, unlike that of a locale. */
export const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

export const byName = (a: { readonly name: string }, b: { readonly name: string }): number => byCodeUnits(a.name, b.name);
