import { OBSERVED, observing, quantisableValues, quantise, type Range, readModel, toHalf, withMetadata } from "../graph/index.ts";
import { cutTile, planTiles, prefetch, readDataset, type Sample, tilesOf } from "../imaging/index.ts";
import type { Comparison } from "../report/index.ts";
import { openRuntime } from "../runtime/index.ts";
import { readDetector } from "./contract.ts";
import { type Detector, type DetectorOptions, openDetector } from "./detector.ts";
import { type Evaluation, type EvaluationOptions, evaluate } from "./evaluate.ts";
import { digestOfData } from "./plan.ts";
import { readSample } from "./read.ts";
import { measuresForMachines } from "./report.ts";
import type { DetectorConfig } from "./settings.ts";
import { scoreNormal, thresholdOf } from "./threshold.ts";
import { splitTraining } from "./training-data.ts";

export type Precision = "fp16" | "int8";

export interface PrecisionOptions extends EvaluationOptions {
  /** Images as the model was trained on: normal ones to calibrate with, and labelled ones to measure the change on. */
  readonly data: string;
  readonly runtime?: DetectorOptions;
}

export interface ReducedModel {
  readonly bytes: Uint8Array;
  /** The two models beside each other: size, measures, threshold, and time. */
  readonly comparison: Comparison;
  /** Time of one image as a ratio to the full model's: median of pairs taken alternately. */
  readonly timeRatio: number;
  readonly measures: Readonly<Record<"full" | "reduced", ReturnType<typeof measuresForMachines>>>;
}

/** Images that activations are observed on; more changed their ranges little. */
const CALIBRATION_IMAGES = 64;
/** And in how many tiles of each, where images are cut. */
const TILES_OF_AN_IMAGE = 32;
/** Images that are timed. */
const TIMED_IMAGES = 30;

/**
 * A detector in reduced precision: `fp16` stores and computes the network in half precision, `int8` in 8-bit integers whose ranges
 * are observed on normal images. Where the data are those of the training, its threshold is set anew from the images that the full
 * model's was set from; otherwise it stays. Both are then measured on the test images, and timed in turns.
 */
export const reducePrecision = async (
  bytes: Uint8Array,
  precision: Precision,
  { data, runtime, ...options }: PrecisionOptions,
): Promise<ReducedModel> => {
  const { description } = readDetector(bytes);
  const dataset = await readDataset(data);
  const { training, validation } = splitTraining(dataset.train, description.config as DetectorConfig);
  const normal = training.filter(({ label }) => label === 0);
  const reduced = precision === "fp16" ? toHalf(bytes) : await toIntegers(bytes, normal, { runtime, ...options });
  const { dataDigest } = description.provenance as { dataDigest?: string };
  const own = dataDigest === (await digestOfData(training));
  const withOwnThreshold = own ? await thresholdAnew(reduced, validation, { runtime, ...options }) : reduced;

  const [full, small] = [await openDetector(bytes, runtime), await openDetector(withOwnThreshold, runtime)];
  try {
    const samples = dataset.test.length > 0 ? dataset.test : validation;
    const evaluations = { full: await evaluate(full, samples, options), reduced: await evaluate(small, samples, options) };
    const timeRatio = await timedInTurns(full, small, samples.slice(0, TIMED_IMAGES));
    const measures = {
      full: measuresForMachines(evaluations.full.measures),
      reduced: measuresForMachines(evaluations.reduced.measures),
    };
    const row = (name: string, model: Uint8Array, evaluation: Evaluation, detector: Detector, ratio: number) => {
      const found = measuresForMachines(evaluation.measures);
      const cells = [
        Number((model.length / 2 ** 20).toFixed(2)),
        found.image_auroc ?? null,
        found.pixel_auroc ?? null,
        detector.description.threshold?.value ?? null,
        ratio,
      ];
      return { name, cells };
    };
    const comparison: Comparison = {
      title: `fp32 and ${precision}`,
      note: `${samples.length} images; time: median ratio of ${Math.min(TIMED_IMAGES, samples.length)} pairs taken in turns on this machine's processor.${own ? "" : " These are not the images of the training: the threshold was not set anew."}`,
      columns: [
        { name: "MB" },
        { name: "image AUROC" },
        { name: "pixel AUROC" },
        { name: "threshold" },
        { name: "time (fp32 = 1)" },
      ],
      rows: [
        row("fp32", bytes, evaluations.full, full, 1),
        row(precision, withOwnThreshold, evaluations.reduced, small, timeRatio),
      ],
    };
    return { bytes: withOwnThreshold, comparison, timeRatio, measures };
  } finally {
    await Promise.all([full.close(), small.close()]);
  }
};

