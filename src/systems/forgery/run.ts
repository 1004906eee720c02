import { readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import {
  costsOf,
  kinds,
  openDetector,
  readConfig,
  readDetector,
  reportData,
  type Threshold,
  type Words,
} from "../../detection/index.ts";
import { exists, writeFileAtomic } from "../../files/index.ts";
import { networkOf } from "../../nn/index.ts";
import { type LineChart, type ReportData, renderReport } from "../../report/index.ts";
import { type MetricsLine, readLastState, readMetrics, runFiles, writeJson } from "../../training/index.ts";
import { evaluationFolder } from "../evaluation-folder.ts";
import type { Evaluated, EvaluateRequest } from "../system.ts";
import { type Compared, compareForgery } from "./compare.ts";
import { configSchema, type ModelConfig, presets } from "./config.ts";
import { datasetOf, digestOfImages, type ForgeryDataset, readForgeryDataset } from "./data.ts";
import { evaluateForgery, type ForgeryEvaluation, measuresForMachines, measuresForPeople } from "./evaluate.ts";
import { writeForgeryDetector } from "./finish.ts";
import { robustnessCharts } from "./robustness-sweep.ts";

/** The model of a run: the finished file, or, of an unfinished run, one from the last checkpoint, without threshold and calibration. */
export const rebuildModel = async (run: string): Promise<Uint8Array> => {
  const files = runFiles(run);
  if (await exists(files.model)) return readFile(files.model);
  const config = (await readConfig(run, configSchema)) as ModelConfig;
  return writeForgeryDetector(networkOf(await readLastState(files)), { config, provenance: { unfinished: true } });
};

interface ModelEvaluation extends Omit<EvaluateRequest, "run" | "out" | "ablation"> {
  readonly model: Uint8Array;
  /** Folder for `report.html` and `evaluation.json`. */
  readonly out: string;
  readonly metrics?: readonly MetricsLine[];
  readonly compared?: Compared;
}

/** Evaluates a model on test images, undistorted and distorted, and writes the report. */
export const evaluateModel = async ({
  model,
  data,
  out,
  metrics = [],
  compared,
  costs,
  threads,
  provider,
  ...options
}: ModelEvaluation): Promise<Evaluated> => {
  const detector = await openDetector(model, { threads, provider });
  try {
    const { test, skipped } = await testData(model, data);
    const found = await evaluateForgery(detector, test, options);
    const { evaluation } = found;
    options.listener?.({ kind: "stage", text: "writing the report" });
    const costed = costs && costsOf(evaluation.samples, costs, detector.description.threshold);
    const base = await reportData({
      title: `forgery: ${basename(resolve(data))}`,
      subtitle: subtitleOf(found),
      detector,
      evaluation,
      kinds: kinds(evaluation),
      comparisons: compared && [compared.table],
      costs: costed?.chart,
      defaults: configSchema.parse(presets.small),
      notices: noticesOf(found, detector.description.threshold),
      words: WORDS,
    });
    const page: ReportData = {
      ...base,
      measures: measuresForPeople(found.measures),
      sectionTitles: { kinds: "Kinds of forgery" },
      robustness: compared?.robustness ?? (found.robustness && robustnessCharts(found.robustness)),
      training: trainingCharts(metrics),
    };
    const measures = measuresForMachines(found.measures);
    const report = join(out, "report.html");
    await writeFileAtomic(report, renderReport(page));
    await writeJson(join(out, "evaluation.json"), {
      data,
      metrics: measures,
      threshold: detector.description.threshold,
      costs: costed?.table,
      kinds: base.kinds,
      robustness: found.robustness,
      images: evaluation.samples.map(({ sample, score, anomalous }) => ({
        name: sample.name,
        kind: sample.kind,
        score,
        forged: anomalous,
      })),
      failures: evaluation.failures,
    });
    const { samples, secondsPerImage } = evaluation;
    const failures = [...skipped, ...evaluation.failures];
    return { measures, images: samples.length, secondsPerImage, failures, costs: costed?.table, report, page };
  } finally {
    await detector.close();
  }
};

/** Evaluates a run on its own or another data set. */
export const evaluateRun = async ({ run, data, out, ablation, ...options }: EvaluateRequest): Promise<Evaluated> => {
  const files = runFiles(run);
  const model = await rebuildModel(run);
  const compared = ablation && (await compareForgery({ run, data, ...ablation, ...options }));
  return evaluateModel({
    model,
    data,
    out: out ?? (await evaluationFolder(run, data)),
    metrics: await readMetrics(files.metrics),
    compared,
    ...options,
  });
};

/**
 * What a model is tested with: of the data that it was trained on, wherever they lie now, the images that were kept for testing; of others the test images, or all of
 * them where no split is stated.
 */
const testData = async (model: Uint8Array, data: string): Promise<ForgeryDataset> => {
  const { config: stored, provenance } = readDetector(model).description;
  const config = configSchema.safeParse(stored).data;
  if (config !== undefined) {
    const own = await datasetOf(data, config).catch(() => undefined); // a kind that was left out may not be among others' data
    const { dataDigest } = (provenance ?? {}) as { readonly dataDigest?: string };
    if (own !== undefined && (await digestOfImages([...own.train, ...own.validation])) === dataDigest) return own;
  }
  return readForgeryDataset(data, { test: 1, groups: config?.data.groups });
};

export const CLASS_NAMES = { normal: "real", anomalous: "forged" };

const WORDS: Words = {
  classNames: CLASS_NAMES,
  normalImages: "real images",
  anomalousImages: "forged images",
};

const subtitleOf = ({ evaluation: { samples } }: ForgeryEvaluation): string => {
  const forged = samples.filter(({ sample }) => sample.label === 1).length;
  return `${samples.length - forged} real and ${forged} forged test images`;
};

const noticesOf = ({ measures }: ForgeryEvaluation, threshold: Threshold | undefined): ReportData["notices"] => [
  {
    text: "A probability is about images like those of training and validation: a forgery of another kind, a resized or a recompressed image may get any. It is a reason to look, not a proof.",
  },
  threshold === undefined
    ? { text: "There is no threshold from validation images; accuracy is at a probability of 0.5.", tone: "caution" }
    : threshold.normalImages === undefined
      ? { text: "The threshold was chosen by hand." }
      : { text: "Threshold and probabilities were set from validation images; test images played no part in them." },
  ...(measures.auc
    ? []
    : [{ text: "There are no test images of both classes, so nothing can be measured.", tone: "caution" } as const]),
];

/** How the losses of both networks fell and rose, and how much of an image the generator's masks keep. */
const trainingCharts = (lines: readonly MetricsLine[]): LineChart[] => {
  if (lines.length < 2) return [];
  const chart = (title: string, vertical: string, series: Readonly<Record<string, string>>): LineChart[] => {
    const there = Object.entries(series).filter(([, measure]) => lines.some((line) => line[measure] !== undefined));
    return there.length === 0
      ? []
      : [
          {
            title,
            horizontal: "step",
            vertical,
            series: there.map(([label, measure]) => ({
              label,
              points: lines.map((line) => [line.step, line[measure]] as const),
            })),
          },
        ];
  };
  return [
    ...chart("Detector", "loss", { L_cls: "classification", L_sim: "similarity" }),
    ...chart("Generator", "loss", {
      L_cls: "generator_classification",
      L_sim: "generator_similarity",
      L_div: "generator_diversity",
    }),
    ...chart("Style branch", "loss", { style: "generator_style" }),
    ...chart("Masks", "share kept real", {
      mean: "generator_mask_mean",
      "deviation within an image": "generator_mask_deviation",
    }),
    ...chart("Learning rate", "learning rate", { "learning rate": "learning_rate" }),
  ];
};
