import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import sharp from "sharp";
import { type Random, random } from "../src/random/index.ts";
import { bombs, notImages } from "./bombs.ts";
import type { Expectation } from "./formats/format.ts";
import { cut, flipBits, harmBlock, harmMetadata, lie, type Mutated, splice } from "./mutations.ts";
import { hostileNames, hostilePlaces } from "./names.ts";
import { type FormatName, formatNames, formats, paint, type ValidFile, validFiles } from "./pictures.ts";

/** One file of a corpus: a row of `manifest.json`. */
export interface CorpusFile {
  /** The number of its recipe: with the corpus' seed and formats it says everything about the file. */
  readonly index: number;
  /** Path below `images/`, with "/" on every system. */
  readonly name: string;
  /** What the bytes are, or were; "none" for what never was an image. */
  readonly format: FormatName | "none";
  readonly mutation: string;
  /** "good": must be finished. "bad": must be named as unusable. "either": must only end. */
  readonly expectation: Expectation;
  /** Files of one source show the same picture in the same encoding: finished ones must get the same score. */
  readonly source?: string;
}

export interface CorpusOptions {
  readonly seed: number;
  /** How many recipes; a few make several files. */
  readonly count: number;
  /** Default: every format that is read. */
  readonly formats?: readonly FormatName[];
}

export interface Corpus {
  /** The folder of the files. */
  readonly images: string;
  readonly files: readonly CorpusFile[];
}

type Item = CorpusFile & { write(path: string): Promise<unknown> };

/**
 * Writes `count` harmed and unharmed image files into `folder/images` and says in `folder/manifest.json` what each is and what
 * must become of it. Every file is a pure function of (seed, index, formats): a failure is repeated by its number alone.
 */
export const writeCorpus = async (folder: string, options: CorpusOptions): Promise<Corpus> => {
  const images = join(resolve(folder), "images");
  const itemsOf = recipes(options, join(resolve(folder), "linked.png"));
  await mkdir(images, { recursive: true });
  await writeFile(join(folder, "linked.png"), await painted(options.seed, 50, 40));
  const files: CorpusFile[] = [];
  for (let index = 0; index < options.count; index++) {
    for (const { write, ...file } of await itemsOf(index)) {
      const path = join(images, file.name);
      await mkdir(dirname(path), { recursive: true });
      await write(path);
      files.push(file);
    }
  }
  await writeFile(join(folder, "manifest.json"), `${JSON.stringify({ ...options, files }, undefined, 1)}\n`);
  return { images, files };
};

/** What there is of each kind in every hundred recipes. */
const shares = {
  untouched: 9,
  "extreme size": 1,
  renamed: 6,
  metadata: 6,
  cut: 14,
  bits: 20,
  block: 9,
  splice: 5,
  lie: 17,
  "huge claim": 4,
  "no image": 3,
  name: 3,
  twins: 1,
  place: 1,
  bomb: 1,
} as const;

type Kind = keyof typeof shares;

/** The kind of a recipe, and the how manieth of its kind it is: each hundred is dealt anew. */
const deal = (seed: number, index: number): { kind: Kind; ordinal: number } => {
  const round = Math.floor(index / 100);
  let slot = random(seed, "deal", round).permutation(100)[index % 100];
  for (const [kind, share] of Object.entries(shares) as [Kind, number][]) {
    if (slot < share) return { kind, ordinal: round * share + slot };
    slot -= share;
  }
  throw new Error("The shares do not add up to 100.");
};

