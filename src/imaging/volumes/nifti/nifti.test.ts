import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { ImageError } from "../../image.ts";
import {
  type Affine,
  createVolume,
  isSameGrid,
  lpsFromRas,
  orientationOf,
  readNifti,
  readNiftiLabels,
  reoriented,
  spacingOf,
  writeNifti,
} from "../index.ts";
import { fileOf, filled, linearField, pathOf, turnedAffine } from "../testing/phantom.ts";

interface Case {
  readonly name: string;
  readonly file: string;
  readonly size: readonly number[];
  readonly ras: Affine;
  readonly values: readonly number[];
  readonly frame?: number;
}

const cases: readonly Case[] = JSON.parse(readFileSync(new URL("../fixtures/nifti.json", import.meta.url), "utf8"));
const bytesOf = (name: string): Buffer => Buffer.from(cases.find((one) => one.name === name)!.file, "base64");

const closeTo = (actual: readonly number[], expected: readonly number[], tolerance: number): void => {
  expect(actual.length).toBe(expected.length);
  expect(Math.max(...actual.map((value, i) => Math.abs(value - expected[i])))).toBeLessThan(tolerance);
};

describe("a NIfTI-1 file is read as nibabel reads it:", () => {
  test.each(cases)("$name", async ({ name, file, size, ras, values, frame }) => {
    const { volume, notes } = await readNifti(await fileOf(`${name}.nii`, Buffer.from(file, "base64")), { frame });
    expect([volume.width, volume.height, volume.slices]).toEqual(size);
    closeTo(volume.affine, lpsFromRas(ras), 1e-5);
    closeTo([...volume.data], values, 1e-5);
    expect(notes).toEqual([]);
  });
});

test("one that does not say how it lies is taken as RAS, and the note says so", async () => {
  const bytes = bytesOf("u1 little-endian");
  bytes.writeInt16LE(0, 252);
  bytes.writeInt16LE(0, 254);
  const { volume, notes } = await readNifti(await fileOf("unplaced.nii", bytes));
  expect(orientationOf(volume)).toBe("RAS");
  closeTo(spacingOf(volume), [0.6, 0.7, 2.5], 1e-6);
  expect(notes.join()).toContain("does not say how it lies in the patient");
});

test("units of length count", async () => {
  const bytes = bytesOf("u1 little-endian");
  bytes.writeUInt8(3, 123);
  closeTo(spacingOf((await readNifti(await fileOf("micro.nii", bytes))).volume), [0.6e-3, 0.7e-3, 2.5e-3], 1e-8);
  bytes.writeUInt8(0, 123);
  expect((await readNifti(await fileOf("unitless.nii", bytes))).notes.join()).toContain("taken as millimetres");
});

describe("what is written", () => {
  const affine = turnedAffine([0.3, -0.2, 2], [0.5, 0.6, 2], [-20, 11, 4.5]);
  const volume = filled({ width: 7, height: 5, slices: 4, affine }, linearField);

  test.each(["there.nii", "there.nii.gz"])("is read back: %s", async (name) => {
    await writeNifti(pathOf(name), volume);
    const { volume: back, storedAs } = await readNifti(pathOf(name));
    expect(back.data).toEqual(volume.data);
    closeTo(back.affine, affine, 1e-5);
    expect(storedAs).toBe("float32");
    expect(readFileSync(pathOf(name))[0] === 0x1f).toBe(name.endsWith(".gz"));
  });

  test.each(["LPS", "RAS", "LAS", "SPL", "AIR", "PSR"])(
    "has a qform that says the same as the sform: %s",
    async (orientation) => {
      const turned = reoriented(volume, orientation);
      await writeNifti(pathOf("both.nii"), turned);
      const bytes = readFileSync(pathOf("both.nii"));
      bytes.writeInt16LE(0, 254);
      const { volume: back } = await readNifti(await fileOf("qform.nii", bytes));
      closeTo(back.affine, turned.affine, 1e-5);
      expect(isSameGrid(back, turned)).toBe(true);
    },
  );

  test("of sheared axes has no qform, and its sform is exact", async () => {
    const sheared = { ...volume, affine: [...affine.slice(0, 2), affine[2] + 0.5, ...affine.slice(3)] as unknown as Affine };
    await writeNifti(pathOf("sheared.nii"), sheared);
    expect(readFileSync(pathOf("sheared.nii")).readInt16LE(252)).toBe(0);
    closeTo((await readNifti(pathOf("sheared.nii"))).volume.affine, sheared.affine, 1e-5);
  });

  test("as classes keeps its type", async () => {
    const bytes = createVolume(
      volume,
      Uint8Array.from(volume.data, (_, n) => n % 256),
    );
    const shorts = createVolume(
      volume,
      Int16Array.from(volume.data, (_, n) => n - 70),
    );
    for (const labels of [bytes, shorts]) {
      await writeNifti(pathOf("labels.nii.gz"), labels);
      expect((await readNiftiLabels(pathOf("labels.nii.gz"))).data).toEqual(labels.data);
    }
    await expect(readNiftiLabels(await fileOf("not-labels.nii", bytesOf("f4 little-endian")))).rejects.toThrow(
      /^Cannot use the image ".*not-labels.nii": it is no label volume: its value -?\d+\.\d+ at column 0, row 0, slice 0/,
    );
  });

  test("is the same for the same volume", async () => {
    await writeNifti(pathOf("a.nii.gz"), volume);
    await writeNifti(pathOf("b.nii.gz"), volume);
    expect(readFileSync(pathOf("a.nii.gz"))).toEqual(readFileSync(pathOf("b.nii.gz")));
  });
});

