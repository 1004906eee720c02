import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { exists } from "../../files/index.ts";
import { kappaDifference, type Measure } from "../../metrics/index.ts";
import type { Comparison } from "../../report/index.ts";
import { digestOf, digestOfCode, readJson, runFiles, writeJson } from "../../training/index.ts";
import type { AblationRequest, EvaluateRequest } from "../system.ts";
import { type Config, type ConfigInput, configSchema } from "./config.ts";
import { digestOfSlides, readSlides, trainingSlides } from "./data.ts";
import { type EvaluatedSlide, evaluateSlides, measuresForMachines, testSlides } from "./evaluate.ts";
import { GRADES } from "./grade.ts";
import { trainGrader } from "./train.ts";

/** Another way to look at slides with a network, or to train one. */
export interface GraderVariant {
  readonly name: string;
  /** Settings of prediction that differ from the run's. */
  readonly look?: Pick<ConfigInput, "sampling" | "crf">;
  /** Settings of training that differ from the run's: a network of its own is trained. */
  readonly train?: Pick<ConfigInput, "loss">;
  /** The variant that it is compared with. Default: the run. */
  readonly against?: string;
}

/**
 * The run; the same network on the finest uniform grid, on a uniform grid of as many patches, on sparser ones; a network that is trained
 * jointly (or in stages) for as many steps as the run, or for `steps`, and then beside one trained the run's way for as many (all without
 * folds); and the run with (or without) the CRF, which takes the longest.
 */
export const variantsOf = ({ sampling, crf, loss, training }: Config, steps = training.steps): GraderVariant[] => {
  const [own, other] = loss.slide > 0 ? ["trained jointly", "trained in stages"] : ["trained in stages", "trained jointly"];
  const otherGrids = (["adaptive", "uniform", "finest"] as const).filter((grid) => grid !== sampling.grid);
  const name = {
    adaptive: "adaptive sampling",
    uniform: "uniform grid of as many patches as adaptive",
    finest: "uniform grid at the finest stride",
  };
  return [
    { name: "this run" },
    ...otherGrids.map((grid): GraderVariant => ({ name: name[grid], look: { sampling: { grid } } })),
    { name: "adaptive, sparse", look: { sampling: { grid: "adaptive", thinning: "sparse" } } },
    {
      name: "uniform grid of as many patches as sparse",
      look: { sampling: { grid: "uniform", thinning: "sparse" } },
      against: "adaptive, sparse",
    },
    ...(steps === training.steps
      ? [{ name: other, train: { loss: { slide: loss.slide > 0 ? 0 : JOINT } } }]
      : [
          { name: `${own}, ${steps} steps`, train: { loss: { slide: loss.slide } } },
          {
            name: `${other}, ${steps} steps`,
            train: { loss: { slide: loss.slide > 0 ? 0 : JOINT } },
            against: `${own}, ${steps} steps`,
          },
        ]),
    { name: crf.use ? "without CRF" : "with CRF", look: { crf: { use: !crf.use } } },
  ];
};

/**
 * The weight of the slide's loss in joint training. The source adds L1 and L2 as they are; but L2's gradient is some twenty times as large here, since it reaches the
 * network through logarithms of small areas, and at weight 1 it undoes what L1 has taught.
 */
const JOINT = 0.03;

interface ComparedRow {
  readonly name: string;
  readonly against?: string;
  readonly measures: Readonly<Record<string, Measure>>;
  /** Mean over slides. */
  readonly patches: number;
  /** Seconds a slide that the network and the CRF take. */
  readonly seconds: number;
  readonly grades: readonly {
    readonly name: string;
    readonly patient?: string;
    readonly reference?: number;
    readonly byMap?: number;
  }[];
}

/**
 * Compares a run with `variantsOf` its settings on the test slides. What was compared before, in RUN/ablation, is not computed again.
 * @throws the signal's reason when it was interrupted; Error for options that it has not.
 */
export const compareGraders = async (
  model: Uint8Array,
  {
    run,
    data,
    steps,
    minutes,
    sigmas,
    seeds,
    leaveOut,
    ...computing
  }: Omit<EvaluateRequest, "ablation" | "out"> & AblationRequest,
): Promise<Comparison> => {
  if ([minutes, sigmas, seeds, leaveOut].some((option) => option !== undefined))
    throw new Error(
      "Grading compares trainings of as many steps: leave out --minutes, --sigmas, --seeds and --leave-out, or give --steps.",
    );
  const config = configSchema.parse((await readJson(runFiles(run).config)) ?? {});
  const folder = join(run, "ablation");
  await mkdir(folder, { recursive: true });
  const { slides: all } = await readSlides(data);
  const slides = await digestOfSlides((await testSlides(data)).slides);
  const learntFrom = await digestOfSlides(trainingSlides(all));
  const code = await digestOfCode();
  const rows: ComparedRow[] = [];
  for (const variant of variantsOf(config, steps)) {
    computing.listener?.({ kind: "stage", text: `comparing: ${variant.name}` });
    const place = join(folder, variant.name.replaceAll(/[^a-z0-9]+/gi, "-"));
    const network = variant.train
      ? await trained(variant.train, config, { run: place, data, learntFrom, steps, ...computing })
      : model;
    const of = digestOf(JSON.stringify([digestOf(network), variant, slides, code]));
    const kept = (await readJson(`${place}.json`)) as { of: string; row: ComparedRow } | undefined;
    const row = kept?.of === of ? kept.row : await rowOf(variant, network, { data, folder: place, ...computing });
    await writeJson(`${place}.json`, { of, row });
    rows.push(row);
  }
  return tableOf(rows);
};

