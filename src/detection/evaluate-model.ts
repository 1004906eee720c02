import { join } from "node:path";
import { writeFileAtomic } from "../files/index.ts";
import { readDataset, type Sample } from "../imaging/index.ts";
import type { CostModel } from "../metrics/index.ts";
import { random } from "../random/index.ts";
import { type Comparison, type Notice, type ReportData, renderReport } from "../report/index.ts";
import type { RuntimeOptions } from "../runtime/index.ts";
import { type MetricsLine, writeJson } from "../training/index.ts";
import type { Threshold } from "./contract.ts";
import { type CostTable, costsOf } from "./costs.ts";
import { openDetector } from "./detector.ts";
import { type Evaluation, type EvaluationOptions, evaluate } from "./evaluate.ts";
import { kinds, measuresForMachines, reportData } from "./report.ts";
import { fewNormalImages } from "./threshold.ts";

/** Where a folder has no test images, so many of its images are looked at, drawn by chance. */
const UNLABELLED_LIMIT = 300;

export interface EvaluateOptions extends EvaluationOptions {
  /** The detector's model file. */
  readonly model: Uint8Array;
  /** Images with test images among them (see `readDataset`), or without: then there are scores and heat maps, but nothing to measure. */
  readonly data: string;
  /** Folder for `report.html` and `evaluation.json`. */
  readonly out: string;
  /** The training's log, for its curves. */
  readonly metrics?: readonly MetricsLine[];
  readonly comparisons?: readonly Comparison[];
  /** What mistakes cost: then the report shows the cost of thresholds, and the one of least cost. */
  readonly costs?: CostModel;
  /** The settings that nobody chose, to set those apart that somebody did. */
  readonly defaults?: unknown;
  readonly runtime?: RuntimeOptions;
}

export interface EvaluateResult {
  readonly evaluation: Evaluation;
  /** `{ image_auroc: { value, low, high }, ... }`. */
  readonly measures: ReturnType<typeof measuresForMachines>;
  /** Thresholds and what they cost, where that was asked. */
  readonly costs: CostTable | undefined;
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
  costs,
  defaults,
  runtime,
  ...options
}: EvaluateOptions): Promise<EvaluateResult> => {
  const dataset = await readDataset(data);
  const labelled = dataset.test.length > 0;
  const samples = labelled ? dataset.test : some(dataset.train);
  const detector = await openDetector(model, runtime);
  try {
    const evaluation = await evaluate(detector, samples, options);
    options.listener?.({ kind: "stage", text: "writing the report" });
    const measures = measuresForMachines(evaluation.measures);
    const { system, threshold } = detector.description;
    const costed = costs && costsOf(evaluation.samples, costs, threshold);
    const found = kinds(evaluation);
    const report = join(out, "report.html");
    const page = await reportData({
      title: `${system}: ${data.split(/[\\/]/).filter(Boolean).at(-1) ?? data}`,
      subtitle: subtitle(evaluation, labelled),
      detector,
      evaluation,
      metrics,
      kinds: found,
      comparisons,
      costs: costed?.chart,
      defaults,
      notices: notices(labelled, threshold, evaluation),
    });
    await writeFileAtomic(report, renderReport(page));
    await writeJson(join(out, "evaluation.json"), {
      data,
      metrics: measures,
      threshold,
      costs: costed?.table,
      kinds: found,
      images: evaluation.samples.map(({ sample, score, anomalous }) => ({
        name: sample.name,
        kind: sample.kind,
        score,
        anomalous,
      })),
      reducedBy: evaluation.reducedBy,
      failures: evaluation.failures,
    });
    return { evaluation, measures, costs: costed?.table, report, page };
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

const notices = (labelled: boolean, threshold: Threshold | undefined, { reducedBy }: Evaluation): Notice[] => {
  const origin =
    threshold === undefined
      ? "There is no threshold: the run is unfinished, or had too few normal images to set one."
      : threshold.normalImages === undefined
        ? "The threshold was chosen by hand."
        : `The threshold was set from ${threshold.normalImages} normal images that the network which scored them was not trained on; test images played no part in it.`;
  const unlabelled = "There are no test images, so nothing can be measured: look at the strangest images instead.";
  const reduced = `The images have so many pixels that pixel measures are of maps up to ${reducedBy} times smaller on each side.`;
  const few = threshold && fewNormalImages(threshold);
  return [
    ...(few === undefined ? [] : [{ text: few, tone: "caution" } as const]),
    { text: labelled ? origin : `${unlabelled} ${origin}` },
    ...(reducedBy > 1 ? [{ text: reduced }] : []),
  ];
};
