import { join } from "node:path";
import { type EvaluateResult, evaluateModel, planTraining } from "../../detection/index.ts";
import { exists } from "../../files/index.ts";
import { mean, program } from "../../graph/index.ts";
import { decodeImage, imageInput, preprocess, readDataset, type Sample } from "../../imaging/index.ts";
import { aurocDifference, type Measure } from "../../metrics/index.ts";
import { frozen, l1, networkOf } from "../../nn/index.ts";
import type { Comparison } from "../../report/index.ts";
import { openRuntime, type Provider, type RuntimeOptions } from "../../runtime/index.ts";
import { type Listener, type RunFiles, readMetrics, readTensors, runFiles, writeJson } from "../../training/index.ts";
import { type Config, configSchema, type ModelConfig } from "./config.ts";
import { corruptionSchema } from "./corruption/index.ts";
import { restore } from "./model.ts";
import { readConfig, rebuildModel } from "./run.ts";
import { train, weightsOf } from "./train.ts";

export interface AblationOptions {
  /** The run whose settings are compared with the baselines. */
  readonly run: string;
  readonly data: string;
  /** Strengths of noise that the denoising baseline is tried with. Default 0.1, 0.2 and 0.4. */
  readonly sigmas?: readonly number[];
  /** Steps of every training. Default: the run's. */
  readonly steps?: number;
  readonly threads?: number;
  readonly provider?: Provider;
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
  /** Mean |x - restored x| of the clean, normal test images: how well the network restores what needs no restoring. */
  readonly cleanLoss: number;
  /** Mean training loss of the last tenth of the steps, on the variant's own corrupted images. */
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
export const ablation = async (options: AblationOptions): Promise<AblationRow[]> => {
  const { run, data, sigmas = [0.1, 0.2, 0.4], threads, provider, listener, signal } = options;
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

  const { test } = await readDataset(data);
  if (new Set(test.map(({ label }) => label)).size < 2) {
    throw new Error(`"${data}" needs normal and defective test images (test/good, test/<kind>) to compare on.`);
  }
  const labels = new Map(test.map(({ name, label }) => [name, label]));

  const rows: AblationRow[] = [];
  const ownScores = new Map<Variant["architecture"], ReadonlyMap<string, number>>();
  for (const [index, variant] of variants.entries()) {
    const config = configSchema.parse({
      ...base,
      image: { ...base.image, roi: base.image.roi && runFiles(run).region },
      network: { ...base.network, architecture: variant.architecture },
      corruption: variant.corruption,
      score: { ...base.score, passes: 0 },
      training: { ...base.training, steps },
    });
    listener?.({ kind: "stage", text: `${index + 1} of ${variants.length}: ${variant.architecture}, ${variant.name}` });
    // The digest in the name keeps trainings on other data or settings apart.
    const { digest } = await planTraining(data, run, config, weightsOf);
    const name = `${variant.architecture} ${variant.name} ${digest.slice(0, 8)}`.replaceAll(/[^a-z0-9.]+/g, "-");
    const files = runFiles(join(run, "ablation", name));
    if (!(await exists(files.model))) {
      const { finished } = await train({ data, out: files.folder, config, resume: true, threads, provider, listener, signal });
      if (!finished) throw signal?.reason;
    }
    const metrics = await readMetrics(files.metrics);
    const model = await rebuildModel(files.folder);
    const { evaluation, measures } = await evaluateModel({
      model,
      data,
      out: files.folder,
      metrics,
      runtime: { threads, provider },
      listener,
    });
    const scores = new Map(evaluation.samples.map(({ sample, score }) => [sample.name, score]));
    const own = ownScores.get(variant.architecture);
    if (own === undefined) ownScores.set(variant.architecture, scores);
    const last = metrics.slice(-Math.max(1, Math.floor(metrics.length / 10)));
    rows.push({
      name: variant.name,
      architecture: variant.architecture,
      corruption: variant.corruption.kind,
      measures,
      cleanLoss: await cleanLoss(files, test, { threads, provider }),
      trainingLoss: last.reduce((sum, { loss }) => sum + loss, 0) / last.length,
      gain: own && gainOver(own, scores, labels),
    });
  }
  await writeJson(join(run, "ablation", "table.json"), { steps, seed: base.seed, rows });
  return rows;
};

/** Paired over the images that both could score. */
const gainOver = (
  own: ReadonlyMap<string, number>,
  other: ReadonlyMap<string, number>,
  labels: ReadonlyMap<string, 0 | 1>,
): Measure => {
  const names = [...own.keys()].filter((name) => other.has(name));
  const scoresOf = (scores: ReadonlyMap<string, number>) => Float32Array.from(names, (name) => scores.get(name) as number);
  return aurocDifference(
    scoresOf(own),
    scoresOf(other),
    names.map((name) => labels.get(name) as number),
  );
};

const cleanLoss = async (files: RunFiles, test: readonly Sample[], computing: RuntimeOptions): Promise<number> => {
  const { image: options, network } = (await readConfig(files.folder)) as ModelConfig;
  const { tensors } = await readTensors(files.checkpoint);
  const image = imageInput(options.depth);
  const { x } = preprocess(image, options);
  const runtime = openRuntime(computing);
  const loss = mean(l1(x, restore(frozen(networkOf(tensors)), x, network)));
  const loaded = await runtime.load(program({ feeds: [image], results: { loss } }));
  const losses: number[] = [];
  for (const { path, label } of test) {
    if (label === 1) continue;
    const decoded = await decodeImage(path, { depth: options.depth, range: options.range }).catch(() => undefined);
    if (decoded === undefined) continue;
    const found = await loaded.run({ image: { data: decoded.data, shape: [decoded.height, decoded.width, 3] } });
    losses.push(Number(found.loss.data[0]));
  }
  await runtime.close();
  return losses.reduce((sum, value) => sum + value, 0) / losses.length;
};

/** The comparison as a table for the report and the terminal. Gains in points of AUROC, and in per cent of the baseline's. */
export const ablationTable = (rows: readonly AblationRow[]): Comparison => ({
  title: "Corruption, everything else equal",
  note: "Same data, seed and number of steps for each row. Clean loss: mean |x - restored x| on normal test images. Gain: image AUROC of this run's occlusion less the row's, in points with their paired 95 % interval, and in per cent of the row's. A U-Net without corruption, or with noise everywhere, can learn to pass its input through its skips: the fair comparison with these is on the bottleneck autoencoder.",
  columns: [
    { name: "image AUROC", better: "higher" },
    { name: "pixel AUROC", better: "higher" },
    { name: "PRO", better: "higher" },
    { name: "clean loss" },
    { name: "training loss" },
    { name: "gain, points" },
    { name: "gain, %" },
  ],
  rows: rows.map(({ architecture, name, corruption, measures, cleanLoss, trainingLoss, gain }) => ({
    name: `${architecture}, ${name}`,
    emphasis: gain === undefined && corruption === "occlusion",
    cells: [
      measures.image_auroc ?? null,
      measures.pixel_auroc ?? null,
      measures.pro ?? null,
      cleanLoss,
      trainingLoss,
      gain === undefined ? null : { value: 100 * gain.value, low: 100 * gain.low, high: 100 * gain.high },
      gain === undefined ? null : Number(((100 * gain.value) / measures.image_auroc.value).toFixed(1)),
    ],
  })),
});
