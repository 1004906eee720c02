import { type Detector, readSample } from "../../detection/index.ts";
import { prefetch, toEightBit } from "../../imaging/index.ts";
import { areaUnderRoc, imageMeasure, type Measure } from "../../metrics/index.ts";
import { random } from "../../random/index.ts";
import type { LineChart } from "../../report/index.ts";
import type { WorkOptions } from "../system.ts";
import type { ForgeryImage } from "./data.ts";
import { type Distortion, distort, distortions } from "./robustness.ts";

/** How images of one distortion at one level are told apart. */
export interface RobustnessPoint {
  readonly distortion: Distortion["name"];
  readonly unit: string;
  readonly level: number;
  readonly auc: Measure;
}

/** The most images that are distorted: each of them 27 times. */
const MOST = 100;

/**
 * The AUC at every level of every distortion (see `distortions`), on the same images, at most 100 of them, drawn by chance. An image that cannot be read
 * is left out. @throws the signal's reason when it was interrupted.
 */
export const robustnessSweep = async (
  detector: Detector,
  test: readonly ForgeryImage[],
  { workers = 2, listener, signal }: WorkOptions = {},
): Promise<RobustnessPoint[]> => {
  const samples = Array.from(random("robustness", test.length).permutation(test.length).subarray(0, MOST).sort(), (i) => test[i]);
  const levels = distortions.flatMap((distortion) => distortion.levels.map((level) => ({ distortion, level })));
  const scores: number[][] = levels.map(() => []);
  const labels: (0 | 1)[] = [];
  const tasks = samples.map((sample) => () => readSample(sample, detector.description).catch((error: Error) => error));
  let done = 0;
  for await (const read of prefetch(tasks, workers)) {
    const { label, name } = samples[done++];
    listener?.({ kind: "count", text: "judging distorted images", done, total: samples.length });
    if (read instanceof Error) continue;
    labels.push(label);
    const picture = { image: toEightBit(read.image), mask: read.mask };
    for (const [index, { distortion, level }] of levels.entries()) {
      signal?.throwIfAborted();
      const { image } = await distort(picture, distortion, level, name);
      scores[index].push((await detector.detect(image)).score);
    }
  }
  return levels.map(({ distortion: { name, unit }, level }, index) => ({
    distortion: name,
    unit,
    level,
    auc: imageMeasure(areaUnderRoc, Float32Array.from(scores[index]), labels),
  }));
};

/** The sweep as charts, one for each distortion; `undistorted` is the AUC of the images as they are. */
export const robustnessCharts = (points: readonly RobustnessPoint[], undistorted: number): LineChart[] =>
  [...new Set(points.map(({ distortion }) => distortion))].map((name) => {
    const own = points.filter(({ distortion }) => distortion === name).toSorted((a, b) => a.level - b.level);
    const line = (label: string, of: (point: RobustnessPoint) => number) => ({
      label,
      points: own.map((point) => [point.level, of(point)] as const),
    });
    return {
      title: name,
      horizontal: own[0].unit,
      vertical: "AUC",
      series: [line("distorted", ({ auc }) => auc.value), line("as they are", () => undistorted)],
    };
  });

/** The mean AUC over all distortions and levels; undefined without any. */
export const meanRobustness = (points: readonly RobustnessPoint[]): number | undefined =>
  points.length === 0 ? undefined : points.reduce((sum, { auc }) => sum + auc.value, 0) / points.length;
