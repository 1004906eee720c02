import { byCodeUnits, DatasetError, some } from "../../../imaging/index.ts";
import type { FoundImage, Split } from "./found-image.ts";

/** An image, and whom or what it shows: images of one identity are never divided between what is learnt from and what is judged. */
export interface Identified extends FoundImage {
  readonly identity: string;
}

/**
 * Gives each image its identity:
 *
 * - the one that a table states;
 * - else by `pattern`, a regular expression on its file name, such as `^(\d+)_`; with a "/" in it, on its path below `real/` or `fake/`,
 *   such as `(\d+)(?:_(\d+))?/[^/]+$` for frames in folders that are named by the numbers of videos. What its groups capture are
 *   identities, or all that it matches where it has none; a file that it does not match stands alone;
 * - without a pattern, the name of its file without folders and ending: so a forged image and its source of the same name are one.
 *
 * Several identities of one image, as of the two people of a swapped face, become one with all their other images.
 * @throws DatasetError for a pattern that is no regular expression, and where identities that are stated or found by the pattern have
 * images in several of the stated splits.
 */
export const identify = (
  images: readonly FoundImage[],
  pattern: string | undefined,
): { readonly images: Identified[]; readonly notes: string[] } => {
  const notes: string[] = [];
  const expression = pattern === undefined ? undefined : compile(pattern);
  const matches = images.map(({ below }) => (expression === undefined ? [] : namesIn(below, expression)));
  const open = images.filter(({ identities }) => identities === undefined);
  const missed = images.filter(({ identities }, index) => identities === undefined && matches[index].length === 0);
  if (expression !== undefined && missed.length > 0) {
    notes.push(
      `${missed.length} of ${open.length} images do not fit the pattern of identities ${pattern}, so that each of them stands alone: ${some(
        missed.map(({ name }) => name),
      )}.`,
    );
  }
  if (expression === undefined && inSeveralFolders(open)) {
    notes.push(
      "Real images lie in several folders, but identities were taken from the names of files alone. Where a folder is a video or a " +
        'person, say so by a pattern with a "/", such as "([^/]+)/[^/]+$" for the folder that an image lies in.',
    );
  }
  const names = images.map(({ identities, name, below }, index) => {
    if (identities !== undefined) return identities;
    if (expression === undefined) return [stem(below)];
    return matches[index].length > 0 ? matches[index] : [`file ${name}`];
  });
  const joined = joinNames(names);
  const identified = images.map((image, index) => ({ ...image, identity: joined[index] }));
  requireUndivided(expression === undefined ? identified.filter(({ identities }) => identities !== undefined) : identified);
  return { images: identified, notes };
};

const inSeveralFolders = (images: readonly FoundImage[]): boolean => {
  const folders = new Map<string, string>();
  return images.some(({ label, split = "", below }) => {
    const folder = below.split("/").slice(0, -1).join("/");
    if (label === 1 || (folders.get(split) ?? folder) !== folder) return label === 0;
    folders.set(split, folder);
    return false;
  });
};

const compile = (pattern: string): RegExp => {
  try {
    return new RegExp(pattern, "u");
  } catch (error) {
    throw new DatasetError(`The pattern of identities "${pattern}" is no regular expression: ${(error as Error).message}.`);
  }
};

const namesIn = (below: string, expression: RegExp): string[] => {
  const match = expression.exec(expression.source.includes("/") ? below : below.split("/").at(-1)!);
  if (match === null) return [];
  return (match.length > 1 ? match.slice(1) : [match[0]]).filter((name) => name !== undefined && name !== "");
};

const stem = (below: string): string =>
  below
    .split("/")
    .at(-1)!
    .replace(/\.[^.]*$/, "");

/** The identity of each image: of all names that images join, directly or through others, the first in the order of code units. */
const joinNames = (names: readonly (readonly string[])[]): string[] => {
  const parents = new Map<string, string>();
  const rootOf = (name: string): string => {
    let root = name;
    while (parents.get(root) !== undefined) root = parents.get(root)!;
    for (let at = name; at !== root; ) {
      const next = parents.get(at)!;
      parents.set(at, root);
      at = next;
    }
    return root;
  };
  const normal = names.map((own) => own.map((name) => name.normalize("NFC")));
  for (const [first, ...others] of normal) {
    for (const other of others) {
      const [low, high] = [rootOf(first), rootOf(other)].sort(byCodeUnits);
      if (low !== high) parents.set(high, low);
    }
  }
  return normal.map(([first]) => rootOf(first));
};

const requireUndivided = (images: readonly Identified[]): void => {
  const splits = new Map<string, Set<Split>>();
  for (const { identity, split } of images) {
    if (split !== undefined) splits.set(identity, (splits.get(identity) ?? new Set<Split>()).add(split));
  }
  const divided = [...splits].filter(([, of]) => of.size > 1);
  if (divided.length === 0) return;
  const [identity, of] = divided[0];
  throw new DatasetError(
    `${divided.length} identities have images in more than one split, such as "${identity}" in ${(["train", "validation", "test"] as const).filter((split) => of.has(split)).join(" and ")}: what is ` +
      "measured would be too good. Move all images of an identity into one split, or correct the identities.",
  );
};
