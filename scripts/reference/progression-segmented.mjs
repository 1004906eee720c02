/**
 * Stage 1 of phantom patients as a run segments it, registration and all, with the true change: a line of JSON for each patient in ROWS, where a
 * stopped run goes on. Training patients are the 200 after those that the run may have been trained on.
 *
 *     npm run build && node scripts/reference/progression-segmented.mjs RUN ROWS [training patients] [test patients]
 */
import { appendFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeNifti } from "../../dist/imaging/index.js";
import { readPatients } from "../../dist/systems/progression/data.js";
import { tableRow } from "../../dist/systems/progression/measure-patient.js";
import { patientOfSplit, sequences, vesselStudy, vesselTruth } from "../../dist/systems/progression/phantom/index.js";
import { predictStage, requireMeasured } from "../../dist/systems/progression/predict-patient.js";
import { openSegmenter } from "../../dist/systems/progression/segmenter.js";

const [run, rows, training = 200, test = 400] = process.argv.slice(2).map((text, n) => (n < 2 ? text : Number(text)));
const FIRST_TRAINING = 100;
const done = (await readFile(rows, "utf8").catch(() => "")).split("\n").filter(Boolean).length;
const plan = [
  ...Array.from({ length: test }, (_, n) => ["test", n]),
  ...Array.from({ length: training }, (_, n) => ["train", FIRST_TRAINING + n]),
];
const segmenter = await openSegmenter(await readFile(join(run, "model.onnx")), { threads: 1 });
for (const [split, index] of plan.slice(done)) {
  const patient = patientOfSplit(0, split, index);
  const folder = await mkdtemp(join(tmpdir(), "lynceus-segmented-"));
  const { images } = vesselStudy(patient, 0);
  for (const name of sequences) await writeNifti(join(folder, `${name}.nii.gz`), images[name]);
  const [source] = (await readPatients(folder)).patients[0].stages;
  const measured = requireMeasured((await predictStage(segmenter, source, {})).result);
  await rm(folder, { recursive: true });
  const row = tableRow({ name: patient.id, record: patient.record }, measured, vesselTruth(patient).comparison);
  await appendFile(rows, `${JSON.stringify({ split, ...row })}\n`);
}
await segmenter.close();
