import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { afterAll, expect, test } from "vitest";
import { openDicom, readNifti, readNiftiLabels } from "../../../imaging/volumes/index.ts";
import { vesselFeatures } from "../measurement/index.ts";
import { firstPatient, patientOfSplit, personalColumns, vesselStudy, vesselTruth, writeVesselDataset } from "./index.ts";

const folders: string[] = [];
const temporary = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "lynceus-vessels-"));
  folders.push(folder);
  return folder;
};
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});

const rowsOf = async (path: string): Promise<Record<string, string>[]> => parse(await readFile(path, "utf8"), { columns: true });

test("patients are written as NIfTI with their table and their truth", { timeout: 240_000 }, async () => {
  const folder = await temporary();
  const seen: number[] = [];
  await writeVesselDataset(folder, { patients: { test: 1 }, seed: 5, listener: ({ done }) => seen.push(done) });
  expect(seen).toEqual([1]);
  const patient = patientOfSplit(5, "test", 0);
  const study = vesselStudy(patient, 1);
  const [row] = await rowsOf(join(folder, "patients.csv"));
  expect(row).toMatchObject({ patient: `P${firstPatient.test}`, split: "test", stage_2: `P${firstPatient.test}/stage-2` });
  for (const column of personalColumns) expect(row[column]).toBe(String(patient.record[column] ?? ""));
  expect((Date.parse(row.date_2) - Date.parse(row.date_1)) / 86_400_000 / 365.25).toBeCloseTo(patient.years, 9);

  const { volume: image } = await readNifti(join(folder, row.stage_2, "PD.nii.gz"));
  expect(image.data).toEqual(study.images.PD.data);
  for (const [n, value] of image.affine.entries()) expect(value).toBeCloseTo(study.images.PD.affine[n], 4);
  const labels = await readNiftiLabels(join(folder, row.stage_2, "labels.nii.gz"));
  expect(labels.data).toEqual(study.labels.data);
  const motion = JSON.parse(await readFile(join(folder, row.patient, "motion.json"), "utf8"));
  expect(motion.stages[1].TOF).toEqual(patient.stages[1].motion.TOF);

  const [truth] = await rowsOf(join(folder, "truth.csv"));
  const { changes } = vesselTruth(patient).comparison;
  for (const { name } of vesselFeatures) {
    const { absolute } = changes[name];
    expect(truth[`${name}_change`]).toBe(absolute === null ? "" : String(absolute));
  }
});

test("as DICOM they are read back, with made-up names that the reader does not let through", { timeout: 240_000 }, async () => {
  const folder = await temporary();
  await writeVesselDataset(folder, { patients: { train: 1 }, format: "dicom" });
  const patient = patientOfSplit(0, "train", 0);
  const { stacks, skipped } = await openDicom(folder, { key: "key" });
  expect(skipped.every(({ file }) => !file.endsWith(".dcm"))).toBe(true);
  expect(stacks.map(({ acquisition }) => acquisition.terms[0])).toEqual(["T1", "T2", "PD", "TOF", "T1", "T2", "PD", "TOF"]);
  expect(new Set(stacks.map(({ study }) => study)).size).toBe(2);
  expect(stacks[4].day! - stacks[0].day!).toBe(patient.stages[1].day - patient.stages[0].day);
  expect(JSON.stringify(stacks)).not.toMatch(/Phantom|P000000/);
  const image = await stacks[3].read();
  expect(image.data).toEqual(vesselStudy(patient, 0).images.TOF.data);
});