/** 8-bit integers, with the ranges that activations take on normal images. */
const toIntegers = async (
  bytes: Uint8Array,
  normal: readonly Sample[],
  { runtime: computing, listener, signal, workers = 2 }: Omit<PrecisionOptions, "data">,
): Promise<Uint8Array> => {
  const { description } = readDetector(bytes);
  const names = quantisableValues(bytes);
  const ranges = new Map<string, Range>();
  const runtime = openRuntime(computing);
  try {
    const loaded = await runtime.load(readModel(observing(bytes, names)));
    const chosen = evenly(normal, CALIBRATION_IMAGES);
    const tasks = chosen.map((sample) => () => readSample(sample, description).catch(() => undefined));
    let done = 0;
    for await (const picture of prefetch(tasks, workers)) {
      signal?.throwIfAborted();
      listener?.({ kind: "count", text: "observing activations", done: ++done, total: chosen.length });
      if (picture === undefined) continue;
      const tiles = planTiles(picture.image.width, picture.image.height, tilesOf(description.preprocess));
      for (const tile of evenly(tiles, TILES_OF_AN_IMAGE)) {
        const { data, height, width } = cutTile(picture.image, tile);
        const { [OBSERVED]: observed } = await loaded.run({ image: { data, shape: [height, width, 3] } });
        for (const [index, name] of names.entries()) {
          const [low, high] = [Number(observed.data[2 * index]), Number(observed.data[2 * index + 1])];
          const known = ranges.get(name) ?? { low, high };
          ranges.set(name, { low: Math.min(known.low, low), high: Math.max(known.high, high) });
        }
      }
    }
  } finally {
    await runtime.close();
  }
  if (ranges.size === 0)
    throw new Error("No normal training image could be read to calibrate on. Give the model's data with --data.");
  return quantise(bytes, ranges);
};

/** At most `count` of the items, evenly spread. */
const evenly = <Item>(items: readonly Item[], count: number): readonly Item[] => {
  const taken = Math.min(count, items.length);
  return Array.from({ length: taken }, (_, index) => items[Math.floor((index * items.length) / taken)]);
};

/** Scores differ a little, so the threshold is set again; without validation images it stays. */
const thresholdAnew = async (
  bytes: Uint8Array,
  validation: readonly Sample[],
  { runtime, listener, signal, workers = 2 }: Omit<PrecisionOptions, "data">,
): Promise<Uint8Array> => {
  const { threshold: known } = readDetector(bytes).description;
  if (known?.falseAlarmRate === undefined || validation.length === 0) return bytes;
  const scores = await scoreNormal(await openDetector(bytes, runtime), validation, { listener, signal, workers });
  const threshold = thresholdOf([scores], known.falseAlarmRate);
  return threshold === undefined ? bytes : withMetadata(bytes, { "lynceus.threshold": JSON.stringify(threshold) });
};

const timedInTurns = async (full: Detector, small: Detector, samples: readonly Sample[]): Promise<number> => {
  const ratios: number[] = [];
  for (const sample of samples) {
    const picture = await readSample(sample, full.description).catch(() => undefined);
    if (picture === undefined) continue;
    const timed = async (detector: Detector): Promise<number> => {
      const started = performance.now();
      await detector.detect(picture.image);
      return performance.now() - started;
    };
    await timed(small);
    await timed(full);
    // Each goes first as often as the other.
    const [first, second] = ratios.length % 2 === 0 ? [small, full] : [full, small];
    const times = [await timed(first), await timed(second)];
    ratios.push(first === small ? times[0] / times[1] : times[1] / times[0]);
  }
  return ratios.sort((a, b) => a - b)[Math.floor(ratios.length / 2)] ?? Number.NaN;
};
