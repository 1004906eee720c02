import { basename, resolve } from "node:path";
import { outlined } from "../detection/index.ts";
import {
  createImage,
  type Dataset,
  type DuplicatePair,
  type DuplicateReport,
  decodeImage,
  decodeMask,
  encodeJpeg,
  type ImageHeader,
  prefetch,
  readImageHeader,
  type Sample,
  type SkippedFile,
  unusableFiles,
} from "../imaging/index.ts";
import type { PairGroup, Picture, ReportData, Sheet, Thumbnail } from "../report/index.ts";
import type { Listener } from "../training/index.ts";

/** Images shown of each kind, and in all, so that the page stays small. */
const PER_KIND = 24;
const SHOWN = 400;
const PAIRS = 24;
const SIDE = 128;

/** What the files of a data set are like. */
export interface FileFacts {
  /** By split and kind, such as "test/crack": formats, depths and colours, with their range of sizes. */
  readonly sorts: ReadonlyMap<string, string>;
  /** Files that cannot be read. */
  readonly failures: readonly SkippedFile[];
  /** What tells normal from defective files without looking at their pixels: a model may learn that instead. */
  readonly notes: readonly string[];
}

/** Reads the header of every file. */
export const factsOfFiles = async ({ train, test }: Dataset, listener: Listener, signal: AbortSignal): Promise<FileFacts> => {
  const samples = [...train, ...test];
  const failures: SkippedFile[] = [];
  const headers: (ImageHeader & Pick<Sample, "split" | "kind" | "label">)[] = [];
  let done = 0;
  const tasks = samples.map(
    ({ path }) =>
      () =>
        readImageHeader(path).catch((error: Error) => error),
  );
  for await (const header of prefetch(tasks, 4)) {
    signal.throwIfAborted();
    const { path, split, kind, label } = samples[done++];
    listener({ kind: "count", text: "reading headers", done, total: samples.length });
    if (header instanceof Error) failures.push({ path, reason: header.message });
    else headers.push({ ...header, split, kind, label });
  }
  const sorts = grouped(headers, ({ split, kind }) => `${split}/${kind}`).map(([name, own]) => {
    const falling = grouped(own, sortOf).sort((a, b) => b[1].length - a[1].length);
    const described = falling.map(
      ([sort, alike]) => `${alike.length} ${sort}, ${rangeOf(alike, "width")} x ${rangeOf(alike, "height")} pixels`,
    );
    return [name, described.join("; ")] as const;
  });
  const formatsOf = (label: 0 | 1) => new Set(headers.filter((header) => header.label === label).map(({ format }) => format));
  return { sorts: new Map(sorts), failures, notes: differing(formatsOf(0), formatsOf(1)) };
};

const sortOf = ({ format, bits, float, colour, alpha }: ImageHeader): string =>
  [format, float ? "float" : bits > 8 ? `${bits} bits` : "", colour, alpha ? "with transparency" : ""].filter(Boolean).join(", ");

const rangeOf = (headers: readonly ImageHeader[], side: "width" | "height"): string => {
  const lengths = headers.map((header) => header[side]);
  const [least, most] = [lengths.reduce((a, b) => Math.min(a, b)), lengths.reduce((a, b) => Math.max(a, b))];
  return least === most ? String(least) : `${least}-${most}`;
};

const grouped = <Item>(items: readonly Item[], nameOf: (item: Item) => string): [string, Item[]][] => {
  const groups = new Map<string, Item[]>();
  for (const item of items) groups.set(nameOf(item), [...(groups.get(nameOf(item)) ?? []), item]);
  return [...groups];
};

/** A warning where normal and defective images have no file format in common. */
const differing = (normal: ReadonlySet<string>, defective: ReadonlySet<string>): string[] => {
  if (normal.size === 0 || defective.size === 0 || [...normal].some((format) => defective.has(format))) return [];
  const list = (formats: ReadonlySet<string>): string => [...formats].join(" and ");
  return [
    `Normal images are ${list(normal)} files and defective ones ${list(defective)} files: traces of the compression alone tell them apart, and measures may say nothing about defects.`,
  ];
};

