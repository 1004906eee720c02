/**
 * What the predictor of change is worth on the phantom, judged on test patients of their own seeds, beside predicting the training patients' mean:
 * learnt from true measurements and told true ones; with ROWS of `progression-segmented.mjs` also told stage 1 as segmented, as it is used, and
 * learnt from such.
 *
 *     npm run build && node scripts/reference/progression-prediction.mjs [training patients] [test patients] [ROWS]
 */
import { readFile } from "node:fs/promises";
import { predictorInputs, predictorTargets, tableRow } from "../../dist/systems/progression/measure-patient.js";
import { featuresOf } from "../../dist/systems/progression/measurement/index.js";
import { patientOfSplit, vesselTruth } from "../../dist/systems/progression/phantom/index.js";
import { evaluatePredictor, fitPredictor } from "../../dist/systems/progression/prediction/index.js";

const [training = 300, test = 400] = process.argv.slice(2, 4).map(Number);
const rowsOf = (split, count) =>
  Array.from({ length: count }, (_, index) => {
    const patient = patientOfSplit(0, split, index);
    const { stages, comparison } = vesselTruth(patient);
    const [vessel] = stages;
    return tableRow({ name: patient.id, record: patient.record }, { vessel, features: featuresOf(vessel) }, comparison);
  });
const text = ({ value, low, high }) => `${value.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`;
const judge = (title, { predictor, report }, learnt, unseen) => {
  console.log(`${title}: ${learnt.length} training patients, ${unseen.length} test patients`);
  const found = evaluatePredictor(predictor, unseen);
  for (const { target, chosen, measures: crossed, learningCurve, importance } of report.targets) {
    const { measures, predictions } = found.get(target.name);
    const known = learnt.map(({ targets }) => targets[target.name]).filter((value) => value !== null);
    const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
    const squares = (of) => predictions.reduce((sum, own) => sum + (own.actual - of(own)) ** 2, 0);
    console.log(
      `${target.name}, ${target.unit}: ${chosen}; R2 ${text(measures.r2)} (cross-validated ${text(crossed.r2)}); squared error of the mean's ${(squares(({ value }) => value) / squares(() => mean)).toFixed(2)}; coverage ${text(measures.coverage)} of 0.90 on ${measures.patients}; AUROC of progression ${measures.progressionAuroc ? text(measures.progressionAuroc) : "-"}`,
    );
    const curve = learningCurve.map(({ trainingPatients, r2 }) => `${Math.round(trainingPatients)}: ${r2.value.toFixed(2)}`);
    const inputs = importance.slice(0, 4).map(({ input }) => input);
    console.log(`  learning curve: ${curve.join(", ")}; inputs: ${inputs.join(", ")}`);
  }
};
const fitted = (rows) => fitPredictor({ inputs: predictorInputs, rows }, predictorTargets, {});
const [learnt, unseen] = [rowsOf("train", training), rowsOf("test", test)];
const ofTruth = await fitted(learnt);
judge("true measurements", ofTruth, learnt, unseen);
if (process.argv[4]) {
  const lines = (await readFile(process.argv[4], "utf8")).split("\n").filter(Boolean).map(JSON.parse);
  const of = (wanted) => lines.filter(({ split }) => split === wanted);
  judge("learnt from true measurements, told segmented ones", ofTruth, learnt, of("test"));
  if (of("train").length > 0) judge("segmented measurements", await fitted(of("train")), of("train"), of("test"));
}
