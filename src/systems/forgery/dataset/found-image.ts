export type Split = "train" | "validation" | "test";

/** An image as a folder or table tells of it, before identities and the division are known. */
export interface FoundImage {
  readonly path: string;
  /** Within the data set, with "/" on every system. */
  readonly name: string;
  /** Its path below `real/` or `fake/`, or within the table's folder. */
  readonly below: string;
  /** 0 = real, 1 = forged. */
  readonly label: 0 | 1;
  /** "real", or how it was forged. */
  readonly kind: string;
  /** As stated; undefined where nothing is. */
  readonly split: Split | undefined;
  readonly maskPath?: string;
  /** Whom or what it shows, as stated. */
  readonly identities?: readonly string[];
}

/** What splits are called. */
const SPLITS: Readonly<Record<string, Split>> = {
  train: "train",
  training: "train",
  validation: "validation",
  valid: "validation",
  val: "validation",
  test: "test",
  testing: "test",
};

/** The split that a folder or cell names, in upper or lower case; undefined for any other name. */
export const splitNamed = (name: string): Split | undefined =>
  Object.hasOwn(SPLITS, name.toLowerCase()) ? SPLITS[name.toLowerCase()] : undefined;
