/**
 * The figures in src/systems/progression/phantom/README.md: how well labels give back the truth, how much of the changes structured data
 * explain, and what a classifier of single voxels reaches. Run after `npm run build`:
 *
 *     node scripts/reference/vessel-phantom.mjs [PATIENTS=100] [TRAIN=40] [TEST=40]
 */
import { classMeasures, confusionMatrix, sumOfConfusions } from "../../dist/metrics/index.js";
import {
  compareStages,
  measureVessel,
  namedChanges,
  vesselClasses,
  vesselFeatures,
} from "../../dist/systems/progression/measurement/index.js";
import {
  fitIntensityClassifier,
  patientOfSplit,
  registeredImages,
  sequences,
  vesselStudy,
  vesselTruth,
} from "../../dist/systems/progression/phantom/index.js";

const [patients = 100, train = 40, test = 40] = process.argv.slice(2).map(Number);
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values) => Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));
const rms = (values) => Math.sqrt(mean(values.map((value) => value ** 2)));
const correlation = (a, b) => mean(a.map((value, n) => (value - mean(a)) * (b[n] - mean(b)))) / deviation(a) / deviation(b);
const digits = (value) => value.toPrecision(3).padStart(8);

const studies = Array.from({ length: patients }, (_, index) => {
  const patient = patientOfSplit(0, "train", index);
  const truth = vesselTruth(patient);
  const measured = [0, 1].map((stage) => measureVessel(vesselStudy(patient, stage).labels));
  const off = measured.map(({ bifurcation }, stage) => bifurcation - truth.stages[stage].bifurcation);
  return { truth: truth.comparison, measured: compareStages(...measured, patient.years), off };
});
console.log(`bifurcation: rms ${digits(rms(studies.flatMap(({ off }) => off)))} slices`);
console.log("feature: truth mean, deviation; error of labels mean, rms; change a year deviation, rms error, correlation");
for (const { name } of vesselFeatures) {
  const values = studies.map(({ truth, measured }) => [truth.first[name], measured.first[name]]).filter((v) => !v.includes(null));
  const changes = studies
    .map(({ truth, measured }) => [truth.changes[name].absolute, measured.changes[name].absolute])
    .filter((v) => !v.includes(null));
  const [truths, found] = [values.map(([value]) => value), changes.map(([value]) => value)];
  const errors = (pairs) => pairs.map(([a, b]) => b - a);
  const figures = [mean(truths), deviation(truths), mean(errors(values)), rms(errors(values))];
  const ofChange = [deviation(found), rms(errors(changes)), correlation(found, changes.map(([, value]) => value))]; // biome-ignore format: one line
  console.log(name.padEnd(24), String(values.length).padStart(4), ...[...figures, ...ofChange].map(digits));
}
for (const { name, feature } of namedChanges) {
  const rates = studies.map(({ truth }) => truth.changes[feature].absolute).filter((rate) => rate !== null);
  const grown = rates.filter((rate) => rate > 0).length / rates.length;
  console.log(`${name}: ${digits(mean(rates))} +- ${digits(deviation(rates))} a year, above 0 in ${(100 * grown).toFixed(0)} %`);
}

for (const isRegistered of [true, false]) {
  const labelled = (split, index) => {
    const patient = patientOfSplit(0, split, index);
    const study = vesselStudy(patient, 0);
    const images = isRegistered ? registeredImages(study, patient.stages[0]) : study.images;
    return { channels: sequences.map((sequence) => images[sequence]), labels: study.labels };
  };
  const all = function* () {
    for (let index = 0; index < train; index++) yield labelled("train", index);
  };
  const classifier = fitIntensityClassifier(all());
  const matrices = Array.from({ length: test }, (_, index) => {
    const { channels, labels } = labelled("test", index);
    return confusionMatrix(labels.data, classifier.classify(channels).data, vesselClasses.length);
  });
  console.log(`voxels alone, sequences ${isRegistered ? "registered" : "as taken"}: Dice`);
  for (const [c, { f1, support }] of classMeasures(sumOfConfusions(matrices)).entries()) {
    console.log(vesselClasses[c].name.padEnd(14), f1.toFixed(3), `${(support / test).toFixed(0)} voxels a study`);
  }
}
