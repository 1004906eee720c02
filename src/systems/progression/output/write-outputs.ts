import { rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../../files/index.ts";
import { writeDicomSegmentation, writeNifti, writePng } from "../../../imaging/index.ts";
import { renderReport } from "../../../report/index.ts";
import type { PatientResult, StageResult } from "../result.ts";
import { overlayPicture } from "./overlay.ts";
import { patientCsv } from "./patient-csv.ts";
import { patientJson } from "./patient-json.ts";
import { patientReport } from "./patient-report.ts";
import { dicomSegments } from "./segments.ts";

export interface PatientOutputOptions {
  /** What the files are called before their endings. */
  readonly stem: string;
  readonly signal?: AbortSignal;
}

/**
 * Writes all that is said of a patient to a folder, and gives the paths by what follows the stem in the name:
 *
 *     stage-1-labels         STEM-stage-1-labels.nii.gz         the classes' numbers on the reference's grid
 *     stage-1-segmentation   STEM-stage-1-segmentation.dcm      the same as DICOM Segmentation, where the reference is a DICOM series
 *     stage-1                STEM-stage-1.png                   slices with the classes' outlines; likewise stage 2
 *     csv, html              STEM.csv, STEM.html                a long table; a report
 *     json                   STEM.json                          everything in numbers; written last, so that where it stands the others do too
 *
 * Each is written whole or not at all, and none holds more of the patient than `result.name`, unless the series was opened with its identity.
 * @throws Error that names the file when one cannot be written; what `signal` gives when it is aborted.
 */
export const writePatientOutputs = async (
  folder: string,
  result: PatientResult,
  { stem, signal }: PatientOutputOptions,
): Promise<Record<string, string>> => {
  const paths: Record<string, string> = {};
  const write = async (what: string, file: string, writing: (path: string) => Promise<void>): Promise<void> => {
    signal?.throwIfAborted();
    paths[what] = join(folder, `${stem}${file}`);
    await writing(paths[what]);
  };
  await removeEarlier(folder, stem);
  for (const [n, stage] of result.stages.entries()) {
    const name = `stage-${n + 1}`;
    const { reference, labels, dicom, measured } = stage;
    await write(`${name}-labels`, `-${name}-labels.nii.gz`, (path) => writeNifti(path, labels));
    if (dicom)
      await write(`${name}-segmentation`, `-${name}-segmentation.dcm`, (path) => writeSegmentation(path, stage, dicom, result));
    const picture = overlayPicture(reference, labels, result.classes, measured?.vessel);
    await write(name, `-${name}.png`, (path) => writePng(path, picture));
  }
  await write("csv", ".csv", (path) => writeFileAtomic(path, patientCsv(result)));
  const report = renderReport(await patientReport(result, { signal }));
  await write("html", ".html", (path) => writeFileAtomic(path, report));
  await write("json", ".json", (path) => writeFileAtomic(path, `${JSON.stringify(patientJson(result), null, 2)}\n`));
  return paths;
};

/** What was said of the patient before, the JSON file first: it stands for the others. A stage less would else be left with its files. */
const removeEarlier = async (folder: string, stem: string): Promise<void> => {
  const ofStages = [1, 2].flatMap((n) => ["-labels.nii.gz", "-segmentation.dcm", ".png"].map((end) => `-stage-${n}${end}`));
  for (const end of [".json", ".csv", ".html", ...ofStages]) await rm(join(folder, `${stem}${end}`), { force: true });
};

const writeSegmentation = (
  path: string,
  { labels, isGiven }: StageResult,
  source: NonNullable<StageResult["dicom"]>,
  { classes, origin }: PatientResult,
): Promise<void> =>
  writeDicomSegmentation(path, labels, {
    segments: dicomSegments(classes),
    source,
    algorithm: isGiven ? { type: "MANUAL" } : { type: "AUTOMATIC", name: "Lynceus progression" },
    description: "Segmentation, research use only",
    softwareVersion: origin.lynceus,
  });