describe("a hostile file is named with what is wrong:", () => {
  const good = bytesOf("i2 little-endian");
  const changed = (change: (bytes: Buffer) => void): Buffer => {
    const bytes = Buffer.from(good);
    change(bytes);
    return bytes;
  };
  const sized = (...dim: number[]): Buffer =>
    changed((bytes) => {
      for (const [i, value] of dim.entries()) bytes.writeInt16LE(value, 40 + 2 * i);
    });

  test.each<[string, Buffer, string]>([
    ["empty", Buffer.alloc(0), "the file is empty"],
    ["text", Buffer.from("no volume at all".repeat(100)), "not a NIfTI-1 file, whatever its name says"],
    ["shorter than a header", good.subarray(0, 200), "cut short"],
    ["cut short", good.subarray(0, -1), "damaged or cut short"],
    ["packed and cut short", gzipSync(good).subarray(0, -30), "cut short"],
    ["packed and cut short within", gzipSync(good.subarray(0, -10)), "cut short"],
    ["packed garbage", Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]), Buffer.alloc(40, 7)]), "it is damaged"],
    ["claims 32767^3", sized(3, 32767, 32767, 32767), "more than the limit"],
    ["claims 32767^3, packed", gzipSync(sized(3, 32767, 32767, 32767)), "more than the limit"],
    ["claims 640^3, packed", gzipSync(sized(3, 640, 640, 640)), "more than it can hold"],
    ["negative sizes", sized(3, -5, 4, 3), "claims dimensions"],
    ["nine dimensions", sized(9, 5, 4, 3), "claims dimensions"],
    ["vectors", sized(5, 5, 4, 3, 1, 3), "3 values"],
    ["series", sized(4, 5, 4, 1, 3), "holds 3 volumes"],
    ["RGB", changed((bytes) => bytes.writeInt16LE(128, 70)), "RGB colours"],
    ["unknown type", changed((bytes) => bytes.writeInt16LE(99, 70)), "unknown type (datatype 99)"],
    ["voxels in its header", changed((bytes) => bytes.writeFloatLE(10, 108)), "inside its header"],
    ["voxels far away", changed((bytes) => bytes.writeFloatLE(2 ** 40, 108)), "more than it can hold"],
    ["header of a pair", changed((bytes) => bytes.write("ni1\0", 344)), ".hdr and .img"],
    ["ANALYZE", changed((bytes) => bytes.fill(0, 344, 348)), "ANALYZE 7.5"],
    ["NIfTI-2", changed((bytes) => bytes.writeInt32LE(540, 0)), "NIfTI-2"],
    [
      "spacing of 0",
      changed((bytes) => {
        bytes.writeInt16LE(0, 254);
        bytes.writeFloatLE(0, 80);
      }),
      "0 mm wide",
    ],
    [
      "no rotation",
      changed((bytes) => {
        bytes.writeInt16LE(0, 254);
        bytes.writeFloatLE(3, 256);
      }),
      "no rotation",
    ],
  ])("%s", async (name, bytes, problem) => {
    const path = await fileOf(`${name}.nii.gz`, bytes);
    const error = await readNifti(path).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ImageError);
    expect((error as Error).message).toContain(`Cannot use the image "${path}": `);
    expect((error as Error).message).toContain(problem);
  });

  test("a small file that unpacks to much more is not unpacked further than its voxels", async () => {
    const path = await fileOf("bomb.nii.gz", gzipSync(Buffer.concat([good, Buffer.alloc(2 ** 24)])));
    expect((await readNifti(path)).volume.data.length).toBe(60);
  });

  test("a free text that names the patient does not leave the reader", async () => {
    const bytes = changed((file) => file.write("DOE^JANE 19610203", 148));
    const read = await readNifti(await fileOf("named.nii", bytes));
    expect(JSON.stringify(read)).not.toMatch(/DOE|1961/);
    await writeNifti(pathOf("renamed.nii"), read.volume);
    expect(readFileSync(pathOf("renamed.nii"), "latin1")).not.toMatch(/DOE|1961/);
  });
});

const brain = fileURLToPath(new URL("../../../../../shared/data/brain-mri", import.meta.url));

describe.skipIf(!existsSync(brain))("an MRI of a brain (skipped where ../shared/data/brain-mri is not there)", () => {
  test("is read as its header says", async () => {
    const path = `${brain}/longitudinal/patient01/study1_FLAIR.nii.gz`;
    const { volume, notes, storedAs } = await readNifti(path);
    expect({ size: [volume.width, volume.height, volume.slices], notes, storedAs, orientation: orientationOf(volume) }).toEqual({
      ...{ size: [320, 320, 36], notes: [], storedAs: "uint16", orientation: "LPS" },
    });
    const header = gunzipSync(readFileSync(path)).subarray(0, 352);
    const sform = Array.from({ length: 12 }, (_, i) => header.readFloatLE(280 + 4 * i)) as unknown as Affine;
    closeTo(volume.affine, lpsFromRas(sform), 1e-9);
    closeTo(spacingOf(volume), [0.71875, 0.71875, 4], 1e-5);
  });

  test("has lesions as classes", async () => {
    const labels = await readNiftiLabels(`${brain}/cross-sectional/patient07/lesions.nii.gz`);
    expect(labels.data).toBeInstanceOf(Uint8Array);
    expect(Math.max(...new Set(labels.data.subarray(0, 4_000_000)))).toBe(1);
    expect(orientationOf(labels)).toBe("LAS");
  });
});
