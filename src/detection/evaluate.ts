import { prefetch, type Sample, type SkippedFile } from "../imaging/index.ts";
import { reduceMap, type ScoredMap, type Summary, summarise } from "../metrics/index.ts";
import type { Listener } from "../training/index.ts";
import type { Detector } from "./detector.ts";
import { readSample } from "./read.ts";

export interface EvaluatedSample {
  readonly sample: Sample;
  readonly score: number;
  readonly anomalous: boolean | undefined;
}

export interface Evaluation {
  readonly samples: readonly EvaluatedSample[];
  /** Map and mask of each sample; undefined where a defect has no mask, so that it cannot count as normal. */
  readonly maps: readonly (ScoredMap | undefined)[];
  /** How many times smaller than its image the smallest map is, see `PIXELS`. */
  readonly reducedBy: number;
  readonly measures: Summary;
  readonly failures: readonly SkippedFile[];
  /** Median seconds that one image took the model. */
  readonly secondsPerImage: number;
}

export interface EvaluationOptions {
  readonly listener?: Listener;
  readonly signal?: AbortSignal;
  /** Images that are decoded at once. Default 2. */
  readonly workers?: number;
}

/** Pixels of all maps together that are kept for measuring; beyond, maps are made smaller, or memory would not hold them. */
const PIXELS = 320_000_000; // the largest category of VisA has 300 million

/**
 * Scores every test image and measures against the truth: AUROC, average precision and F1-max of images; AUROC, average
 * precision and per-region overlap of pixels, at each image's own size (unless they are very many), on raw scores. Ignored pixels, and those outside the
 * region of interest, count nowhere. A file that cannot be read is named in `failures` and left out.
 */
export const evaluate = async (
  detector: Detector,
  test: readonly Sample[],
  { listener, signal, workers = 2 }: EvaluationOptions = {},
): Promise<Evaluation> => {
  const samples: EvaluatedSample[] = [];
  const maps: (ScoredMap | undefined)[] = [];
  const failures: SkippedFile[] = [];
  const seconds: number[] = [];
  let reducedBy = 1;
  // Without a defect there is nothing to measure, and no reason to keep every map.
  const measurable = test.some(({ label }) => label === 1);
  const tasks = test.map((sample) => () => readSample(sample, detector.description).catch((error: Error) => error));
  let done = 0;
  for await (const item of prefetch(tasks, workers)) {
    signal?.throwIfAborted();
    const sample = test[done++];
    listener?.({ kind: "count", text: "evaluating", done, total: test.length });
    try {
      if (item instanceof Error) throw item;
      const { image, mask, ignore } = item;
      const started = performance.now();
      const { score, anomalous, map, ignored } = await detector.detect(image, ignore);
      seconds.push((performance.now() - started) / 1000);
      samples.push({ sample, score, anomalous });
      const known = mask !== undefined || sample.label === 0;
      const { width, height } = image;
      const truth = sample.label === 1 ? mask?.data : undefined;
      const factor = Math.ceil(Math.sqrt((width * height * test.length) / PIXELS));
      if (known && measurable) {
        maps.push(reduceMap({ map, mask: truth, ignore: ignored, width, height }, factor));
        reducedBy = Math.max(reducedBy, factor);
      } else maps.push(undefined);
    } catch (error) {
      failures.push({ path: sample.path, reason: (error as Error).message });
    }
  }
  const measures = summarise({
    scores: Float32Array.from(samples, ({ score }) => score),
    labels: samples.map(({ sample }) => sample.label),
    maps: maps.filter((map) => map !== undefined),
  });
  return {
    samples,
    maps,
    reducedBy,
    measures,
    failures,
    secondsPerImage: seconds.sort((a, b) => a - b)[Math.floor(seconds.length / 2)] ?? 0,
  };
};
