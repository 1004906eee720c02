import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { random } from "../../../random/index.ts";
import { ImageError } from "../../image.ts";
import {
  type DicomStack,
  isSameGrid,
  openDicom,
  orientationOf,
  readNifti,
  reoriented,
  resampleVolume,
  spacingOf,
  uidFor,
  writeDicomSeries,
} from "../index.ts";
import { folderOf, slice } from "../testing/dicom.ts";
import { fileOf, filled, linearField, pathOf, turnedAffine } from "../testing/phantom.ts";
import { encodeDicom } from "./encode.ts";

interface Case {
  readonly name: string;
  readonly file: string;
  readonly values: readonly number[];
  readonly tolerance?: number;
  readonly refused?: string;
  readonly echoes?: readonly (readonly number[][])[];
  readonly order?: readonly (readonly [number, number])[];
}

const cases: readonly Case[] = JSON.parse(readFileSync(new URL("../fixtures/dicom.json", import.meta.url), "utf8"));
const bytesOf = (name: string): Buffer => Buffer.from(cases.find((one) => one.name === name)!.file, "base64");

/** What fixtures say about a patient: name, UIDs, dates of birth and study. */
const PLANTED = /PLANTED|1\.2\.826|19610203|20190517|101112/i;

const single = async (path: string, options = {}): Promise<DicomStack> => {
  const { stacks, skipped } = await openDicom(path, options);
  expect(skipped).toEqual([]);
  expect(stacks.length).toBe(1);
  return stacks[0];
};

describe("pixels are read as pydicom reads them:", () => {
  test.each(cases.filter(({ values }) => values.length > 0))("$name", async ({ name, file, values, tolerance = 0 }) => {
    const stack = await single(await fileOf(`${name}.dcm`, Buffer.from(file, "base64")));
    const { data } = await stack.read();
    expect(data.length).toBe(values.length);
    expect(Math.max(...data.map((value, i) => Math.abs(value - values[i])))).toBeLessThanOrEqual(tolerance);
    expect(JSON.stringify(stack)).not.toMatch(PLANTED);
    expect(stack.notes.join().includes("MONOCHROME1")).toBe(name === "MONOCHROME1");
    expect(stack.notes.join().includes("with loss")).toBe(name === "JPEG baseline");
  });

  test.each(cases.filter(({ refused }) => refused))("$name, which is refused with a way out", async ({ name, file, refused }) => {
    const path = await fileOf(`${name}.dcm`, Buffer.from(file, "base64"));
    const error = await (await single(path)).read().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ImageError);
    expect((error as Error).message).toMatch(new RegExp(`^Cannot use the image "${path}".*${refused}.*gdcmconv --raw`));
  });

  test.each(cases.filter(({ echoes }) => echoes))("$name: each echo is a volume", async ({ name, file, echoes, order }) => {
    const { stacks, skipped } = await openDicom(await fileOf(`${name}.dcm`, Buffer.from(file, "base64")));
    expect(skipped).toEqual([]);
    expect(stacks.map(({ acquisition }) => acquisition.echoTime)).toEqual([10, 80]);
    for (const [echo, stack] of stacks.entries()) {
      const volume = await stack.read();
      expect([...volume.data]).toEqual(echoes![echo].flat());
      expect(spacingOf(volume).map((mm) => Number(mm.toFixed(6)))).toEqual([0.75, 0.5, 2.5]);
      expect(stack.images.map(({ frame }) => frame)).toEqual(
        [0, 1, 2].map((k) => order!.findIndex(([e, s]) => e === echo && s === k) + 1),
      );
      expect(stack.acquisition).toMatchObject({ repetitionTime: 2000, flipAngle: 90 });
    }
  });
});

