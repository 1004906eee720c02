import { join } from "node:path";
import { compareVariants, type Variant, type VariantRow, variantsTable } from "../../detection/index.ts";
import { mean, program } from "../../graph/index.ts";
import { decodeImage, imageInput, preprocess, readDataset, type Sample } from "../../imaging/index.ts";
import { frozen, l1, networkOf } from "../../nn/index.ts";
import type { Comparison } from "../../report/index.ts";
import { openRuntime, type Provider, type RuntimeOptions } from "../../runtime/index.ts";
import { type Listener, type MetricsLine, type RunFiles, readTensors, writeJson } from "../../training/index.ts";
import { type Config, configSchema, type ModelConfig } from "./config.ts";
import { corruptionSchema } from "./corruption/index.ts";
import { restore } from "./model.ts";
import { readConfig } from "./run.ts";
import { method } from "./train.ts";

export interface AblationOptions {
  /** The run whose settings are compared with the baselines. */
  readonly run: string;
  readonly data: string;
  /** Strengths of noise that the denoising baseline is tried with. Default 0.1, 0.2 and 0.4. */
  readonly sigmas?: readonly number[];
  /** Steps of every training. Default: the run's. */
  readonly steps?: number;
  /** Minutes of every training, instead of steps. */
  readonly minutes?: number;
  readonly threads?: number;
  readonly workers?: number;
  readonly provider?: Provider;
  readonly listener?: Listener;
  readonly signal?: AbortSignal;
}

export interface AblationRow extends VariantRow {
  readonly corruption: Config["corruption"]["kind"];
  /** Mean |x - restored x| of the clean, normal test images: how well the network restores what needs no restoring. */
  readonly cleanLoss: number;
  /** Mean training loss of the last tenth of the steps, on the variant's own corrupted images. */
  readonly trainingLoss: number;
}

/**
 * Compares the run's corruption with the document's plain rectangles of noise, with Gaussian noise over the whole image (the
 * traditional denoising autoencoder, at several strengths) and with none (the plain autoencoder), on both networks, which are the
 * groups of the rows. All trainings share the data, the seed, the steps and everything else in the configuration; only the corruption
 * differs. See `compareVariants`.
 */
export const ablation = async (options: AblationOptions): Promise<AblationRow[]> => {
  const { run, data, sigmas = [0.1, 0.2, 0.4], steps, minutes, threads, workers, provider, listener, signal } = options;
  const base = await readConfig(run);
  if (base.corruption.kind !== "occlusion") {
    throw new Error(
      `"${run}" was trained with the corruption "${base.corruption.kind}"; the comparison starts from a run with occlusion.`,
    );
  }
  const corruptions: Record<string, Config["corruption"]> = {
    "this run's occlusion": base.corruption,
    "rectangles of noise": corruptionSchema.parse({ kind: "occlusion" }),
    ...Object.fromEntries(sigmas.map((sigma) => [`gaussian ${sigma}`, { kind: "gaussian", sigma } as const])),
    none: { kind: "none" },
  };
  const variants = (["unet", "bottleneck"] as const).flatMap((architecture) =>
    Object.entries(corruptions).map(([name, corruption]): Variant<Config> => {
      const network = { ...base.network, architecture };
      const config = configSchema.parse({ ...base, network, corruption, score: { ...base.score, passes: 0 } });
      return { name, group: architecture, config };
    }),
  );
  const computing = { threads, workers, provider, listener, signal };
  const budget = minutes === undefined ? { steps: steps ?? base.training.steps } : { minutes };
  const found = await compareVariants({ run, data, variants, methodOf: async () => method, budget, ...computing });

  const { test } = await readDataset(data);
  const rows: AblationRow[] = [];
  for (const [index, row] of found.entries()) {
    rows.push({
      ...row,
      corruption: variants[index].config.corruption.kind,
      cleanLoss: await cleanLoss(row.files, test, { threads, provider }),
      trainingLoss: trainingLoss(row.metrics),
    });
  }
  const table = rows.map(({ files: _, metrics: __, ...row }) => row);
  await writeJson(join(run, "ablation", "table.json"), { budget, seed: base.seed, rows: table });
  return rows;
};

const trainingLoss = (metrics: readonly MetricsLine[]): number => {
  const last = metrics.slice(-Math.max(1, Math.floor(metrics.length / 10)));
  return last.reduce((sum, { loss }) => sum + loss, 0) / last.length;
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

/** The comparison as a table for the report and the terminal. */
export const ablationTable = (rows: readonly AblationRow[]): Comparison =>
  variantsTable(rows, {
    title: "Corruption, everything else equal",
    note: "Same data, seed and number of steps (or minutes) for each row. Clean loss: mean |x - restored x| on normal test images. Gain: image AUROC of this run's occlusion less the row's, in points with their paired 95 % interval, and in per cent of the row's. A U-Net without corruption, or with noise everywhere, can learn to pass its input through its skips: the fair comparison with these is on the bottleneck autoencoder.",
    columns: [
      { name: "clean loss", cell: ({ cleanLoss }) => cleanLoss },
      { name: "training loss", cell: ({ trainingLoss }) => trainingLoss },
    ],
  });
