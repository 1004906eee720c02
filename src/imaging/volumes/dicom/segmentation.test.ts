import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test, vi } from "vitest";
import { random } from "../../../random/index.ts";
import {
  applyAffine,
  createVolume,
  type DicomSegment,
  type DicomSegmentationOptions,
  type DicomStack,
  dicomCode,
  type LabelVolume,
  openDicom,
  SEGMENT_CATEGORY,
  uidFor,
  writeDicomSegmentation,
  writeDicomSeries,
  writeNifti,
} from "../index.ts";
import { filled, linearField, pathOf, turnedAffine } from "../testing/phantom.ts";
import { labOf } from "./cielab.ts";
import { parseDicom, textOf } from "./data-set.ts";

const segments: readonly DicomSegment[] = [
  {
    ...{
      label: 3,
      name: "Lumen",
      category: SEGMENT_CATEGORY.anatomicalStructure,
      type: dicomCode("DCM", "122360", "True Lumen"),
    },
    ...{ anatomy: dicomCode("SCT", "69105007", "Carotid Artery"), colour: [220, 40, 40] },
  },
  {
    ...{ label: 1, name: "Calcification", category: SEGMENT_CATEGORY.alteredStructure },
    type: dicomCode("SCT", "237897009", "Vascular Calcification"),
  },
];

/** A written series of 9 x 7 x 5 voxels that names a patient, opened under a key, and classes on it. */
const prepared = async (name: string, identity: { key?: string; keepIdentity?: boolean }) => {
  const affine = turnedAffine([0.1, -0.25, 0.4], [0.5, 0.75, 2], [-12, 30, 5]);
  const volume = filled({ width: 9, height: 7, slices: 5, affine }, linearField);
  await writeDicomSeries(pathOf(name), volume, {
    ...{ patientName: "PLANTED^NAME", patientId: "PLANTED-ID", birthDate: "19610203", sex: "F", studyDate: "20190517" },
    ...{ study: uidFor("seg", "study"), series: uidFor("seg", "series"), frameOfReference: uidFor("seg", "frame") },
    ...{ seriesNumber: 4, description: "PLANTED T1" },
  });
  const [stack] = (await openDicom(pathOf(name), identity)).stacks;
  const rng = random("segmentation labels", 1);
  // Nothing in the first slice; only the lumen in the second.
  const labels = createVolume(
    stack.grid,
    Uint8Array.from({ length: 315 }, (_, n) => (n < 63 ? 0 : n < 126 ? 3 * Number(rng.uniform(0, 1) < 0.4) : [0, 1, 3][n % 3])),
  );
  return { stack, labels };
};

const write = async (name: string, labels: LabelVolume, source: DicomStack, more: Partial<DicomSegmentationOptions> = {}) => {
  const path = pathOf(`${name}.dcm`);
  await writeDicomSegmentation(path, labels, { segments, source, algorithm: { type: "AUTOMATIC", name: "U-Net" }, ...more });
  return path;
};

