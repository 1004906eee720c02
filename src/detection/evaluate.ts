import { decodeImage, decodeMask, type Image, prefetch, type Sample, type SkippedFile } from "../imaging/index.ts";
import { type ScoredMap, type Summary, summarise } from "../metrics/index.ts";
import type { Listener } from "../training/index.ts";
import type { Detector } from "./detector.ts";

export interface EvaluatedSample {
  readonly sample: Sample;
  readonly score: number;
  readonly anomalous: boolean | undefined;
}

export interface Evaluation {
  readonly samples: readonly EvaluatedSample[];
  /** Map and mask of each sample; undefined where a defect has no mask, so that it cannot count as normal. */
  readonly maps: readonly (ScoredMap | undefined)[];
  readonly measures: Summary;
  readonly failures: readonly SkippedFile[];
  /** Median seconds that one image took the model. */
  readonly secondsPerImage: number;
}

interface Readable {
  readonly image: Image;
  readonly mask: Uint8Array | undefined;
}

/**
 * Scores every test image and measures against the truth: AUROC, average precision and F1-max of images; AUROC, average
 * precision and per-region overlap of pixels, at each image's own size, on raw scores. A file that cannot be read is
 * named in `failures` and left out.
 */
export const evaluate = async (detector: Detector, test: readonly Sample[], listener?: Listener): Promise<Evaluation> => {
  const samples: EvaluatedSample[] = [];
  const maps: (ScoredMap | undefined)[] = [];
  const failures: SkippedFile[] = [];
  const seconds: number[] = [];
  const read = (sample: Sample) => async (): Promise<Readable | Error> => {
    try {
      const image = await decodeImage(sample.path);
      return {
        image,
        mask: sample.maskPath === undefined ? undefined : (await decodeMask(sample.maskPath, image.width, image.height)).data,
      };
    } catch (error) {
      return error as Error;
    }
  };
  // Without a defect there is nothing to measure, and no reason to keep every map.
  const measurable = test.some(({ label }) => label === 1);
  let done = 0;
  for await (const item of prefetch(test.map(read), 2)) {
    const started = performance.now();
    const sample = test[done++];
    listener?.({ kind: "count", text: "evaluating", done, total: test.length });
    const detection = item instanceof Error ? item : await detector.detect(item.image).catch((error: Error) => error);
    if (item instanceof Error || detection instanceof Error) {
      failures.push({ path: sample.path, reason: (detection as Error).message });
      continue;
    }
    const { image, mask } = item;
    samples.push({ sample, score: detection.score, anomalous: detection.anomalous });
    const known = mask !== undefined || sample.label === 0;
    maps.push(known && measurable ? { map: detection.map, mask, width: image.width, height: image.height } : undefined);
    seconds.push((performance.now() - started) / 1000);
  }
  const measures = summarise({
    scores: Float32Array.from(samples, ({ score }) => score),
    labels: samples.map(({ sample }) => sample.label),
    maps: maps.filter((map) => map !== undefined),
  });
  return {
    samples,
    maps,
    measures,
    failures,
    secondsPerImage: seconds.sort((a, b) => a - b)[Math.floor(seconds.length / 2)] ?? 0,
  };
};