describe("a slice lies where its file says", () => {
  test("columns, rows and normal", async () => {
    const { grid } = await single(await fileOf("place.dcm", bytesOf("explicit")));
    expect([grid.width, grid.height, grid.slices]).toEqual([10, 7, 1]);
    expect(orientationOf(grid)).toBe("PIR");
    expect(grid.affine.map((v) => Number(v.toFixed(9)) + 0)).toEqual([0, 0, -3, -10, 0.75, 0, 0, 20.5, 0, -0.5, 0, 33]);
  });

  test.each(["LPS", "RAS", "PIR", "ASL", "SLP", "IRA"])(
    "a phantom written as %s has every value at the same patient coordinates",
    async (orientation) => {
      const affine = turnedAffine([0.1, -0.25, 0.2], [0.5, 0.75, 2], [-12, 30, 5]);
      const phantom = filled({ width: 8, height: 7, slices: 6, affine }, linearField);
      const about = {
        patientId: "1",
        study: uidFor("t", 1),
        series: uidFor("t", 2),
        frameOfReference: uidFor("t", 3),
        seriesNumber: 1,
      };
      await writeDicomSeries(pathOf(orientation), reoriented(phantom, orientation), about);
      const volume = await (await single(pathOf(orientation))).read();
      const step = (1.01 * Math.max(...phantom.data.map((v) => v - phantom.data[0]), 100)) / 65535;
      const should = filled(volume, linearField);
      expect(Math.max(...volume.data.map((v, n) => Math.abs(v - should.data[n])))).toBeLessThan(2 * step);
      const there = resampleVolume(volume, phantom);
      expect(Math.max(...there.data.map((v, n) => Math.abs(v - phantom.data[n])))).toBeLessThan(2 * step);
      // Slices run along columns x rows, so a left-handed grid comes back with its third axis turned round.
      const mirrored = orientation
        .split("")
        .map((letter, n) => (n === 2 ? { L: "R", R: "L", P: "A", A: "P", S: "I", I: "S" }[letter] : letter));
      expect([orientation, mirrored.join("")]).toContain(orientationOf(volume));
    },
  );
});

test("whole numbers come back exactly, in the order of their places, whatever the files' names", async () => {
  const rng = random("dicom round trip", 1);
  const grid = { width: 5, height: 4, slices: 12, affine: turnedAffine([0, 0, 0], [1, 1, 1], [0, 0, 0]) };
  for (const [name, low] of [
    ["unsigned", 0],
    ["signed", -300],
  ] as const) {
    const volume = filled(grid, () => Math.floor(rng.uniform(low, 4000)));
    const about = {
      patientId: "1",
      study: uidFor("t", 1),
      series: uidFor("t", 2),
      frameOfReference: uidFor("t", 3),
      seriesNumber: 1,
    };
    const paths = await writeDicomSeries(pathOf(name), volume, about);
    const shuffled = paths
      .map((path) => readFileSync(path))
      .sort((a, b) => a.readUInt8(a.length - 9) - b.readUInt8(b.length - 9));
    const back = await (await single(await folderOf(`${name} shuffled`, shuffled))).read();
    expect(back.data).toEqual(volume.data);
    expect(isSameGrid(back, volume, 1e-6)).toBe(true);
  }
});

