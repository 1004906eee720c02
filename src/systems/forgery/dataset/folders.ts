import { type FoundFile, type Listing, type SkippedFile, skippedWithTables, some, sortSkipped } from "../../../imaging/index.ts";
import { type FoundImage, type Split, splitNamed } from "./found-image.ts";

/** What folders hold, by their names in upper or lower case; `0_real` and `1_fake` are those of Wang et al. (CVPR 2020). */
const ROLES: readonly (readonly [RegExp, Role])[] = [
  [/^(0_)?real$/i, "real"],
  [/^(1_)?fake$/i, "fake"],
  [/^masks?$/i, "masks"],
];

type Role = "real" | "fake" | "masks";

interface Placed {
  readonly file: FoundFile;
  readonly split: Split | undefined;
  readonly role: Role;
  /** The folders and the file below that of the role. */
  readonly below: readonly string[];
}

/** Whether there are images in `real/` or `fake/`, at the top or below a split. */
export const isForgeryFolder = ({ images }: Listing): boolean =>
  images.some((file) => (place(file)?.role ?? "masks") !== "masks");

/**
 * The images of a folder:
 *
 *     real/012.jpg   fake/splice/poisson/012.jpg   masks/splice/poisson/012.png
 *     train/real/..., train/fake/..., train/masks/..., validation/... (or val/), test/...
 *
 * The kind of a forged image is the path of folders below `fake/`, "splice/poisson"; "fake" where there is none. Its mask lies at the same
 * path below `masks/` (or `masks/fake/`), ending as any image does, with `_mask` after the name or without. Where there are images
 * in folders of splits, others are skipped.
 */
export const arrangeFolders = (
  listing: Listing,
): { readonly images: FoundImage[]; readonly skipped: SkippedFile[]; readonly notes: string[] } => {
  const placed = listing.images.map((file) => place(file));
  const divided = placed.some((found) => found?.split !== undefined && found.role !== "masks");
  const counts = (found: Placed | undefined): found is Placed => found !== undefined && (found.split !== undefined) === divided;
  const outside = divided
    ? 'outside "real/", "fake/" and "masks/" of "train/", "validation/" and "test/"'
    : 'outside "real/", "fake/" and "masks/"';
  const skipped = listing.images
    .filter((_, index) => !counts(placed[index]))
    .map(({ path }): SkippedFile => ({ path, reason: outside }));
  const found = placed.filter(counts);

  const masks = new Map(found.filter(({ role }) => role === "masks").map((mask) => [keyOf(mask), mask.file]));
  const images = found
    .filter(({ role }) => role !== "masks")
    .map(({ file, split, role, below }): FoundImage => {
      const common = { path: file.path, name: file.name, below: below.join("/"), split };
      if (role === "real") return { ...common, label: 0, kind: "real" };
      const maskPath = takeMask(masks, split, below);
      const kind = below.slice(0, -1).join("/") || "fake";
      return { ...common, label: 1, kind, ...(maskPath === undefined ? {} : { maskPath }) };
    });
  const orphans = [...masks].filter(([key]) => !/^[^/]*\/real\//i.test(key)).map(([, file]) => file.name);
  const without = images.filter(({ label, maskPath }) => label === 1 && maskPath === undefined);
  const notes: string[] = [];
  if (orphans.length > 0) notes.push(`${orphans.length} masks belong to no forged image: ${some(orphans)}.`);
  if (without.length > 0 && images.some(({ maskPath }) => maskPath !== undefined)) {
    notes.push(`${without.length} forged images have no mask, but others do: ${some(without.map(({ name }) => name))}.`);
  }
  return { images, skipped: sortSkipped([...skippedWithTables(listing), ...skipped]), notes };
};

const place = (file: FoundFile): Placed | undefined => {
  const split = file.parts.length > 2 ? splitNamed(file.parts[0]) : undefined;
  const [folder, ...below] = split === undefined ? file.parts : file.parts.slice(1);
  const role = ROLES.find(([pattern]) => pattern.test(folder))?.[1];
  return role === undefined || below.length === 0 ? undefined : { file, split, role, below };
};

const keyOf = ({ split, below }: Pick<Placed, "split" | "below">): string =>
  `${split ?? ""}/${below.join("/").replace(/\.[^./]*$/, "")}`;

/** The mask of a forged image, which then belongs to no other. */
const takeMask = (masks: Map<string, FoundFile>, split: Split | undefined, below: readonly string[]): string | undefined => {
  for (const folders of [below, ["fake", ...below]]) {
    const key = keyOf({ split, below: folders });
    for (const name of [key, `${key}_mask`]) {
      const file = masks.get(name);
      if (file === undefined) continue;
      masks.delete(name);
      return file.path;
    }
  }
  return undefined;
};
