import { decodeImage, type Sample } from "../imaging/index.ts";
import { thresholdAtFalseAlarmRate } from "../metrics/index.ts";
import type { Listener } from "../training/index.ts";
import type { Threshold } from "./contract.ts";
import type { Detector } from "./detector.ts";

/**
 * Sets a detector's threshold from normal images that took no part in training, at a false-alarm rate (split conformal, see
 * `thresholdAtFalseAlarmRate`). Undefined, with a warning, when none of them can be read.
 */
export const setThreshold = async (
  detector: Detector,
  normal: readonly Sample[],
  falseAlarmRate: number,
  listener?: Listener,
): Promise<Threshold | undefined> => {
  const scores: number[] = [];
  const levels: number[] = [];
  for (const [index, { path }] of normal.entries()) {
    try {
      const { score, map } = await detector.detect(await decodeImage(path));
      scores.push(score);
      levels.push(map.reduce((sum, value) => sum + value, 0) / map.length);
    } catch (error) {
      listener?.({ kind: "warning", text: (error as Error).message });
    }
    listener?.({ kind: "count", text: "scoring validation images", done: index + 1, total: normal.length });
  }
  if (scores.length === 0) {
    const text = "There are too few normal images to set a threshold: images get scores, but no verdict.";
    listener?.({ kind: "warning", text });
    return undefined;
  }
  const { threshold, attainedRate } = thresholdAtFalseAlarmRate(Float32Array.from(scores), falseAlarmRate);
  if (attainedRate > falseAlarmRate) {
    const percent = (rate: number) => `${(100 * rate).toFixed(1)} %`;
    const needed = Math.ceil(1 / falseAlarmRate) - 1;
    const text = `The threshold rests on ${scores.length} normal ${scores.length === 1 ? "image" : "images"}: ${percent(falseAlarmRate)} false alarms were asked for, ${percent(attainedRate)} is what they support. It takes ${needed} images kept for validation.`;
    listener?.({ kind: "warning", text });
  }
  const normalLevel = levels.sort((a, b) => a - b)[Math.floor(levels.length / 2)];
  return { value: threshold, falseAlarmRate, attainedRate, normalImages: scores.length, normalLevel };
};
