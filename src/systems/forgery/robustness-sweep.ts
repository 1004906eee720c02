import { type Detector, readSample } from "../../detection/index.ts";
import { prefetch, toEightBit } from "../../imaging/index.ts";
import { detectionMeasures, type Measure } from "../../metrics/index.ts";
import { random } from "../../random/index.ts";
import type { LineChart } from "../../report/index.ts";
import type { WorkOptions } from "../system.ts";
import { type ForgeryImage, groupsOf } from "./data.ts";
import { type Distortion, distort, distortions } from "./robustness.ts";

/** How images of one distortion at one level are told apart. */
export interface RobustnessPoint {
  readonly distortion: Distortion["name"];
  readonly unit: string;
  readonly level: number;
  readonly auc: Measure;
}

/** What a sweep found. */
export interface Robustness {
  /** The AUC of the same images as they are. */
  readonly undistorted: Measure;
  readonly points: readonly RobustnessPoint[];
}

/** The most images of a class that are distorted: each of them 27 times. */
const MOST = 50;

/**
 * The AUC at every level of every distortion (see `distortions`), on the same images, at most 50 of each class, drawn by chance; intervals as those of
 * `detectionMeasures`. An image that cannot be read is left out; undefined where a class is missing. @throws the signal's reason when it was interrupted.
 */
export const robustnessSweep = async (
  detector: Detector,
  test: readonly ForgeryImage[],
  { workers = 2, listener, signal }: WorkOptions = {},
): Promise<Robustness | undefined> => {
  const samples = [0, 1].flatMap((label) => {
    const own = test.filter((sample) => sample.label === label);
    return Array.from(random("robustness", label).permutation(own.length).subarray(0, MOST).sort(), (i) => own[i]);
  });
  const levels = distortions.flatMap((distortion) => distortion.levels.map((level) => ({ distortion, level })));
  const scores: number[][] = levels.map(() => []);
  const seen: ForgeryImage[] = [];
  const asTheyAre: number[] = [];
  const tasks = samples.map((sample) => () => readSample(sample, detector.description).catch((error: Error) => error));
  let done = 0;
  for await (const read of prefetch(tasks, workers)) {
    const sample = samples[done++];
    listener?.({ kind: "count", text: "judging distorted images", done, total: samples.length });
    if (read instanceof Error) continue;
    seen.push(sample);
    asTheyAre.push((await detector.detect(read.image)).score);
    const picture = { image: toEightBit(read.image), mask: read.mask };
    for (const [index, { distortion, level }] of levels.entries()) {
      signal?.throwIfAborted();
      const { image } = await distort(picture, distortion, level, sample.name);
      scores[index].push((await detector.detect(image)).score);
    }
  }
  const labels = seen.map(({ label }) => label);
  if (new Set(labels).size < 2) return undefined;
  const aucOf = (of: readonly number[]): Measure =>
    detectionMeasures(Float32Array.from(of), labels, { threshold: 0.5, groups: groupsOf(seen) }).auc;
  const points = levels.map(({ distortion: { name, unit }, level }, index) => ({
    distortion: name,
    unit,
    level,
    auc: aucOf(scores[index]),
  }));
  return { undistorted: aucOf(asTheyAre), points };
};

/** The sweep as charts, one for each distortion. */
export const robustnessCharts = ({ points, undistorted }: Robustness): LineChart[] =>
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
      series: [line("distorted", ({ auc }) => auc.value), line("as they are", () => undistorted.value)],
    };
  });
