import { type DetectorDescription, openPreprocessor, writeDetector } from "../../detection/index.ts";
import { decodeImage, prefetch, type SkippedFile, toEightBit, toSixteenBit } from "../../imaging/index.ts";
import { frozen } from "../../nn/index.ts";
import { openRuntime, type Value } from "../../runtime/index.ts";
import type { WorkOptions } from "../system.ts";
import { type ModelConfig, networksOf } from "./config.ts";
import type { ForgeryImage } from "./data.ts";
import { evidence, forgedRegions, forgeryDetector } from "./model.ts";
import { detector } from "./network/index.ts";
import {
  calibrateScore,
  type JudgedImage,
  LEAST_SLOPE,
  probabilityOf,
  type ScoreCalibration,
  thresholdOfScores,
} from "./score-calibration.ts";

interface FinishOptions extends WorkOptions {
  readonly config: ModelConfig;
  readonly provenance: unknown;
}

/** The detector's file of trained networks; without a calibration its probabilities are the network's own, and it has no threshold. */
export const writeForgeryDetector = (
  network: ReadonlyMap<string, Value>,
  { config, provenance }: Pick<FinishOptions, "config" | "provenance">,
  calibrated?: { readonly calibration: ScoreCalibration; readonly threshold: DetectorDescription["threshold"] },
): Uint8Array =>
  writeDetector(forgeryDetector(frozen(network).at("detector"), config, calibrated?.calibration), {
    system: "forgery",
    config,
    preprocess: config.image,
    imageScore: { kind: "classifier" },
    threshold: calibrated?.threshold,
    provenance: { ...(provenance as object), calibration: calibrated?.calibration },
  });

/** The finished detector's file, its probabilities and its threshold set by images of validation; one that cannot be read is a failure. */
export const finishDetector = async (
  network: ReadonlyMap<string, Value>,
  validation: readonly ForgeryImage[],
  options: FinishOptions,
): Promise<{ readonly model: Uint8Array; readonly failures: readonly SkippedFile[] }> => {
  const { config, listener } = options;
  const { judged, failures } = await judge(network, validation, options);
  const calibration = calibrateScore(judged);
  if (calibration === undefined) {
    const text =
      "There are no real and forged images for validation: images get a score, but no verdict, and the score is no calibrated probability.";
    listener?.({ kind: "warning", text });
    return { model: writeForgeryDetector(network, options), failures };
  }
  if (calibration.slopes[0] <= LEAST_SLOPE && calibration.slopes[1] === 0) {
    listener?.({
      kind: "warning",
      text: "On the validation images the detector is no better than chance: train longer, or with more images.",
    });
  }
  const scores = Float32Array.from(judged, ({ evidence }) => probabilityOf(evidence, calibration));
  const labels = judged.map(({ label }) => label);
  const normalImages = labels.filter((label) => label === 0).length;
  const threshold = { ...thresholdOfScores(scores, labels, config.falseAlarmRate), normalImages };
  return { model: writeForgeryDetector(network, options, { calibration, threshold }), failures };
};

/** The evidence of images, by the preprocessing of the exported file. */
const judge = async (
  network: ReadonlyMap<string, Value>,
  samples: readonly ForgeryImage[],
  { config, threads, provider, workers = 2, listener, signal }: FinishOptions,
): Promise<{ judged: JudgedImage[]; failures: SkippedFile[] }> => {
  const judged: JudgedImage[] = [];
  const failures: SkippedFile[] = [];
  const { depth, range } = config.image;
  const p = frozen(network).at("detector");
  const runtime = openRuntime({ threads, provider });
  try {
    const see = await openPreprocessor(runtime, config.image, (x) =>
      evidence(forgedRegions(detector(p, x, networksOf(config).detector), config)),
    );
    const tasks = samples.map(
      ({ path }) =>
        () =>
          decodeImage(path, { depth, range }).catch((error: Error) => error),
    );
    let done = 0;
    for await (const image of prefetch(tasks, workers)) {
      signal?.throwIfAborted();
      const { path, label } = samples[done++];
      listener?.({ kind: "count", text: "judging validation images", done, total: samples.length });
      if (image instanceof Error) failures.push({ path, reason: image.message });
      else judged.push({ evidence: await see(depth === 16 ? toSixteenBit(image) : toEightBit(image)), label });
    }
  } finally {
    await runtime.close();
  }
  return { judged, failures };
};