/** The data set as a page to look at: a contact sheet of each kind with its defects outlined, duplicates side by side, what was skipped. */
export const dataPage = async (
  dataset: Dataset,
  facts: FileFacts,
  duplicates: DuplicateReport | undefined,
  listener: Listener,
  signal: AbortSignal,
): Promise<ReportData> => {
  const { source, layout, train, test, skipped, notes } = dataset;
  const sheets: Sheet[] = [];
  const kinds = new Set([...train, ...test].map(({ split, kind }) => `${split}/${kind}`)).size;
  const perKind = Math.max(4, Math.min(PER_KIND, Math.floor(SHOWN / kinds)));
  for (const [split, samples] of Object.entries({ train, test })) {
    for (const kind of new Set(samples.map((sample) => sample.kind))) {
      const own = samples.filter((sample) => sample.kind === kind);
      listener({ kind: "stage", text: `drawing ${split}/${kind}` });
      const shown = evenly(own, perKind);
      const thumbnails: Thumbnail[] = [];
      for await (const thumbnail of prefetch(
        shown.map((sample) => () => thumbnailOf(sample)),
        4,
      )) {
        signal.throwIfAborted();
        thumbnails.push(...thumbnail);
      }
      sheets.push({
        title: `${split}/${kind}`,
        note: `${facts.sorts.get(`${split}/${kind}`) ?? "none can be read"}${maskNote(own)}`,
        thumbnails,
        more: own.length - shown.length,
      });
    }
  }
  return {
    title: basename(resolve(source)),
    system: "inspect",
    subtitle: `${train.length} training and ${test.length} test images; layout: ${layout}`,
    notices: [
      ...notes.map((text) => ({ text })),
      ...otherFiles(skipped.length - unusableFiles(skipped).length),
      ...facts.notes.map((text) => ({ text, tone: "caution" }) as const),
      ...(duplicates ? duplicateNotices(duplicates) : []),
    ],
    sheets,
    pairs: duplicates && (await pairGroups(duplicates)),
    failures: [...unusableFiles(skipped), ...facts.failures].map(({ path, reason }) => ({ file: path, reason })),
  };
};

const otherFiles = (count: number): NonNullable<ReportData["notices"]> =>
  count === 0 ? [] : [{ text: `Files that are no images, or hidden, and were left out: ${count}.` }];

const duplicateNotices = ({ pairs, leaks }: DuplicateReport): NonNullable<ReportData["notices"]> => {
  const leaked = leaks.length;
  if (pairs.length === 0) return [];
  const text =
    leaked > 0 ? `${leaked} test images are (almost) the same as training images: measures on them are too good. ` : "";
  return [{ text: `${text}Pairs within training or within test: ${pairs.length - leaked}.`, tone: "caution" }];
};

const pairGroups = async ({ pairs, leaks }: DuplicateReport): Promise<PairGroup[]> => {
  const group = async (title: string, members: readonly DuplicatePair[]): Promise<PairGroup> => ({
    title,
    note: members.length > PAIRS ? `${PAIRS} of ${members.length} pairs.` : undefined,
    pairs: await Promise.all(
      members.slice(0, PAIRS).map(async ({ first, second, kind, distance }) => ({
        first: await pictureOf(first),
        second: await pictureOf(second),
        caption: kind === "near-duplicate" ? `${kind}, ${distance.toFixed(2)} grey levels apart` : kind,
      })),
    ),
  });
  const groups = [
    await group("In training and in test", leaks),
    await group(
      "Within training or within test",
      pairs.filter((pair) => !leaks.includes(pair)),
    ),
  ];
  return groups.filter(({ pairs }) => pairs.length > 0);
};

const evenly = <Item>(items: readonly Item[], count: number): Item[] =>
  items.length <= count
    ? [...items]
    : Array.from({ length: count }, (_, index) => items[Math.floor((index * items.length) / count)]);

const maskNote = (samples: readonly Sample[]): string => {
  const masks = samples.filter(({ maskPath }) => maskPath !== undefined).length;
  return masks === 0 ? "" : masks === samples.length ? "; defects outlined" : `; ${masks} defects outlined`;
};

/** None where the file cannot be read: it is listed elsewhere. */
const thumbnailOf = async (sample: Sample): Promise<Thumbnail[]> => {
  try {
    const caption = sample.group === undefined ? undefined : `group ${sample.group}`;
    const tone = sample.label === 0 ? "normal" : "anomalous";
    return [{ name: sample.name, bytes: await drawn(sample, SIDE, 70), caption, tone }];
  } catch {
    return [];
  }
};

const pictureOf = async (sample: Sample): Promise<Picture> => ({
  caption: sample.name,
  bytes: await drawn(sample, 2 * SIDE, 80).catch(() => encodeJpeg(createImage(SIDE, SIDE), 50)),
});

/** The image as JPEG, its longest side so many pixels, its defect outlined. */
const drawn = async ({ path, maskPath }: Sample, side: number, quality: number): Promise<Buffer> => {
  const image = await decodeImage(path);
  const mask = maskPath === undefined ? undefined : await decodeMask(maskPath, image.width, image.height).catch(() => undefined);
  return encodeJpeg(outlined(image, side, mask), quality);
};
