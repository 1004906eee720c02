import { existsSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp, { type Sharp } from "sharp";
import { describe, expect, test } from "vitest";
import { random } from "../../random/index.ts";
import { type ForgeryImage, readForgeryDataset } from "./data.ts";
import { checkLeaks } from "./leak-check.ts";

interface Made {
  readonly label: 0 | 1;
  readonly kind?: string;
  readonly group?: string;
  readonly width?: number;
  readonly height?: number;
  /** Default: a JPEG file of quality 90. */
  readonly write?: (picture: Sharp) => Sharp;
  readonly plain?: boolean;
}

/** A data set of pictures as `make` says of each by its number. */
const written = async (count: number, make: (index: number) => Made): Promise<ForgeryImage[]> => {
  const folder = await mkdtemp(join(tmpdir(), "lynceus-leaks-"));
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const {
        label,
        kind,
        group,
        width = 24,
        height = 24,
        write = (picture) => picture.jpeg({ quality: 90 }),
        plain,
      } = make(index);
      const source = random("picture", index);
      const reach = plain ? 4 : source.uniform(20, 120);
      const data = Uint8Array.from({ length: width * height * 3 }, () => 128 + source.uniform(-reach, reach));
      const path = join(folder, `${index}`);
      await writeFile(path, await write(sharp(data, { raw: { width, height, channels: 3 } })).toBuffer());
      return {
        path,
        name: `${index}`,
        split: "train",
        kind: label === 0 ? "real" : (kind ?? "fake"),
        label,
        group: group ?? `${index}`,
      };
    }),
  );
};

const labelOf = (index: number): 0 | 1 => (index % 2 === 0 ? 0 : 1);

/** What is found where forged images, and with a probability real ones too, are made in another way. */
const leaksOf = async (forgedWay: Omit<Made, "label">, realShare = 0, forgedShare = 1) => {
  const samples = await written(80, (index) => {
    const label = labelOf(index);
    const otherwise = random("way", index).uniform() < (label === 1 ? forgedShare : realShare);
    return { label, ...(otherwise ? forgedWay : {}) };
  });
  return checkLeaks(samples);
};

describe("planted leaks", () => {
  test("format, with its figures in a sentence", async () => {
    const { leaks, real, forged } = await leaksOf({ write: (picture) => picture.png() });
    expect([real, forged]).toEqual([40, 40]);
    expect(leaks[0]).toMatchObject({
      attribute: "format",
      kind: undefined,
      accuracy: 1,
      auc: undefined,
      forgedShare: 1,
      realShare: 0,
    });
    expect(leaks[0].sentence).toBe(
      "100 % of forged images are PNG files, but 0 % of real ones: the format alone tells which are forged (right for 100 % of images).",
    );
  });

  test("compression, a range of its own inside that of real images, where a threshold would not find it", async () => {
    const samples = await written(120, (index) => {
      const source = random("quality", index);
      const quality =
        labelOf(index) === 1 ? source.integer(72, 78) : source.uniform() < 0.5 ? source.integer(50, 68) : source.integer(82, 95);
      return { label: labelOf(index), write: (picture) => picture.jpeg({ quality }) };
    });
    const { leaks } = await checkLeaks(samples);
    const leak = leaks.find(({ attribute }) => attribute === "JPEG quality")!;
    expect(leak.accuracy).toBeGreaterThan(0.95);
    expect(leak.auc).toBeLessThan(0.7);
    expect(leak.sentence).toMatch(/^100 % of forged images have a JPEG quality of 72 to 78, but 0 % of real ones/);
  });

  test.each<readonly [string, Omit<Made, "label">, RegExp]>([
    ["width", { width: 32 }, /are 32 pixels wide/],
    ["height", { height: 20 }, /are 20 pixels high/],
    ["bit depth", { write: (picture) => picture.toColourspace("rgb16").png() }, /have 16 bits a channel/],
    ["colour mode", { write: (picture) => picture.toColourspace("b-w").jpeg({ quality: 90 }) }, /store their colours as grey/],
    [
      "chroma subsampling",
      { write: (picture) => picture.jpeg({ quality: 90, chromaSubsampling: "4:4:4" }) },
      /subsampled as 4:4:4/,
    ],
    ["scan order", { write: (picture) => picture.jpeg({ quality: 90, progressive: true }) }, /are progressive/],
    ["colour profile", { write: (picture) => picture.withIccProfile("p3").jpeg({ quality: 90 }) }, /hold a colour profile/],
    ["EXIF data", { write: (picture) => picture.withExif({ IFD0: { Make: "A" } }).jpeg({ quality: 90 }) }, /hold EXIF data/],
    [
      "XMP data",
      { write: (picture) => picture.withXmp("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>").jpeg({ quality: 90 }) },
      /hold XMP data/,
    ],
    [
      "software tag",
      { write: (picture) => picture.withExif({ IFD0: { Software: "Forger 2" } }).jpeg({ quality: 90 }) },
      /were written by "Forger 2"/,
    ],
    ["JPEG file size", { plain: true }, /take .* bytes a pixel/],
    [
      "JPEG quantisation table",
      { write: (picture) => picture.jpeg({ quality: 90, quantisationTable: 3 }) },
      /have a JPEG quantisation table of a camera or editor/,
    ],
  ])("%s", async (attribute, way, says) => {
    const { leaks } = await leaksOf(way, 0.1, 0.95);
    const leak = leaks.find((found) => found.attribute === attribute);
    expect(leak?.accuracy).toBeGreaterThan(0.8);
    expect(leak?.sentence).toMatch(says);
  });

  test("of one kind of many, which all kinds together hide", async () => {
    const samples = await written(140, (index) => {
      const kind = ["splice", "swap", "retouch", "dub", "resample"][index % 5];
      if (index < 40) return { label: 0 };
      return { label: 1, kind, ...(kind === "swap" ? { write: (picture: Sharp) => picture.png() } : {}) };
    });
    const { leaks } = await checkLeaks(samples);
    expect(new Set(leaks.map(({ kind }) => kind))).toEqual(new Set(["swap"]));
    expect(leaks[0]).toMatchObject({ attribute: "format", accuracy: 1 });
    expect(leaks[0].sentence).toMatch(/^100 % of forged images of the kind "swap" are PNG files, but 0 % of real ones/);
  });
});