describe("a series of several stacks is parted", () => {
  const open = async (name: string, files: Parameters<typeof folderOf>[1]) => openDicom(await folderOf(name, files));
  const places = ({ stacks }: { stacks: readonly DicomStack[] }) => stacks.map(({ grid }) => grid.slices);

  test("by echo", async () => {
    const opened = await open(
      "echoes",
      [0, 2, 4].flatMap((z) => [slice(z, { EchoTime: 10 }), slice(z, { EchoTime: 90 })]),
    );
    expect(opened.stacks.map(({ acquisition, grid }) => [acquisition.echoTime, grid.slices])).toEqual([
      [10, 3],
      [90, 3],
    ]);
  });

  test("by direction", async () => {
    const sagittal = (x: number) => slice(x, { ImageOrientationPatient: [0, 1, 0, 0, 0, -1], ImagePositionPatient: [x, 0, 0] });
    const opened = await open("localiser", [slice(0), sagittal(0), slice(3), sagittal(5), sagittal(10)]);
    expect(places(opened)).toEqual([2, 3]);
    expect(opened.stacks.map(({ grid }) => orientationOf(grid))).toEqual(["LPS", "PIR"]);
  });

  test("by acquisition, and else by the order at each place", async () => {
    const acquired = [1, 2].flatMap((AcquisitionNumber) => [0, 2, 4].map((z) => slice(z, { AcquisitionNumber })));
    expect(places(await open("acquired", acquired))).toEqual([3, 3]);
    const taken = [0, 2, 4].flatMap((z, n) =>
      [0, 1].map((time) => slice(z + 0, { InstanceNumber: 3 * time + n + 1, PixelData: new Uint8Array(24).fill(time) })),
    );
    const opened = await open("taken", taken);
    expect(places(opened)).toEqual([3, 3]);
    expect(new Set((await opened.stacks[0].read()).data).size).toBe(1);
  });

  test("by series, ordered by day and number", async () => {
    const series = (SeriesInstanceUID: string, SeriesNumber: number, StudyDate: string) =>
      slice(0, { SeriesInstanceUID, SeriesNumber, StudyDate });
    const { stacks } = await open("several", [
      series("1.1", 7, "20200102"),
      series("1.2", 9, "20200101"),
      series("1.3", 3, "20200102"),
    ]);
    expect(stacks.map(({ seriesNumber }) => seriesNumber)).toEqual([9, 3, 7]);
  });
});

describe("slices that make no volume are skipped, and the file is named:", () => {
  test.each<[string, readonly number[], string]>([
    ["one missing", [0, 2, 6, 8], 'a slice is missing between "1.dcm" and "2.dcm" (4.00 mm instead of 2.00)'],
    ["two missing", [0, 2, 4, 10], '2 slices are missing between "2.dcm" and "3.dcm"'],
    ["uneven", [0, 2, 5.2, 7.2], 'lie unevenly: between "1.dcm" and "2.dcm" there are 3.20 mm instead of 2.00'],
  ])("%s", async (name, heights, reason) => {
    const { stacks, skipped } = await openDicom(
      await folderOf(
        `gap ${name}`,
        heights.map((z) => slice(z)),
      ),
    );
    expect(stacks).toEqual([]);
    expect(skipped.length).toBe(1);
    expect(skipped[0].reason).toContain(reason);
  });

  test("off the line", async () => {
    const off = slice(4, { ImagePositionPatient: [1, 0, 4] });
    const { skipped } = await openDicom(await folderOf("off", [slice(0), slice(2), off, slice(6)]));
    expect(skipped[0].reason).toContain('"2.dcm" lies 1.00 mm off');
  });

  test("but a tilted gantry shears the grid", async () => {
    const tilted = [0, 2, 4].map((z) => slice(z, { ImagePositionPatient: [0, z / 4, z] }));
    const { grid } = await single(await folderOf("tilted", tilted));
    expect([grid.affine[2], grid.affine[6], grid.affine[10]]).toEqual([0, 0.5, 2]);
  });
});

