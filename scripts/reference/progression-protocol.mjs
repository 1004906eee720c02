/**
 * A trained run on the test patients of a phantom data set: classes beside those of the intensity classifier, measures and changes against the
 * labels', and what stage 1 as segmented tells of the change, cross-validated over the test patients, beside stage 1 by the labels.
 *
 *     npm run build && node scripts/reference/progression-protocol.mjs DATA RUN
 */
import { readFile } from "node:fs/promises";
import { readPatients } from "../../dist/systems/progression/data.js";
import { singleVoxels } from "../../dist/systems/progression/demo.js";
import { evaluatePatients } from "../../dist/systems/progression/evaluate.js";
import { tableOf } from "../../dist/systems/progression/fit-from-patients.js";
import { predictorInputs, predictorTargets } from "../../dist/systems/progression/measure-patient.js";
import { fitPredictor } from "../../dist/systems/progression/prediction/index.js";
import { openSegmenter } from "../../dist/systems/progression/segmenter.js";

const [data, run] = process.argv.slice(2);
const model = await readFile(`${run}/model.onnx`);
const segmenter = await openSegmenter(model);
const { classes } = segmenter.config;
const voxels = await singleVoxels(data, model);
const found = await evaluatePatients({ segmenter, data, onStudy: voxels.see });
const text = ({ value, low, high }) => `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
console.log(
  `${found.patients.length} patients, ${found.studies} studies, ${found.seconds.toFixed(0)} s, failures: ${found.failures.length}`,
);
for (const [name, { meanDice, classes: each }] of [
  ["progression", found.segmentation],
  ["single voxels", voxels.measures()],
]) {
  console.log(
    `Dice, ${name}: mean ${text(meanDice)}; ${each
      .slice(1)
      .map(({ dice }, n) => `${classes[n + 1]} ${text(dice)}`)
      .join("; ")}`,
  );
}
for (const [what, errors] of [
  ["stage 1", found.features],
  ["change a year", found.changes],
]) {
  for (const { name, unit, patients, deviation, bias, meanAbsoluteError, correlation } of errors) {
    console.log(
      `${what}, ${name}, ${unit}: ${patients} patients, deviation ${deviation.toFixed(3)}, bias ${text(bias)}, mean error ${text(meanAbsoluteError)}, correlation ${correlation.value.toFixed(2)}`,
    );
  }
}
const test = (await readPatients(data)).patients.filter(({ split }) => split === "test");
const { rows: byLabels } = await tableOf(test, segmenter);
for (const [what, rows] of [
  ["segmented", found.rows],
  ["labels", byLabels],
]) {
  const { report } = await fitPredictor({ inputs: predictorInputs, rows }, predictorTargets, { learningCurve: [] });
  for (const { target, chosen, measures, patients } of report.targets) {
    console.log(
      `stage 1 from ${what}, ${target.name}: ${patients} patients, ${chosen}, R2 ${text(measures.r2)}, coverage ${text(measures.coverage)}`,
    );
  }
}
await segmenter.close();
