import { join } from "node:path";
import { decodeImage } from "../../imaging/index.ts";
import { detectionMeasures, type Measure } from "../../metrics/index.ts";
import type { Comparison } from "../../report/index.ts";
import type { Demonstrated, DemoRequest } from "../system.ts";
import { configSchema, presets } from "./config.ts";
import { type ForgeryImage, readForgeryDataset } from "./data.ts";
import { measuresForMachines, UNKNOWN_THRESHOLD } from "./evaluate.ts";
import { colourMoments, colourShares, fitLogisticModel, type ManipulationKind, writeForgeryDataset } from "./maker/index.ts";
import { evaluateRun } from "./run.ts";
import { trainForgeryDetector } from "./train.ts";

const SIZE = 64;
const IMAGES = { train: 320, validation: 80, test: 120 };
/** Most of these leave traces that a small network learns within minutes; each one's figure is in the report. */
const KINDS: readonly ManipulationKind[] = ["splice/alpha", "inpainting", "blur", "upsampling"];

/** Makes photographs and forgeries of them, trains a small detector against its forger, and shows it beside a model that sees only an image's colours. */
export const demo = async ({ out, say, resume, ...computing }: DemoRequest): Promise<Demonstrated> => {
  const { listener, signal } = computing;
  const [data, run] = [join(out, "data"), join(out, "run")];
  const count = 2 * Object.values(IMAGES).reduce((sum, images) => sum + images, 0);
  say(`Making ${count / 2} photographs and ${count / 2} forgeries of ${SIZE} x ${SIZE} pixels in ${data} ...`);
  await writeForgeryDataset(data, {
    images: IMAGES,
    kinds: KINDS,
    width: SIZE,
    height: SIZE,
    listener: ({ done, total }) => listener?.({ kind: "count", text: "making images", done, total }),
    signal,
  });
  say("Training a detector against its forger ...");
  const config = configSchema.parse(presets.demo);
  const { finished } = await trainForgeryDetector({ data, out: run, config, resume, ...computing });
  if (!finished) throw signal?.reason;
  say("Judging the test images ...");
  const { measures, report } = await evaluateRun({ run, data, ...computing });
  const colours = await colourMeasures(data);
  const row = (name: string, found: Readonly<Record<string, Measure>>) => ({
    name,
    cells: [found.auc ?? null, found.eer ?? null, found.accuracy ?? null, found.region_ap ?? null],
  });
  const table: Comparison = {
    title: "Real and forged images that were not trained on",
    note: `AUC: 0.5 is chance, 1 perfect; 95 % bootstrap intervals. The colour model sees the histogram and moments of an image's colours, and not where they are. Nothing here says how photographs of the world fare: the kinds (${KINDS.join(", ")}) were chosen among the maker's nine, others are harder; the report shows each.`,
    columns: [
      { name: "AUC", better: "higher" },
      { name: "equal error rate", better: "lower" },
      { name: "accuracy", better: "higher" },
      { name: "region AP", better: "higher" },
    ],
    rows: [row("forgery", measures), row("colours alone", colours)],
  };
  const { test } = await readForgeryDataset(data);
  const next = { run, input: test.find(({ label }) => label === 1)?.path ?? data };
  return { measures, baselines: { "colours alone": colours }, tables: [table], report, next };
};

/** What a model reaches that sees an image's colours alone. */
export const colourMeasures = async (data: string): Promise<Record<string, Measure>> => {
  const { train, test } = await readForgeryDataset(data);
  const featuresOf = async (samples: readonly ForgeryImage[]): Promise<Float64Array[]> => {
    const features: Float64Array[] = [];
    for (const { path } of samples) {
      const image = await decodeImage(path);
      features.push(Float64Array.of(...colourMoments(image), ...colourShares(image)));
    }
    return features;
  };
  const labels = (samples: readonly ForgeryImage[]) => samples.map(({ label }) => label);
  const model = fitLogisticModel(await featuresOf(train), labels(train));
  const scores = Float32Array.from(await featuresOf(test), (features) => model.predict(features));
  return measuresForMachines(detectionMeasures(scores, labels(test), { threshold: UNKNOWN_THRESHOLD }));
};
