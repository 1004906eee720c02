import { type DetectorDescription, openDetector, readSample, writeDetector } from "../../detection/index.ts";
import { prefetch, type SkippedFile } from "../../imaging/index.ts";
import { frozen } from "../../nn/index.ts";
import type { Value } from "../../runtime/index.ts";
import type { WorkOptions } from "../system.ts";
import type { ModelConfig } from "./config.ts";
import type { ForgeryImage } from "./data.ts";
import { forgeryDetector } from "./model.ts";
import { calibrateScore, type JudgedImage, type ScoreCalibration, thresholdOfScores } from "./score-calibration.ts";

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
  const uncalibrated = writeForgeryDetector(network, options);
  const { judged, failures } = await judge(uncalibrated, validation, options);
  const calibration = calibrateScore(judged);
  if (calibration === undefined) {
    const text =
      "There are no real and forged images for validation: images get a score, but no verdict, and the score is no calibrated probability.";
    listener?.({ kind: "warning", text });
    return { model: uncalibrated, failures };
  }
  const scores = Float32Array.from(judged, ({ logit }) => 1 / (1 + Math.exp(-(calibration.slope * logit + calibration.offset))));
  const labels = judged.map(({ label }) => label);
  const normalImages = labels.filter((label) => label === 0).length;
  const threshold = { ...thresholdOfScores(scores, labels, config.falseAlarmRate), normalImages };
  return { model: writeForgeryDetector(network, options, { calibration, threshold }), failures };
};

/** The logits of images by a detector's file whose probabilities are the network's own. */
const judge = async (
  model: Uint8Array,
  samples: readonly ForgeryImage[],
  { threads, provider, workers = 2, listener, signal }: FinishOptions,
): Promise<{ judged: JudgedImage[]; failures: SkippedFile[] }> => {
  const judged: JudgedImage[] = [];
  const failures: SkippedFile[] = [];
  const detector = await openDetector(model, { threads, provider });
  try {
    const tasks = samples.map((sample) => () => readSample(sample, detector.description).catch((error: Error) => error));
    let done = 0;
    for await (const read of prefetch(tasks, workers)) {
      signal?.throwIfAborted();
      const { path, label } = samples[done++];
      listener?.({ kind: "count", text: "judging validation images", done, total: samples.length });
      if (read instanceof Error) failures.push({ path, reason: read.message });
      else judged.push({ logit: logitOf((await detector.detect(read.image)).score), label });
    }
  } finally {
    await detector.close();
  }
  return { judged, failures };
};

/** The largest logit that a probability of 32 bits tells. */
const LARGEST_LOGIT = 16;

const logitOf = (probability: number): number =>
  Math.min(LARGEST_LOGIT, Math.max(-LARGEST_LOGIT, Math.log(probability) - Math.log1p(-probability)));
