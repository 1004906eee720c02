import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { exists, writeFileAtomic } from "../../files/index.ts";
import type { Measure } from "../../metrics/index.ts";
import { frozen, networkOf } from "../../nn/index.ts";
import { type Comparison, type ReportData, renderReport } from "../../report/index.ts";
import { readJson, readLastState, runFiles, writeJson } from "../../training/index.ts";
import { evaluationFolder } from "../evaluation-folder.ts";
import type { Evaluated, EvaluateRequest } from "../system.ts";
import { compareGraders } from "./compare.ts";
import { configSchema } from "./config.ts";
import { type Evaluation, evaluateSlides, measuresForMachines } from "./evaluate.ts";
import { grader } from "./model.ts";
import { type EvaluationReportInput, evaluationReport, overviewPictures, reportPicture } from "./output/index.ts";
import type { SlideResult } from "./result.ts";
import { writeGrader } from "./segmenter.ts";

/** The model of a run: the finished file, or, of an unfinished run, one from the last checkpoint, which grades by the map. */
export const rebuildModel = async (run: string): Promise<Uint8Array> => {
  const files = runFiles(run);
  if (await exists(files.model)) return readFile(files.model);
  const config = configSchema.parse((await readJson(files.config)) ?? {});
  return writeGrader(grader(frozen(networkOf(await readLastState(files))), config), {
    config,
    grading: undefined,
    provenance: { unfinished: true },
  });
};

/** Longest side of a slide's picture in the report, in pixels. */
const PICTURE = 600;

/** Evaluates a model on the test slides of a data set and writes `report.html` and `evaluation.json`. */
export const evaluateModel = async ({
  model,
  data,
  out,
  comparisons,
  costs,
  ...options
}: Omit<EvaluateRequest, "run" | "out"> & {
  readonly model: Uint8Array;
  readonly out: string;
  readonly comparisons?: readonly Comparison[];
}): Promise<Evaluated> => {
  requireNoCosts(costs);
  const { threads, provider, listener, signal } = options;
  const shown: { result: SlideResult; reference?: number; overlay: Uint8Array; thumbnail: Uint8Array }[] = [];
  const found = await evaluateSlides({
    model,
    data,
    folder: out,
    threads,
    provider,
    listener,
    signal,
    onSlide: async ({ sample, result }, { slide, labels }) => {
      const { image, overlay } = await overviewPictures(slide, labels, result.classes, { longest: PICTURE, signal });
      const [thumbnail, coloured] = [await reportPicture(image, PICTURE), await reportPicture(overlay, PICTURE)];
      shown.push({ result, reference: sample.grade, overlay: coloured, thumbnail });
    },
  });
  const page = { ...pageOf(found, shown), comparisons };
  const measures = measuresForMachines(found);
  const report = join(out, "report.html");
  await writeFileAtomic(report, renderReport(page));
  await writeJson(join(out, "evaluation.json"), {
    measures,
    trainedOn: found.trainedOn,
    slides: found.slides.map(({ sample, result: { grade, areas, patches, finest } }) => ({
      name: sample.name,
      reference: sample.grade,
      grade,
      areas,
      patches: patches.length,
      finest,
    })),
    failures: found.failures,
  });
  const images = found.slides.length;
  return { measures, images, secondsPerImage: found.seconds / Math.max(1, images), failures: found.failures, report, page };
};

const requireNoCosts = (costs: EvaluateRequest["costs"]): void => {
  if (costs) throw new Error("Grading has no threshold, so it has no costs of one: leave out --cost-miss and --prevalence.");
};

const TRAINED_ON =
  "These are the slides that the model was trained on: what is measured here says nothing of others. Give the data set test slides (the column split of slides.csv).";

const pageOf = (found: Evaluation, slides: EvaluationReportInput["slides"]): ReportData => {
  const { grades, rule, doubt, segmentation, failures, trainedOn, graded, referenced } = found;
  const own = grades[rule] ?? grades.map;
  const classes = slides[0]?.result.classes ?? [];
  const measured = (name: string, measure: Measure | undefined) =>
    measure === undefined || Number.isNaN(measure.value) ? [] : [{ name, ...measure }];
  return evaluationReport({
    title: "Grading",
    subtitle: `${slides.length} slides, graded by ${rule === "map" ? "the pixels of the map" : "the shares of patch grades"}`,
    measures: [
      ...measured("quadratic weighted kappa", own?.quadraticKappa),
      ...measured("accuracy of grades", own?.accuracy),
      ...measured("kappa by the map", rule === "map" ? undefined : grades.map?.quadraticKappa),
      ...measured("mean Dice of tissue", segmentation?.meanDice),
      ...measured("grade not excluded", doubt?.coverage),
      ...measured("unsure slides", doubt?.unsure),
      ...measured("kappa of the sure", doubt?.kappaOfSure),
      { name: "slides", value: slides.length, count: true },
      ...(referenced > 0 ? [{ name: "slides in kappa", value: graded, count: true, note: `of ${referenced} with a grade` }] : []),
    ],
    notices: trainedOn ? [{ text: TRAINED_ON, tone: "caution" }] : [],
    confusion: own?.confusion ?? [],
    perClass: (segmentation?.classes ?? []).map(({ dice, intersectionOverUnion: iou }, c) => ({
      name: classes[c].name,
      dice,
      iou,
    })),
    perGrade: own?.classes ?? [],
    slides,
    failures: failures.map(({ path, reason }) => ({ file: path, reason })),
  });
};

/** Evaluates a run on its own or another data set. */
export const evaluateRun = async ({ run, data, out, ablation, costs, ...options }: EvaluateRequest): Promise<Evaluated> => {
  requireNoCosts(costs);
  const folder = out ?? (await evaluationFolder(run, data));
  const model = await rebuildModel(run);
  const comparisons = ablation ? [await compareGraders(model, { run, data, ...ablation, ...options })] : undefined;
  return evaluateModel({ model, data, out: folder, comparisons, ...options });
};
