import type { SkippedFile } from "../../imaging/index.ts";
import { type ForgeryDataset, type ForgeryImage, isForgeryData, readForgeryDataset } from "./data.ts";
import { checkLeaks } from "./leak-check.ts";

/** The most skipped files that are named. */
const NAMED = 20;

/** Says how a data set of real and forged images is understood, and what of its files gives them away; undefined where it is none. */
export const inspectDataset = async ({ path }: { readonly path: string }) => {
  if (!(await isForgeryData(path))) return undefined;
  const dataset = await readForgeryDataset(path);
  const { train, validation, test, notes, skipped, layout } = dataset;
  const all = [...train, ...validation, ...test];
  const { leaks, notes: unchecked, unreadable } = await checkLeaks(all);
  const told =
    leaks.length > 0
      ? leaks.map(({ sentence }) => `Caution: ${sentence}`)
      : ["Format, size, compression and metadata of the files do not tell real images from forged ones."];
  const lines = [
    `${path}: real and forged images, ${layout === "table" ? "of a table" : "in folders"}.`,
    ...Object.entries({ train, validation, test }).flatMap(([split, samples]) => countLines(split, samples)),
    ...notes.map((note) => `Note: ${note}`),
    ...unchecked.map((note) => `Note: ${note}`),
    ...told,
    ...skippedLines([...skipped, ...unreadable]),
  ];
  return { lines, facts: { ...factsOf(dataset), leaks, notes: [...notes, ...unchecked], skipped: [...skipped, ...unreadable] } };
};

const countLines = (split: string, samples: readonly ForgeryImage[]): string[] =>
  Object.entries(countsOf(samples)).map(([kind, { images, masks, identities }]) => {
    const whose = identities < images ? `, ${identities} identities` : "";
    return `  ${`${split}/${kind}`.padEnd(28)}${String(images).padStart(6)} images${masks > 0 ? `, ${masks} with masks` : ""}${whose}`;
  });

const countsOf = (samples: readonly ForgeryImage[]) =>
  Object.fromEntries(
    [...new Set(samples.map(({ kind }) => kind))].sort().map((kind) => {
      const own = samples.filter((sample) => sample.kind === kind);
      const masks = own.filter(({ maskPath }) => maskPath !== undefined).length;
      return [kind, { images: own.length, masks, identities: new Set(own.map(({ group }) => group)).size }];
    }),
  );

const factsOf = ({ source, layout, stated, train, validation, test }: ForgeryDataset) => ({
  source,
  layout,
  stated,
  train: countsOf(train),
  validation: countsOf(validation),
  test: countsOf(test),
});

const skippedLines = (skipped: readonly SkippedFile[]): string[] => [
  ...skipped.slice(0, NAMED).map(({ path, reason }) => `Skipped ${path}: ${reason}`),
  ...(skipped.length > NAMED ? [`... and ${skipped.length - NAMED} more (--json lists all).`] : []),
];
