import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDicom, readNiftiLabels, uidFor, writeDicomSeries } from "../../../imaging/index.ts";
import { vesselFeatures } from "../measurement/index.ts";
import { vesselPatient } from "../phantom/index.ts";
import type { PatientResult, StageResult } from "../result.ts";
import type { PatientJson } from "./patient-json.ts";
import { phantomStage, vesselResult } from "./testing/patients.ts";
import { writePatientOutputs } from "./write-outputs.ts";

/** Has lumen, wall and all components of a plaque. */
const PATIENT = 3;
const PLANTED = ["PLANTED", "19410713", "1941-07-13", "20170923", "2017-09-23", "MRN-4711"];

const folders: string[] = [];
const temporary = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "lynceus-patient-"));
  folders.push(folder);
  return folder;
};
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});

/** The stage with its reference as a DICOM series that names a patient and a day, read back under a key. */
const asDicom = async (stage: StageResult, number: number): Promise<StageResult> => {
  const folder = await temporary();
  await writeDicomSeries(folder, stage.reference, {
    ...{ patientName: "PLANTED^NAME", patientId: "MRN-4711", birthDate: "19410713", sex: "M", studyDate: "20170923" },
    ...{ study: uidFor("outputs", number, "study"), series: uidFor("outputs", number, "series") },
    ...{ frameOfReference: uidFor("outputs", number, "frame"), seriesNumber: 3, description: "T1 PLANTED" },
  });
  const [dicom] = (await openDicom(folder, { key: "secret" })).stacks;
  return { ...stage, reference: await dicom.read(), dicom };
};

let result: PatientResult;
let folder: string;
let paths: Record<string, string>;
beforeAll(async () => {
  const [first, second] = [phantomStage(PATIENT, 0), phantomStage(PATIENT, 1)];
  const { years } = vesselPatient(3, PATIENT);
  result = vesselResult("patient 12", [await asDicom(first, 1), await asDicom(second, 2)], years);
  folder = join(await temporary(), "out");
  paths = await writePatientOutputs(folder, result, { stem: "p12" });
}, 240_000);

test("every file stands under the stem, and the paths say which is which", async () => {
  expect(Object.fromEntries(Object.entries(paths).map(([what, path]) => [what, basename(path)]))).toEqual({
    "stage-1-labels": "p12-stage-1-labels.nii.gz",
    "stage-1-segmentation": "p12-stage-1-segmentation.dcm",
    "stage-1": "p12-stage-1.png",
    "stage-2-labels": "p12-stage-2-labels.nii.gz",
    "stage-2-segmentation": "p12-stage-2-segmentation.dcm",
    "stage-2": "p12-stage-2.png",
    ...{ csv: "p12.csv", html: "p12.html", json: "p12.json" },
  });
  expect((await readdir(folder)).sort()).toEqual(
    Object.values(paths)
      .map((path) => basename(path))
      .sort(),
  );
  const labels = await readNiftiLabels(paths["stage-2-labels"]);
  expect(labels.data).toEqual(result.stages[1].labels.data);
  expect(await sharp(paths["stage-1"]).metadata()).toMatchObject({ format: "png", channels: 3 });
  const page = (await readFile(paths.html, "utf8")).replaceAll(/base64,[^"]*/g, "");
  const shown = [
    "research use only",
    "Maximum wall thickness",
    "beyond the bifurcation",
    "Interval holds",
    "look at it",
    "patient 12",
  ];
  expect(shown.filter((text) => !page.includes(text))).toEqual([]);
  expect(page).not.toMatch(/NaN|Infinity|undefined/);
});

test("the numbers are those of the measurement, slice by slice, with what is not finite as null", async () => {
  const said: PatientJson = JSON.parse(await readFile(paths.json, "utf8"));
  const { comparison, stages } = result;
  expect(said.notice).toContain("research use only");
  expect(said).toMatchObject({ patient: "patient 12", warnings: result.warnings, origin: result.origin });
  for (const { name, unit } of vesselFeatures) {
    expect(said.stages[0].measurements?.features[name]).toEqual({ value: stages[0].measured?.features[name], unit });
    const { absolute, relative } = comparison!.changes[name];
    expect(said.comparison?.features[name].change).toEqual({ absolute, unit: `${unit}/year`, relative, relativeUnit: "1/year" });
  }
  const { slices } = stages[1].measured!.vessel;
  expect(said.stages[1].measurements?.slices).toHaveLength(slices.length);
  const middle = said.stages[1].measurements?.slices[7];
  expect(middle?.lumenArea).toBe(slices[7].lumenArea);
  expect(middle?.lumens.filter(({ isInternalCarotid }) => isInternalCarotid)).toHaveLength(1);
  expect(said.stages[1].sequences[2].registration).toMatchObject({ trusted: false, inconsistencyMillimetres: null });
  expect(said.prediction?.targets.lipid_core_growth.interval).toEqual({ low: -4.2, high: null, coverage: 0.9 });
});

test("nothing that is written names the patient or a day of theirs", async () => {
  for (const path of Object.values(paths)) {
    const bytes = await readFile(path);
    const text = (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("latin1");
    expect([path, PLANTED.filter((word) => text.toUpperCase().includes(word))]).toEqual([path, []]);
  }
});

const python = "/usr/bin/python3";
const pythonHasDicom = (() => {
  try {
    execFileSync(python, ["-c", "import pydicom, numpy"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

test.skipIf(!pythonHasDicom)(
  "pydicom reads the segmentation as the labels are (skipped without pydicom)",
  { timeout: 60_000 },
  () => {
    const checker = fileURLToPath(new URL("../../../../scripts/check-segmentation.py", import.meta.url));
    const [read] = JSON.parse(
      execFileSync(python, [checker, paths["stage-1-segmentation"]], { encoding: "utf8", maxBuffer: 2 ** 28 }),
    );
    const { dicom, labels } = result.stages[0];
    expect(read).toMatchObject({ errors: [], study: dicom?.study, referencedSeries: dicom?.series });
    expect(read.segments.map(({ name }: { name: string }) => name)).toEqual(result.classes.slice(1));
    const size = labels.width * labels.height;
    const found = new Uint8Array(labels.data.length);
    for (const { segment, source, pixels } of read.frames) {
      const slice = dicom!.images.findIndex(({ sopInstance }) => sopInstance === source);
      for (let n = 0; n < size; n++) if (pixels[n] === 1) found[slice * size + n] = segment;
    }
    expect(found).toEqual(labels.data);
  },
);

test("a segmentation refers to study, series and images as they were read, and is itself no image", async () => {
  const { stacks, skipped } = await openDicom(paths["stage-1-segmentation"], { key: "secret" });
  expect([stacks, skipped.length]).toEqual([[], 1]);
  const bytes = (await readFile(paths["stage-1-segmentation"])).toString("latin1");
  const { dicom } = result.stages[0];
  expect([dicom!.study, dicom!.series, dicom!.images[4].sopInstance].filter((uid) => !bytes.includes(uid))).toEqual([]);
});

test("a stopped writing leaves no file behind, and an earlier JSON file goes first", async () => {
  const stopped = AbortSignal.abort(new Error("stopped"));
  const writing = writePatientOutputs(folder, result, { stem: "p12", signal: stopped });
  await expect(writing).rejects.toThrow("stopped");
  expect(await readdir(folder)).not.toContain("p12.json");
  const other = join(await temporary(), "other");
  await expect(writePatientOutputs(other, result, { stem: "p12", signal: stopped })).rejects.toThrow("stopped");
  expect(await readdir(other).catch(() => [])).toEqual([]);
});