const checker = fileURLToPath(new URL("../../../../scripts/check-segmentation.py", import.meta.url));
const python = "/usr/bin/python3";
const pythonHasDicom = (() => {
  try {
    execFileSync(python, ["-c", "import pydicom, numpy"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

describe("a DICOM segmentation", () => {
  test.skipIf(!pythonHasDicom)(
    "is read by pydicom as it was written, and dciodvfy finds no error (skipped without pydicom)",
    async () => {
      const { stack, labels } = await prepared("checked", { key: "secret" });
      const paths = [
        await write("checked-seg", labels, stack),
        await write("empty-seg", { ...labels, data: new Uint8Array(315) }, stack),
      ];
      const [read, empty] = JSON.parse(execFileSync(python, [checker, ...paths], { encoding: "utf8" }));
      expect(read).toMatchObject({
        kind: ["Segmentation Storage", "SEG", "BINARY"],
        ...{ study: stack.study, frameOfReference: stack.frameOfReference, referencedSeries: stack.series, errors: [] },
        segments: [
          {
            number: 1,
            name: "Lumen",
            category: ["SCT", "123037004", "Anatomical Structure"],
            type: ["DCM", "122360", "True Lumen"],
          },
          { number: 2, name: "Calcification", type: ["SCT", "237897009", "Vascular Calcification"], anatomy: null },
        ],
      });
      expect(read.segments[0].anatomy).toEqual(["SCT", "69105007", "Carotid Artery"]);
      expect(read.frames.map(({ segment }: { segment: number }) => segment)).toEqual([1, 1, 1, 1, 2, 2, 2]);
      for (const [n, { segment, position, source, pixels }] of read.frames.entries()) {
        const k = n < 4 ? n + 1 : n - 2;
        const slice = labels.data.subarray(k * 63, (k + 1) * 63);
        expect(pixels).toEqual(Array.from(slice, (label) => Number(label === segments[segment - 1].label)));
        expect(source).toBe(stack.images[k].sopInstance);
        const should = applyAffine(labels.affine, [0, 0, k]);
        expect(Math.max(...position.map((mm: number, i: number) => Math.abs(mm - should[i])))).toBeLessThan(1e-9);
      }
      expect(empty).toMatchObject({ errors: [], frames: [{ segment: 1, pixels: new Array(63).fill(0) }] });
    },
  );

  test("keeps what identifies the patient out of all that is written, of the log and of what it is called", async () => {
    const spies = [vi.spyOn(console, "log"), vi.spyOn(console, "warn"), vi.spyOn(console, "error")];
    const output = vi.spyOn(process.stdout, "write");
    const { stack, labels } = await prepared("private", { key: "secret" });
    await write("private-out/seg", labels, stack);
    await writeNifti(pathOf("private-out/labels.nii"), labels);
    await writeNifti(pathOf("private-out/volume.nii"), await stack.read());
    const written = readdirSync(pathOf("private-out")).map((name) => readFileSync(pathOf("private-out", name), "latin1"));
    expect(written.length).toBe(3);
    const original = readFileSync(pathOf("private/IM0001.dcm"), "latin1");
    const planted = ["PLANTED", "19610203", "20190517", uidFor("seg", "study"), uidFor("seg", "series"), uidFor("seg", "frame")];
    for (const secret of planted) {
      expect(original).toContain(secret);
      for (const text of [...written, JSON.stringify(stack), JSON.stringify([...spies, output].map((spy) => spy.mock.calls))]) {
        expect(text).not.toContain(secret);
      }
    }
    expect(spies.flatMap((spy) => spy.mock.calls)).toEqual([]);
    vi.restoreAllMocks();
  });

  test("names the patient where the identity is kept, and refers to the files as they are", async () => {
    const { stack, labels } = await prepared("kept", { keepIdentity: true });
    const bytes = readFileSync(await write("kept-seg", labels, stack));
    const dataSet = parseDicom(bytes);
    expect(textOf(dataSet, "PatientName")).toBe("PLANTED^NAME");
    expect(textOf(dataSet, "StudyDate")).toBe("20190517");
    expect(textOf(dataSet, "StudyInstanceUID")).toBe(uidFor("seg", "study"));
    expect(textOf(dataSet, "PatientIdentityRemoved")).toBeUndefined();
    expect(bytes.toString("latin1")).toContain(uidFor(uidFor("seg", "series"), "instance", 2));
  });

  test("is the same for the same labels, and has another UID for others", async () => {
    const { stack, labels } = await prepared("same", { key: "secret" });
    const [a, b] = [readFileSync(await write("a", labels, stack)), readFileSync(await write("b", labels, stack))];
    expect(a.equals(b)).toBe(true);
    const other = readFileSync(
      await write("c", { ...labels, data: labels.data.map((label) => (label === 1 ? 0 : label)) }, stack),
    );
    expect(textOf(parseDicom(other), "SOPInstanceUID")).not.toBe(textOf(parseDicom(a), "SOPInstanceUID"));
  });

  test("of what does not fit is refused", async () => {
    const { stack, labels } = await prepared("refused", {});
    const moved = { ...labels, affine: turnedAffine([0, 0, 0], [1, 1, 1], [0, 0, 0]) };
    await expect(write("moved", moved, stack)).rejects.toThrow("Resample them onto it");
    await expect(write("class", labels, stack, { segments: segments.slice(0, 1) })).rejects.toThrow(
      "the class 1, for which there is no segment",
    );
    for (const wrong of [[], [{ ...segments[0], label: 0 }], [segments[0], segments[0]]]) {
      await expect(write("wrong", labels, stack, { segments: wrong })).rejects.toThrow("different labels that are not 0");
    }
  });
});

test("colours are written as CIELab under D50", () => {
  expect(labOf([255, 255, 255])).toEqual([65535, 32896, 32896]);
  expect(labOf([0, 0, 0])).toEqual([0, 32896, 32896]);
  const [l, a, b] = labOf([255, 0, 0]);
  expect([l / 655.35, a / 257 - 128, b / 257 - 128].map((v) => Math.round(v))).toEqual([54, 81, 70]); // Lab of sRGB red under D50
});

describe("a written MR series", () => {
  const about = {
    patientId: "1",
    study: uidFor("w", 1),
    series: uidFor("w", 2),
    frameOfReference: uidFor("w", 3),
    seriesNumber: 1,
  };
  const grid = { width: 3, height: 2, slices: 2, affine: turnedAffine([0, 0, 0], [1, 1, 1], [0, 0, 0]) };

  test("refuses what slices cannot say", async () => {
    const sheared = filled({ ...grid, affine: [1, 0.3, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0] }, () => 1);
    await expect(writeDicomSeries(pathOf("sheared"), sheared, about)).rejects.toThrow("not at right angles");
    await expect(
      writeDicomSeries(
        pathOf("nan"),
        filled(grid, () => Number.NaN),
        about,
      ),
    ).rejects.toThrow("the value NaN");
  });

  test("of fractions comes back within 1/65535 of its range", async () => {
    const volume = filled(grid, ([x, y, z]) => 1e-3 * Math.sin(3 * x + 5 * y + 7 * z));
    await writeDicomSeries(pathOf("fractions"), volume, about);
    const back = await (await openDicom(pathOf("fractions"))).stacks[0].read();
    expect(Math.max(...back.data.map((v, n) => Math.abs(v - volume.data[n])))).toBeLessThan(2e-3 / 65535);
  });
});