describe("the patient's identity", () => {
  const study = (day: string, n: number, change = {}) =>
    slice(0, { StudyDate: day, StudyInstanceUID: `1.2.826.${n}`, SeriesInstanceUID: `1.2.826.${n}.1`, ...change });
  const folder = folderOf("two studies", [
    study("20190517", 1),
    study("20200517", 2),
    study("20190517", 3, { PatientID: "PLANTED-2" }),
  ]);

  const open = async (options: { key?: string; keepIdentity?: boolean }) => {
    const { stacks } = await openDicom(await folder, options);
    const first = stacks.filter(({ patient }) => stacks.filter((other) => other.patient === patient).length === 2);
    return { stacks, first, text: JSON.stringify(stacks) };
  };

  test("stays in the reader, but studies of a patient link and the days between them are true", async () => {
    const { stacks, first, text } = await open({ key: "secret" });
    expect(text).not.toMatch(PLANTED);
    expect(new Set(stacks.map(({ patient }) => patient)).size).toBe(2);
    expect(first[1].day! - first[0].day!).toBe(366);
    expect(stacks.map(({ day }) => day)).not.toContain(Date.UTC(2019, 4, 17) / 86_400_000);
    const other = stacks.find(({ patient }) => patient !== first[0].patient)!;
    expect(other.day).not.toBe(first[0].day);
    expect(text).toBe((await open({ key: "secret" })).text);
  });

  test("has other pseudonyms under another key, and without one in every call", async () => {
    const texts = [await open({ key: "secret" }), await open({ key: "other" }), await open({}), await open({})];
    expect(new Set(texts.map(({ text }) => text)).size).toBe(4);
    for (const { first, text } of texts) {
      expect(first[1].day! - first[0].day!).toBe(366);
      expect(text).not.toMatch(PLANTED);
    }
  });

  test("is there where it is to be kept", async () => {
    const { stacks } = await open({ keepIdentity: true });
    expect(stacks.map(({ patient }) => patient)).toEqual(["PLANTED-2", "PLANTED-ID", "PLANTED-ID"]);
    expect(stacks[1]).toMatchObject({ study: "1.2.826.1", series: "1.2.826.1.1", day: Date.UTC(2019, 4, 17) / 86_400_000 });
    expect(stacks[1].identity).toMatchObject({ name: "PLANTED^NAME", birthDate: "19610203" });
    const cyrillic = slice(0, { PatientName: "Плантед^Имя", SpecificCharacterSet: "ISO_IR 192" });
    expect((await single(await folderOf("utf-8", [cyrillic]), { keepIdentity: true })).identity?.name).toBe("Плантед^Имя");
  });

  test("tells patients without an ID apart", async () => {
    const unnamed = (n: number) => study("20190517", n, { PatientID: "", PatientName: "", PatientBirthDate: "" });
    const { stacks } = await openDicom(await folderOf("unnamed", [unnamed(1), unnamed(2)]), { key: "secret" });
    expect(stacks[0].patient).not.toBe(stacks[1].patient);
  });

  test("lets terms of sequences out of a description, and nothing else", async () => {
    const stack = await single(
      await folderOf("terms", [slice(0, { SeriesDescription: "Planted t1_tse BB +C 3D-TOF 19610203" })]),
    );
    expect(stack.acquisition.terms).toEqual(["T1", "TSE", "black blood", "contrast", "3D", "TOF"]);
  });

  test("burned into the pixels is a note", async () => {
    const { notes } = await single(await folderOf("burned", [slice(0, { BurnedInAnnotation: "YES" })]));
    expect(notes.join()).toContain("burned into its pixels");
  });
});

