/**
 * What the predictor of change is worth on the phantom, when measurements are the truth: fitted on training patients, judged on test patients of
 * their own seeds, beside predicting the training patients' mean.
 *
 *     npm run build && node scripts/reference/progression-prediction.mjs [training patients] [test patients]
 */

import { predictorInputs, predictorTargets, tableRow } from "../../dist/systems/progression/measure-patient.js";
import { featuresOf } from "../../dist/systems/progression/measurement/index.js";
import { patientOfSplit, vesselTruth } from "../../dist/systems/progression/phantom/index.js";
import { evaluatePredictor, fitPredictor } from "../../dist/systems/progression/prediction/index.js";

const [training = 300, test = 400] = process.argv.slice(2).map(Number);
const rowsOf = (split, count) =>
  Array.from({ length: count }, (_, index) => {
    const patient = patientOfSplit(0, split, index);
    const { stages, comparison } = vesselTruth(patient);
    const [vessel] = stages;
    return tableRow({ name: patient.id, record: patient.record }, { vessel, features: featuresOf(vessel) }, comparison);
  });
const [learnt, unseen] = [rowsOf("train", training), rowsOf("test", test)];
console.log(`${training} training patients, ${test} test patients`);
const { predictor, report } = await fitPredictor({ inputs: predictorInputs, rows: learnt }, predictorTargets, {});
const text = ({ value, low, high }) => `${value.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`;
const found = evaluatePredictor(predictor, unseen);
for (const { target, chosen, measures: crossed, learningCurve, importance } of report.targets) {
  const { measures, predictions } = found.get(target.name);
  const known = learnt.map(({ targets }) => targets[target.name]).filter((value) => value !== null);
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  const squares = (of) => predictions.reduce((sum, own) => sum + (own.actual - of(own)) ** 2, 0);
  console.log(
    `${target.name}, ${target.unit}: ${chosen}; R2 ${text(measures.r2)} (cross-validated ${text(crossed.r2)}); squared error of the mean's ${(squares(({ value }) => value) / squares(() => mean)).toFixed(2)}; coverage ${text(measures.coverage)} of 0.90 on ${measures.patients}; AUROC of progression ${measures.progressionAuroc ? text(measures.progressionAuroc) : "-"}`,
  );
  console.log(
    `  learning curve: ${learningCurve.map(({ trainingPatients, r2 }) => `${Math.round(trainingPatients)}: ${r2.value.toFixed(2)}`).join(", ")}`,
  );
  console.log(
    `  inputs: ${importance
      .slice(0, 4)
      .map(({ input }) => input)
      .join(", ")}`,
  );
}