const recipes = ({ seed, formats: chosen = formatNames }: CorpusOptions, linked: string) => {
  const valid = validFiles(seed);
  const usableBombs = Object.entries(bombs).filter(([, { format }]) => format === undefined || chosen.includes(format));
  const bombBytes = new Map<string, Promise<Buffer>>();

  return async (index: number): Promise<Item[]> => {
    const draw = random(seed, "accident", index);
    const { kind, ordinal } = deal(seed, index);
    const id = String(index).padStart(5, "0");
    const format = chosen[ordinal % chosen.length];
    const file = await valid.get(format, index);
    const { extension } = formats[format];
    const plain = (name: string, mutation: string, from: ValidFile = file): Item => ({
      index,
      name,
      format: from.format,
      mutation,
      expectation: "good",
      source: from.source,
      write: (path) => writeFile(path, from.bytes),
    });

    const mutate = mutations[kind];
    if (mutate !== undefined) {
      const other = await valid.get(pickFormat(draw, format, chosen), index + 1);
      const { bytes, expectation, mutation } = mutate(file, other, draw);
      if (bytes.equals(file.bytes)) return [plain(`${id}${extension}`, `${mutation}, which changed nothing`)];
      return [{ index, name: `${id}${extension}`, format, mutation, expectation, write: (path) => writeFile(path, bytes) }];
    }
    switch (kind) {
      case "renamed": {
        const others = formatNames.filter((name) => name !== format);
        const other = others[Math.floor(ordinal / chosen.length) % others.length];
        return [plain(`${id}${formats[other].extension}`, `named like ${other}`)];
      }
      case "name": {
        const names = Object.keys(hostileNames);
        const name = names[ordinal % names.length];
        return [plain(hostileNames[name](id, extension), `name: ${name}`)];
      }
      case "twins": {
        // Heat maps are named after files without their extension: none may be written over another.
        const twin = await valid.get(format, index + 1);
        return [
          plain(`${id}/a${extension}`, "one of three similar names"),
          plain(`${id}/a${extension.toUpperCase()}`, "one of three similar names", twin),
          plain(`${id}/a-2${extension}`, "one of three similar names"),
        ];
      }
      case "extreme size": {
        const [width, height] = extremeSizes[ordinal % extremeSizes.length];
        const mutation = `${width} x ${height} pixels`;
        const write = async (path: string) => writeFile(path, await painted(seed, width, height));
        return [{ index, name: `${id}.png`, format: "png", mutation, expectation: "good", write }];
      }
      case "no image": {
        const names = Object.keys(notImages);
        const mutation = names[ordinal % names.length];
        const write = (path: string) => writeFile(path, notImages[mutation]());
        return [{ index, name: `${id}${extension}`, format: "none", mutation, expectation: "bad", write }];
      }
      case "place": {
        const names = Object.keys(hostilePlaces);
        const mutation = names[ordinal % names.length];
        const { expectation, make } = hostilePlaces[mutation];
        return [{ index, name: `${id}.png`, format: "none", mutation, expectation, write: (path) => make(path, linked) }];
      }
      default: {
        const [name, bomb] = usableBombs[ordinal % usableBombs.length];
        if (!bombBytes.has(name)) bombBytes.set(name, bomb.write(seed));
        const bytes = (await bombBytes.get(name)) as Buffer;
        const { expectation } = bomb;
        const write = (path: string) => writeFile(path, bytes);
        return [
          { index, name: `${id}${bomb.extension}`, format: bomb.format ?? "none", mutation: `bomb: ${name}`, expectation, write },
        ];
      }
    }
  };
};

const mutations: Partial<Record<Kind, (file: ValidFile, other: ValidFile, draw: Random) => Mutated>> = {
  untouched: ({ bytes }) => ({ bytes, expectation: "good", mutation: "nothing" }),
  metadata: ({ bytes, format }, _, draw) => harmMetadata(bytes, formats[format], draw),
  cut: ({ bytes, format }, _, draw) => cut(bytes, formats[format], draw),
  bits: ({ bytes, format }, _, draw) => flipBits(bytes, formats[format], draw),
  block: ({ bytes, format }, _, draw) => harmBlock(bytes, formats[format], draw),
  splice: ({ bytes }, other, draw) => splice(bytes, other.bytes, draw),
  lie: ({ bytes, format }, _, draw) => lie(bytes, formats[format], draw),
  "huge claim": ({ bytes, format }) => ({
    bytes: formats[format].claimHugeSize(bytes),
    expectation: "bad",
    mutation: "claims 100,000 x 100,000 pixels, or the most that the format can say",
  }),
};

/** Half of the time the same format again. */
const pickFormat = (draw: Random, format: FormatName, chosen: readonly FormatName[]): FormatName =>
  draw.integer(0, 1) === 0 ? format : chosen[draw.integer(0, chosen.length - 1)];

const extremeSizes = [
  [1, 1],
  [1, 300],
  [300, 1],
  [2, 2],
  [3, 2000],
  [2000, 3],
] as const;

const painted = (seed: number, width: number, height: number): Promise<Buffer> =>
  sharp(paint(seed, 0, width, height).data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
