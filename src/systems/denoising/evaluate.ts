import { access } from "node:fs/promises";
import { join } from "node:path";
import { type EvaluateResult, evaluateModel } from "../../detection/index.ts";
import { aurocDifference, type Measure } from "../../metrics/index.ts";
import type { Cell, Comparison } from "../../report/index.ts";
import { type Listener, readMetrics, runFiles, writeJson } from "../../training/index.ts";
import { type Config, configSchema } from "./config.ts";
import { corruptionSchema } from "./corruption/index.ts";
import { readConfig, rebuildModel, train } from "./train.ts";

export interface AblationOptions {
  /** The run whose settings are compared with the baselines. */
  readonly run: string;
  readonly data: string;
  /** Strengths of noise that the denoising baseline is tried with. Default 0.1, 0.2 and 0.4. */
  readonly sigmas?: readonly number[];
  /** Steps of every training. Default: the run's. */
  readonly steps?: number;
  readonly threads?: number;
  readonly listener?: Listener;
  readonly signal?: AbortSignal;
}

interface Variant {
  readonly name: string;
  readonly architecture: "unet" | "bottleneck";
  readonly corruption: Config["corruption"];
}

export interface AblationRow {
  readonly name: string;
  readonly architecture: Variant["architecture"];
  readonly corruption: "occlusion" | "gaussian" | "none";
  readonly measures: EvaluateResult["measures"];
  /** Mean loss of the last tenth of the training, on the variant's own corrupted images. */
  readonly trainingLoss: number;
  /** Image AUROC of the run's corruption less this variant's, same network, with the paired interval. */
  readonly gain: Measure | undefined;
}

/**
 * Compares the run's corruption with the document's plain rectangles of noise, with Gaussian noise over the whole image (the
 * traditional denoising autoencoder, at several strengths) and with none (the plain autoencoder), on both networks. All
 * trainings share the data, the seed, the steps and everything else in the configuration; only the corruption differs. Each is
 * a run folder of its own under `ablation/`, so an interrupted comparison goes on where it stopped.
 */
export const ablation = async (options: AblationOptions): Promise<AblationRow[] | undefined> => {
  const { run, data, sigmas = [0.1, 0.2, 0.4], threads, listener, signal } = options;
  const base = await readConfig(run);
  if (base.corruption.kind !== "occlusion") {
    throw new Error(
      `"${run}" was trained with the corruption "${base.corruption.kind}"; the comparison starts from a run with occlusion.`,
    );
  }
  const steps = options.steps ?? base.training.steps;
  const corruptions: Record<string, Config["corruption"]> = {
    "this run's occlusion": base.corruption,
    "rectangles of noise": corruptionSchema.parse({ kind: "occlusion" }),
    ...Object.fromEntries(sigmas.map((sigma) => [`gaussian ${sigma}`, { kind: "gaussian", sigma } as const])),
    none: { kind: "none" },
  };
  const variants = (["unet", "bottleneck"] as const).flatMap((architecture) =>
    Object.entries(corruptions).map(([name, corruption]): Variant => ({ name, architecture, corruption })),
  );

  const results: { variant: Variant; result: EvaluateResult; trainingLoss: number }[] = [];
  for (const [index, variant] of variants.entries()) {
    const folder = join(
      run,
      "ablation",
      `${steps}-steps`,
      `${variant.architecture} ${variant.name}`.replaceAll(/[^a-z0-9.]+/g, "-"),
    );
    const files = runFiles(folder);
    const config = configSchema.parse({
      ...base,
      network: { ...base.network, architecture: variant.architecture },
      corruption: variant.corruption,
      score: { ...base.score, passes: 0 },
      training: { ...base.training, steps },
    });
    listener?.({ kind: "stage", text: `${index + 1} of ${variants.length}: ${variant.architecture}, ${variant.name}` });
    if (
      !(await access(files.model).then(
        () => true,
        () => false,
      ))
    ) {
      const { finished } = await train({ data, out: folder, config, resume: true, threads, listener, signal });
      if (!finished) return undefined;
    }
    const metrics = await readMetrics(files.metrics);
    const result = await evaluateModel({
      model: await rebuildModel(folder),
      data,
      out: folder,
      metrics,
      runtime: { threads },
      listener,
    });
    const last = metrics.slice(-Math.max(1, Math.floor(metrics.length / 10)));
    results.push({ variant, result, trainingLoss: last.reduce((sum, { loss }) => sum + loss, 0) / last.length });
  }

  const rows = results.map(({ variant, result, trainingLoss }): AblationRow => {
    const own = results.find((other) => other.variant.architecture === variant.architecture)!;
    return {
      name: variant.name,
      architecture: variant.architecture,
      corruption: variant.corruption.kind,
      measures: result.measures,
      trainingLoss,
      gain: own.variant === variant ? undefined : gainOver(own.result, result),
    };
  });
  await writeJson(join(run, "ablation", "table.json"), { steps, seed: base.seed, rows });
  return rows;
};

const gainOver = (own: EvaluateResult, other: EvaluateResult): Measure | undefined => {
  const scores = ({ evaluation }: EvaluateResult) => Float32Array.from(evaluation.samples, ({ score }) => score);
  const labels = own.evaluation.samples.map(({ sample }) => sample.label);
  const comparable = own.measures.image_auroc !== undefined && scores(own).length === scores(other).length;
  return comparable ? aurocDifference(scores(own), scores(other), labels) : undefined;
};

/** The comparison as a table for the report and the terminal. Gains in points of AUROC, and in per cent of the baseline's. */
export const ablationTable = (rows: readonly AblationRow[]): Comparison => ({
  title: "Corruption, everything else equal",
  note: `Same data, seed and number of steps for each row. Gain: image AUROC of our corruption less the row's, in points (per cent), with its paired 95 % interval.`,
  columns: [
    { name: "image AUROC", better: "higher" },
    { name: "pixel AUROC", better: "higher" },
    { name: "PRO", better: "higher" },
    { name: "training loss" },
    { name: "gain" },
  ],
  rows: rows.map(({ architecture, name, corruption, measures, trainingLoss, gain }) => ({
    name: `${architecture}, ${name}`,
    emphasis: gain === undefined && corruption === "occlusion",
    cells: [
      measures.image_auroc ?? null,
      measures.pixel_auroc ?? null,
      measures.pro ?? null,
      trainingLoss,
      gainCell(gain, measures.image_auroc),
    ],
  })),
});

const gainCell = (gain: Measure | undefined, of: Measure | undefined): Cell => {
  if (gain === undefined || of === undefined) return null;
  const points = (value: number) => `${value >= 0 ? "+" : "−"}${Math.abs(100 * value).toFixed(1)}`;
  return `${points(gain.value)} (${points(gain.value / of.value)} %) [${points(gain.low)}, ${points(gain.high)}]`;
};