describe("what is no leak", () => {
  test("attributes that vary alike in both classes, however many values they have", async () => {
    const samples = await written(160, (index) => {
      const source = random("varied", index);
      const [width, height, quality] = [source.integer(16, 60), source.integer(16, 60), source.integer(40, 95)];
      const software = `Camera ${source.integer(1, 200)}`;
      return {
        label: labelOf(index),
        width,
        height,
        write: (picture) => picture.withExif({ IFD0: { Software: software } }).jpeg({ quality, progressive: quality > 70 }),
      };
    });
    expect((await checkLeaks(samples)).leaks).toEqual([]);
  });

  test("a difference of few images, or of few identities with many images each, is left open", async () => {
    const png = (index: number): Made => ({
      label: labelOf(index),
      ...(labelOf(index) ? { write: (picture) => picture.png() } : {}),
    });
    const few = await checkLeaks(await written(16, png));
    expect(few.leaks).toEqual([]);
    expect(few.notes).toEqual([
      "Whether their files give forged images away cannot be told from 8 real and 8 forged identities: it takes 10 of each.",
    ]);
    const videos = await checkLeaks(await written(80, (index) => ({ ...png(index), group: `video ${index % 6}` })));
    expect(videos.leaks).toEqual([]);
    expect(videos.notes).toHaveLength(1);
  });

  test("there being no forged images at all", async () => {
    const report = await checkLeaks(await written(12, () => ({ label: 0 })));
    expect(report).toEqual({ real: 12, forged: 0, leaks: [], notes: [], unreadable: [] });
  });
});

test("files that cannot be read are named, and no more than asked for are looked at, of all identities first", async () => {
  const samples = await written(60, (index) => ({ label: labelOf(index), group: index < 30 ? "one video" : `${index}` }));
  await writeFile(samples[59].path, "no image");
  const report = await checkLeaks(samples, { most: 15 });
  expect(report.real).toBe(15);
  expect(report.forged + report.unreadable.length).toBe(15);
  const whole = await checkLeaks(samples);
  expect(whole.unreadable.map(({ path }) => path)).toEqual([samples[59].path]);
  expect(report.notes).toEqual([]); // 15 of the 16 identities of either class, where 30 images at random would be of fewer
});

const faces = fileURLToPath(new URL("../../../../shared/data/faces", import.meta.url));

test.skipIf(!existsSync(faces))(
  "photographs and generated faces are clean (skipped where ../shared/data/faces is not there)",
  async () => {
    const { train, validation, test: judged } = await readForgeryDataset(faces);
    const report = await checkLeaks([...train, ...validation, ...judged]);
    expect(report).toMatchObject({ real: 150, forged: 150, leaks: [], notes: [], unreadable: [] });
  },
);