const trained = async (
  changes: Pick<ConfigInput, "loss">,
  config: Config,
  {
    run,
    data,
    learntFrom,
    steps = config.training.steps,
    ...computing
  }: Omit<EvaluateRequest, "ablation"> & { readonly learntFrom: string; readonly steps?: number },
): Promise<Uint8Array> => {
  const own = configSchema.parse({
    ...config,
    loss: { ...config.loss, ...changes.loss },
    training: { ...config.training, steps },
    validation: { folds: 0 },
  });
  const files = runFiles(`${run}-${digestOf(JSON.stringify({ own, learntFrom })).slice(0, 8)}`);
  if (!(await exists(files.model))) {
    const { finished } = await trainGrader({ data, out: files.folder, config: own, resume: true, ...computing });
    if (!finished) throw computing.signal?.reason;
  }
  return readFile(files.model);
};

const rowOf = async (
  { name, look, against }: GraderVariant,
  model: Uint8Array,
  { data, folder, threads, provider, listener, signal }: Omit<EvaluateRequest, "run" | "ablation"> & { readonly folder: string },
): Promise<ComparedRow> => {
  const configure = (config: Config): Config => ({
    ...config,
    sampling: { ...config.sampling, ...look?.sampling },
    crf: { ...config.crf, ...look?.crf } as Config["crf"],
  });
  const found = await evaluateSlides({ model, data, folder, threads, provider, listener, signal, configure });
  const mean = (of: (slide: EvaluatedSlide) => number) =>
    found.slides.reduce((sum, slide) => sum + of(slide), 0) / found.slides.length;
  return {
    name,
    against,
    measures: measuresForMachines(found),
    patches: mean(({ result }) => result.patches.length),
    seconds: mean(({ result }) => result.seconds),
    grades: found.slides.map(({ sample, result }) => ({
      name: sample.name,
      patient: sample.patient,
      reference: sample.grade,
      byMap: result.grade?.map.isup,
    })),
  };
};

/** The comparison as a table; differences are of kappas by the map, paired over patients. */
const tableOf = (rows: readonly ComparedRow[]): Comparison => ({
  title: "Sampling, refinement and training, everything else equal",
  note: "Kappa: quadratic weighted, of the grade by the map and by the shares of patch grades; the map's limits and the latter rule were learnt on this run's grid, and serve all rows with its network. Difference: kappa by the map less this run's, with its paired 95 % interval; of the uniform grid of as many patches as sparse less that of the sparse one, and of the last of two trainings less the first. Dice: mean over the classes of tissue.",
  columns: [
    { name: "patches a slide", better: "lower" },
    { name: "seconds a slide", better: "lower" },
    { name: "kappa, map", better: "higher" },
    { name: "difference" },
    { name: "kappa, patches", better: "higher" },
    { name: "Dice", better: "higher" },
  ],
  rows: rows.map((row, index) => ({
    name: row.name,
    emphasis: index === 0,
    cells: [
      Number(row.patches.toFixed(1)),
      Number(row.seconds.toFixed(2)),
      row.measures.quadratic_kappa_map ?? null,
      index === 0 ? null : differenceOf(row, rows.find(({ name }) => name === row.against) ?? rows[0]),
      row.measures.quadratic_kappa_patches ?? null,
      row.measures.dice_mean ?? null,
    ],
  })),
});

/** Over the slides that both could grade; null without any. */
const differenceOf = (row: ComparedRow, first: ComparedRow): Measure | null => {
  const own = new Map(first.grades.map((slide) => [slide.name, slide.byMap]));
  const both = row.grades.filter(
    ({ name, reference, byMap }) => reference !== undefined && byMap !== undefined && own.get(name) !== undefined,
  );
  if (both.length === 0) return null;
  return kappaDifference(
    both.map(({ reference }) => reference as number),
    both.map(({ byMap }) => byMap as number),
    both.map(({ name }) => own.get(name) as number),
    GRADES,
    { groups: both.map(({ patient }) => patient) },
  );
};
