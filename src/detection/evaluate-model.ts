import { join } from "node:path";
import { writeFileAtomic } from "../files/index.ts";
import { readFolder, type Sample } from "../imaging/index.ts";
import { random } from "../random/index.ts";
import { type Comparison, type Notice, type ReportData, renderReport } from "../report/index.ts";
import type { RuntimeOptions } from "../runtime/index.ts";
import { type Listener, type MetricsLine, writeJson } from "../training/index.ts";
import { openDetector } from "./detector.ts";
import { type Evaluation, evaluate } from "./evaluate.ts";
import { kinds, measuresForMachines, reportData } from "./report.ts";

/** Where a folder has no test images, so many of its images are looked at, drawn by chance. */
const UNLABELLED_LIMIT = 300;

export interface EvaluateOptions {
  /** The detector's model file. */
  readonly model: Uint8Array;
  /** Folder of images with `test/<kind>`, or any folder: then there are scores and heat maps, but nothing to measure. */
  readonly data: string;
  /** Folder for `report.html` and `evaluation.json`. */
  readonly out: string;
  /** The training's log, for its curves. */
  readonly metrics?: readonly MetricsLine[];
  readonly comparisons?: readonly Comparison[];
  readonly runtime?: RuntimeOptions;
  readonly listener?: Listener;
}

export interface EvaluateResult {
  readonly evaluation: Evaluation;
  /** `{ image_auroc: { value, low, high }, ... }`. */
  readonly measures: ReturnType<typeof measuresForMachines>;
  readonly report: string;
  /** What the report shows. */
  readonly page: ReportData;
}

/** Evaluates a model on a folder and writes the report. */
export const evaluateModel = async ({
  model,
  data,
  out,
  metrics,
  comparisons,
  runtime,
  listener,
}: EvaluateOptions): Promise<EvaluateResult> => {
  const dataset = await readFolder(data);
  const labelled = dataset.test.length > 0;
  const samples = labelled ? dataset.test : some(dataset.train);
  const detector = await openDetector(model, runtime);
  try {
    const evaluation = await evaluate(detector, samples, listener);
    listener?.({ kind: "stage", text: "writing the report" });
    const measures = measuresForMachines(evaluation.measures);
    const { system, threshold } = detector.description;
    const report = join(out, "report.html");
    const page = await reportData({
      title: `${system}: ${data.split(/[\\/]/).filter(Boolean).at(-1) ?? data}`,
      subtitle: subtitle(evaluation, labelled),
      detector,
      evaluation,
      metrics,
      comparisons,
      notices: notices(labelled, threshold?.normalImages),
    });
    await writeFileAtomic(report, renderReport(page));
    await writeJson(join(out, "evaluation.json"), {
      data,
      metrics: measures,
      threshold,
      kinds: kinds(evaluation.samples),
      images: evaluation.samples.map(({ sample, score, anomalous }) => ({
        name: sample.name,
        kind: sample.kind,
        score,
        anomalous,
      })),
      failures: evaluation.failures,
    });
    return { evaluation, measures, report, page };
  } finally {
    await detector.close();
  }
};

const some = (samples: readonly Sample[]): Sample[] =>
  Array.from(random("report").permutation(samples.length).subarray(0, UNLABELLED_LIMIT).sort(), (index) => samples[index]);

const subtitle = ({ samples }: Evaluation, labelled: boolean): string => {
  const defects = samples.filter(({ sample }) => sample.label === 1).length;
  return labelled
    ? `${samples.length - defects} normal and ${defects} defective test images`
    : `${samples.length} images of the folder, most of them trained on`;
};

const notices = (labelled: boolean, normalImages: number | undefined): Notice[] => {
  const threshold =
    normalImages === undefined
      ? "There is no threshold: the run is unfinished, or had too few normal images to set one."
      : `The threshold was set from ${normalImages} normal images kept out of training; test images played no part in it.`;
  const unlabelled =
    "The folder has no test images (test/good, test/<kind>), so nothing can be measured: look at the strangest images instead.";
  return [{ text: labelled ? threshold : `${unlabelled} ${threshold}` }];
};