describe("a hostile file", () => {
  const good = encodeDicom(slice(0));
  const reasons = async (name: string, file: Buffer | Parameters<typeof encodeDicom>[0]): Promise<string> => {
    const { stacks, skipped } = await openDicom(await folderOf(`hostile ${name}`, [file]));
    if (stacks.length === 0) return skipped.map(({ reason }) => reason).join();
    return stacks[0].read().then(
      () => "read",
      (error: Error) => {
        expect(error).toBeInstanceOf(ImageError);
        return error.message;
      },
    );
  };

  test("is skipped, and the rest is read", async () => {
    const folder = await folderOf("mixed", [
      Buffer.alloc(0),
      Buffer.from("a text"),
      good,
      good.subarray(0, 400),
      Buffer.alloc(3000, 7),
    ]);
    const { stacks, skipped } = await openDicom(folder);
    expect(stacks.length).toBe(1);
    expect(skipped.map(({ file }) => file)).toEqual(["0.dcm", "1.dcm", "3.dcm", "4.dcm"]);
    expect(skipped[0].reason).toBe("it is not a DICOM file.");
    expect(skipped[2].reason).toContain("damaged DICOM file");
    await expect(openDicom(pathOf("nowhere"))).rejects.toThrow("there is no such file");
  });

  test("cut short anywhere gives a sentence without the patient", async () => {
    for (let length = 0; length < good.length; length += 37) {
      const reason = await reasons(`cut ${length}`, good.subarray(0, length));
      expect(reason).toMatch(/not a DICOM file|damaged|cut short|no image slices|does not say|has no/);
      expect(reason).not.toMatch(PLANTED);
    }
  });

  test("with bytes that lie never stops the reader", async () => {
    const rng = random("hostile dicom", 1);
    for (let round = 0; round < 60; round++) {
      const bytes = Buffer.from(good);
      for (let n = 0; n < 4; n++) bytes[132 + Math.floor(rng.uniform(0, bytes.length - 132))] = Math.floor(rng.uniform(0, 256));
      expect(await reasons("fuzz", bytes)).not.toMatch(/PLANTED\^|undefined/);
    }
  });

  test.each<[string, Parameters<typeof encodeDicom>[0], string]>([
    ["claims 65535 x 65535", slice(0, { Rows: 65535, Columns: 65535 }), "more than the limit"],
    ["claims more pixels than it has", slice(0, { Rows: 4000, Columns: 4000 }), "cut short"],
    ["claims a billion frames", slice(0, { NumberOfFrames: 1_000_000_000 }), "does not say where they lie"],
    [
      "describes other frames",
      slice(0, { NumberOfFrames: 9, PerFrameFunctionalGroupsSequence: [{}] }),
      "claims 9 frames and describes 1",
    ],
    ["no place", slice(0, { ImagePositionPatient: "" }), "ImagePositionPatient"],
    ["no direction", slice(0, { ImageOrientationPatient: [1, 0, 0, 1, 0, 0] }), "two unit vectors"],
    ["pixels of no width", slice(0, { PixelSpacing: [0, 1] }), "PixelSpacing"],
    ["colours", slice(0, { SamplesPerPixel: 3, PhotometricInterpretation: "RGB" }), "colours"],
    ["a table of values", slice(0, { ModalityLUTSequence: [{ CodeValue: "1" }] }), "Modality LUT"],
    ["bits that cannot be", slice(0, { BitsStored: 17 }), "17 of 16 bits"],
    ["single bits", slice(0, { BitsAllocated: 1, BitsStored: 1, HighBit: 0 }), "no segmentations"],
    ["no series", slice(0, { SeriesInstanceUID: "" }), "study and series"],
    ["no pixels", slice(0, { PixelData: undefined }), "no pixels"],
  ])("%s", async (name, file, reason) => {
    expect(await reasons(name, file)).toContain(reason);
  });

  test("compressed pixels that are not what the file says are refused before memory is taken", async () => {
    for (const name of ["RLE", "JPEG lossless, first order", "JPEG 2000", "JPEG baseline"]) {
      const bytes = Buffer.from(bytesOf(name));
      const rows = bytes.indexOf(Buffer.from([0x28, 0, 0x10, 0, 0x55, 0x53, 2, 0]));
      bytes.writeUInt16LE(16_000, rows + 8);
      bytes.writeUInt16LE(16_000, rows + 18);
      expect(await reasons(name, bytes)).toContain("compressed pixels are damaged or cut short");
      const cut = bytesOf(name).subarray(0, -60);
      expect(await reasons(`${name} cut`, cut)).toMatch(/damaged|cut short/);
    }
  });
});

const brain = fileURLToPath(new URL("../../../../../shared/data/brain-mri", import.meta.url));

test.skipIf(!existsSync(brain))(
  "an MRI of a brain goes through DICOM unchanged (skipped where ../shared/data/brain-mri is not there)",
  async () => {
    const { volume } = await readNifti(`${brain}/longitudinal/patient01/study1_FLAIR.nii.gz`);
    const about = {
      patientId: "1",
      study: uidFor("b", 1),
      series: uidFor("b", 2),
      frameOfReference: uidFor("b", 3),
      seriesNumber: 1,
    };
    await writeDicomSeries(pathOf("brain"), volume, about);
    const back = await (await single(pathOf("brain"))).read();
    expect(back.data.every((value, n) => value === volume.data[n])).toBe(true);
    expect(isSameGrid(back, volume)).toBe(true);
  },
);
