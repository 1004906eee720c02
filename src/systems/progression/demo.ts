import { join } from "node:path";
import type { LabelVolume } from "../../imaging/index.ts";
import { confusionMatrix, type SegmentationMeasures } from "../../metrics/index.ts";
import type { Comparison } from "../../report/index.ts";
import type { Demonstrated, DemoRequest } from "../system.ts";
import { configSchema, presets } from "./config.ts";
import { type PatientSource, readPatients } from "./data.ts";
import { type Evaluation, type StudyConfusion, voxelMeasures } from "./evaluate.ts";
import { fitIntensityClassifier, type LabelledStudy, writeVesselDataset } from "./phantom/index.ts";
import { evaluateModel, rebuildModel } from "./run.ts";
import { readSegmenter } from "./segmenter.ts";
import { openStudy, type Study } from "./study.ts";
import { trainProgression } from "./train.ts";

const PATIENTS = { train: 40, test: 12 };
/** Studies that the intensity classifier learns from: it has few parameters. */
const CLASSIFIED = 12;

/** Makes up patients, trains a small segmenter and a predictor, and shows the classes beside those of a model that sees single voxels. */
export const demo = async ({ out, say, resume, ...computing }: DemoRequest): Promise<Demonstrated> => {
  const { listener, signal } = computing;
  const [data, run] = [join(out, "data"), join(out, "run")];
  say(`Making up ${PATIENTS.train + PATIENTS.test} patients with two stages each in ${data} ...`);
  await writeVesselDataset(data, {
    patients: PATIENTS,
    listener: ({ done, total }) => listener?.({ kind: "count", text: "making up patients", done, total }),
    signal,
  });
  say("Training ...");
  const config = configSchema.parse(presets.demo);
  const { finished } = await trainProgression({ data, out: run, config, resume, ...computing });
  if (!finished) throw signal?.reason;
  say("Predicting the test patients ...");
  const model = await rebuildModel(run);
  const { see, measures: ofSingleVoxels } = await singleVoxels(data, model, signal);
  const tableOf = (found: Evaluation): Comparison => {
    const row = (name: string, { meanDice, classes }: SegmentationMeasures) => ({
      name,
      cells: [meanDice, ...classes.slice(1).map(({ dice }) => dice)],
    });
    return {
      title: "Dice of made-up patients that were not trained on",
      note: "1: as drawn, 0: nowhere. Single voxels are told by their four signals and not by where they lie. Nothing here says anything about patients.",
      columns: ["mean", ...config.classes.slice(1)].map((name) => ({ name, better: "higher" as const })),
      rows: [row("progression", found.segmentation as SegmentationMeasures), row("single voxels", ofSingleVoxels())],
    };
  };
  const { measures, report, page } = await evaluateModel({
    ...{ model, data, out: run, beside: run, onStudy: see, ...computing },
    compare: (found) => [tableOf(found)],
  });
  const { meanDice } = ofSingleVoxels();
  const { patients } = await readPatients(data);
  const shown = patients.find(({ split }) => split === "test")?.name ?? "";
  return {
    measures,
    baselines: { "single voxels": { dice_mean: meanDice } },
    tables: page.comparisons?.slice(0, 1) ?? [],
    report,
    next: { run, input: join(data, shown) },
  };
};

/** The intensity classifier, learnt from some training studies, which sees the test studies as the segmenter does. */
export const singleVoxels = async (data: string, model: Uint8Array, signal?: AbortSignal) => {
  const { config } = readSegmenter(model).description;
  const { patients } = await readPatients(data);
  const sources = patients.filter(({ split }) => split === "train").flatMap(({ stages }) => stages);
  const studies: LabelledStudy[] = [];
  for (const source of sources.slice(0, CLASSIFIED)) {
    const { channels, labels } = await openStudy(source, { ...config, signal });
    studies.push({ channels, labels: labels as LabelVolume });
  }
  const classifier = fitIntensityClassifier(studies);
  const confusions: StudyConfusion[] = [];
  return {
    see: ({ channels, labels }: Study, { name }: PatientSource): void => {
      const predicted = classifier.classify(channels);
      confusions.push({
        patient: name,
        matrix: confusionMatrix((labels as LabelVolume).data, predicted.data, config.classes.length),
      });
    },
    measures: (): SegmentationMeasures => voxelMeasures(confusions, config.classes.length),
  };
};
