/**
 * How much of a phantom's grade do its colours alone tell? Paints slides, fits the histogram model, prints its quadratic weighted kappa
 * on unseen slides, and writes the histograms for `phantom-histograms.py`, which tries other classifiers. Run after `npm run build`:
 *
 *     node scripts/reference/phantom-histograms.mjs OUT_FOLDER [TRAIN=120] [TEST=60]
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { colourHistogram, fitHistogramModel, phantom, phantomOf } from "../../dist/systems/grading/phantom/index.js";

const [folder, train = "120", test = "60"] = process.argv.slice(2);
if (folder === undefined) throw new Error("Name the folder to write the histograms to.");

const histogramsOf = (split, count) =>
  Array.from({ length: count }, (_, index) => {
    const { seed, options } = phantomOf(split, index);
    const slide = phantom(seed, options);
    const { image, mask } = slide.paint(0, 0, slide.width, slide.height);
    return { seed, grade: slide.grade, histogram: [...colourHistogram(image, mask)] };
  });

const quadraticKappa = (reference, predicted) => {
  const pairs = reference.flatMap((a) => predicted.map((b) => (a - b) ** 2));
  const observed = reference.reduce((sum, a, index) => sum + (a - predicted[index]) ** 2, 0);
  return 1 - (observed * reference.length) / pairs.reduce((sum, value) => sum + value, 0);
};

const known = histogramsOf("train", Number(train));
const unseen = histogramsOf("test", Number(test));
const model = fitHistogramModel(
  known.map(({ histogram }) => Float64Array.from(histogram)),
  known.map(({ grade }) => grade),
);
const predicted = unseen.map(({ histogram }) => model.predict(Float64Array.from(histogram)));
const kappa = quadraticKappa(
  unseen.map(({ grade }) => grade),
  predicted,
);
console.log(`kernel ridge on ${known.length} slides, quadratic kappa on ${unseen.length} unseen slides: ${kappa.toFixed(3)}`);
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "histograms.json"), JSON.stringify({ train: known, test: unseen }));
