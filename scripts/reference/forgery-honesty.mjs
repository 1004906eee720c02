/**
 * Do the made-up forgeries give themselves away by what a file weighs or by their colours, and can they be told by their traces? Makes images of
 * the usual data set, fits logistic regressions on training images, and prints the AUC of each kind on unseen ones, with intervals. Run
 * after `npm run build`; features are kept in OUT_FOLDER, one file a split:
 *
 *     node scripts/reference/forgery-honesty.mjs OUT_FOLDER [PER_KIND=60] [SIZE=128]
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decodeImage } from "../../dist/imaging/index.js";
import { areaUnderRoc, imageMeasure } from "../../dist/metrics/index.js";
import {
  colourMoments,
  colourShares,
  encodeSample,
  fileStatistics,
  fitLogisticModel,
  forgerySample,
  manipulationKinds,
  traceFeatures,
} from "../../dist/systems/forgery/maker/index.js";

const [folder, perKind = "60", size = "128"] = process.argv.slice(2);
if (folder === undefined) throw new Error("Name the folder to keep the features in.");
mkdirSync(folder, { recursive: true });
const [width, height] = [Number(size), Number(size)];

const featuresOf = async ({ row, image }, mask) => {
  const bytes = await encodeSample(image, row);
  const seen = await decodeImage(bytes);
  return {
    kind: row.kind,
    file: [...fileStatistics(bytes, width, height)],
    moments: [...colourMoments(seen)],
    shares: [...colourShares(seen)],
    traces: [...traceFeatures(seen, mask)],
  };
};

const featuresOfSplit = async (split) => {
  const path = join(folder, `${split}-${perKind}-${size}.json`);
  if (existsSync(path)) return JSON.parse(readFileSync(path, "utf8"));
  const samples = [];
  const count = Number(perKind) * manipulationKinds.length;
  for (let index = 0; index < count; index++) {
    const real = await forgerySample(split, "real", index, { width, height });
    const fake = await forgerySample(split, "fake", index, { width, height });
    // The real image is looked at where a forgery of the same kind was made.
    samples.push({ ...(await featuresOf(real, fake.mask)), where: fake.row.kind }, await featuresOf(fake, fake.mask));
    if (index % 50 === 49) console.error(`${split}: ${index + 1} of ${count} pairs`);
  }
  writeFileSync(path, JSON.stringify(samples));
  return samples;
};

const train = await featuresOfSplit("train");
const test = await featuresOfSplit("test");

const vectors = {
  file: (sample) => sample.file,
  moments: (sample) => sample.moments,
  shares: (sample) => sample.shares,
  "file and moments": (sample) => [...sample.file, ...sample.moments],
  traces: (sample) => sample.traces,
};

const aucOf = (kind, vector, likeForLike) => {
  const chosen = (samples) =>
    samples.filter(
      (sample) => kind === "all" || sample.kind === kind || (sample.kind === "" && (!likeForLike || sample.where === kind)),
    );
  const [known, unseen] = [chosen(train), chosen(test)];
  const model = fitLogisticModel(
    known.map((sample) => Float64Array.from(vector(sample))),
    known.map((sample) => (sample.kind === "" ? 0 : 1)),
  );
  const scores = Float32Array.from(unseen, (sample) => model.predict(Float64Array.from(vector(sample))));
  return imageMeasure(
    areaUnderRoc,
    scores,
    unseen.map((sample) => sample.kind !== ""),
  );
};

const columns = Object.keys(vectors);
console.log(`| kind | ${columns.join(" | ")} |\n|---|${columns.map(() => "---").join("|")}|`);
for (const kind of ["all", ...manipulationKinds]) {
  const cells = columns.map((name) => {
    const { value, low, high } = aucOf(kind, vectors[name], name === "traces");
    return `${value.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`;
  });
  console.log(`| ${kind} | ${cells.join(" | ")} |`);
}
