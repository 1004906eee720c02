import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { exists } from "../files/index.ts";
import { readDataset } from "../imaging/index.ts";
import { aurocDifference, type Measure } from "../metrics/index.ts";
import type { Provider } from "../runtime/index.ts";
import {
  digestOf,
  type Listener,
  type MetricsLine,
  type RunFiles,
  readJson,
  readMetrics,
  runFiles,
  type TimedTraining,
  timeSteps,
  writeJson,
} from "../training/index.ts";
import type { Baseline } from "./baseline.ts";
import { type EvaluateResult, evaluateModel } from "./evaluate-model.ts";
import type { Method, MethodConfig, MethodOf } from "./method.ts";
import { planTraining } from "./plan.ts";
import type { Settled } from "./settings.ts";
import { trainDetector } from "./train.ts";

/** A training to be compared with others. */
export interface Variant<Config> {
  readonly name: string;
  readonly config: Config;
  /** Gains are over the first variant of the same group. */
  readonly group?: string;
}

/** How long each variant is trained: so many steps, or as many as fit into so many minutes (images are prepared before, and judged after). */
export type Budget = { readonly steps: number } | { readonly minutes: number };

export interface VariantsOptions<Config extends MethodConfig> {
  /** The run that the variants belong to: they are trained in its folder `ablation`, and with its region of interest. */
  readonly run: string;
  readonly data: string;
  readonly variants: readonly Variant<Config>[];
  /** Models that need no training, which are fitted and shown after the variants. */
  readonly untrained?: readonly Baseline[];
  readonly methodOf: MethodOf<Config>;
  /** Default: the steps of each variant's configuration. */
  readonly budget?: Budget;
  readonly threads?: number;
  readonly workers?: number;
  readonly provider?: Provider;
  readonly listener?: Listener;
  readonly signal?: AbortSignal;
}

/** What became of a variant. */
export interface VariantRow {
  readonly name: string;
  readonly group: string | undefined;
  readonly measures: EvaluateResult["measures"];
  /** Image AUROC of the group's first variant less this one's, with the paired interval; undefined for that first one. */
  readonly gain: Measure | undefined;
  /** The training's log; empty where nothing was trained. */
  readonly metrics: readonly MetricsLine[];
  readonly files: RunFiles;
  readonly steps: number;
  /** Seconds that its training took, over all its sessions; or its fitting. */
  readonly seconds: number;
}

/**
 * Trains and evaluates every variant on the same data. Each is a run folder of its own under RUN/ablation, so an interrupted comparison
 * goes on where it stopped, and what is trained is not trained again.
 * @throws Error when there are no normal and defective test images; the signal's reason when it was interrupted.
 */
export const compareVariants = async <Config extends MethodConfig>(options: VariantsOptions<Config>): Promise<VariantRow[]> => {
  const { run, data, variants, untrained = [], methodOf, listener, signal } = options;
  const { test } = await readDataset(data);
  if (new Set(test.map(({ label }) => label)).size < 2) {
    throw new Error(`"${data}" needs normal and defective test images (test/good, test/<kind>) to compare on.`);
  }
  const labels = new Map(test.map(({ name, label }) => [name, label]));

  const rows: VariantRow[] = [];
  const firstScores = new Map<string | undefined, ReadonlyMap<string, number>>();
  const announce = (...names: (string | undefined)[]) => {
    const text = `${rows.length + 1} of ${variants.length + untrained.length}: ${names.filter(Boolean).join(", ")}`;
    listener?.({ kind: "stage", text });
  };
  const add = ({ evaluation, measures }: EvaluateResult, row: Omit<VariantRow, "measures" | "gain">) => {
    const scores = new Map(evaluation.samples.map(({ sample, score }) => [sample.name, score]));
    const first = firstScores.get(row.group);
    if (first === undefined) firstScores.set(row.group, scores);
    rows.push({ ...row, measures, gain: first && gainOf(first, scores, labels) });
  };

  for (const { name, group, config: given } of variants) {
    announce(group, name);
    const image = { ...given.image, roi: given.image.roi && runFiles(run).region };
    const method = await methodOf({ ...given, image }, { listener, signal });
    const place = join(run, "ablation", await folderName(method, { ...given, image }, [group, name], options));
    const steps = await stepsOf(method, { ...given, image }, `${place}.timing.json`, options);
    const config = { ...given, image, training: { ...given.training, steps } };
    const files = runFiles(`${place}-${steps}`);
    const evaluated = await trainAndEvaluate(method, config, files, options);
    const metrics = await readMetrics(files.metrics);
    add(evaluated, { name, group, metrics, files, steps, seconds: metrics.at(-1)?.seconds ?? 0 });
  }
  for (const { name, model } of untrained) {
    announce(name);
    const files = runFiles(join(run, "ablation", inFileName(name)));
    const started = performance.now();
    const fitted = await model(data, options);
    const seconds = (performance.now() - started) / 1000;
    add(await evaluateIn(files, fitted, options), { name, group: undefined, metrics: [], files, steps: 0, seconds });
  }
  return rows;
};

/** Its digest keeps trainings on other data or settings apart; the steps are no part of it. */
const folderName = async <Config extends MethodConfig>(
  method: Method<Config>,
  config: Config,
  names: readonly (string | undefined)[],
  { run, data }: VariantsOptions<Config>,
): Promise<string> => {
  const weights = await planTraining(data, run, { ...config, training: { ...config.training, steps: 1 } }, (settled) =>
    method.weightsOf(settled as Settled<Config>),
  );
  // What decides no weights decides scores; of where the region's picture lies, and of memory, nothing depends.
  const { image: _, training: __, ...rest } = config;
  const digest = digestOf(JSON.stringify({ weights: weights.digest, rest }));
  return inFileName([...names, digest.slice(0, 8)].filter(Boolean).join(" "));
};

const inFileName = (name: string): string => name.replaceAll(/[^a-z0-9.]+/gi, "-");

const trainAndEvaluate = async <Config extends MethodConfig>(
  method: Method<Config>,
  config: Config,
  files: RunFiles,
  options: VariantsOptions<Config>,
): Promise<EvaluateResult> => {
  if (!(await exists(files.model))) {
    const { finished } = await trainDetector(method, { ...options, out: files.folder, config, resume: true });
    if (!finished) throw options.signal?.reason;
  }
  return evaluateIn(files, await readFile(files.model), options);
};

const evaluateIn = async <Config extends MethodConfig>(
  { folder, metrics }: RunFiles,
  model: Uint8Array,
  { data, threads, workers, provider, listener, signal }: VariantsOptions<Config>,
): Promise<EvaluateResult> => {
  const log = await readMetrics(metrics);
  const runtime = { threads, provider };
  return evaluateModel({ model, data, out: folder, metrics: log, runtime, workers, listener, signal });
};

/** Paired over the images that both could score. */
const gainOf = (
  first: ReadonlyMap<string, number>,
  other: ReadonlyMap<string, number>,
  labels: ReadonlyMap<string, 0 | 1>,
): Measure => {
  const names = [...first.keys()].filter((name) => other.has(name));
  const scoresOf = (scores: ReadonlyMap<string, number>) => Float32Array.from(names, (name) => scores.get(name) as number);
  return aurocDifference(
    scoresOf(first),
    scoresOf(other),
    names.map((name) => labels.get(name) as number),
  );
};

/** The steps of a variant. What was measured is written down, so that a comparison that goes on takes as many. */
const stepsOf = async <Config extends MethodConfig>(
  method: Method<Config>,
  config: Config,
  path: string,
  options: VariantsOptions<Config>,
): Promise<number> => {
  const { budget = { steps: config.training.steps } } = options;
  if ("steps" in budget) return budget.steps;
  const { minutes } = budget;
  const { threads, provider } = options;
  const stored = (await readJson(path)) as { secondsPerStep: number; threads?: number; provider?: Provider } | undefined;
  const applies = stored !== undefined && stored.threads === threads && stored.provider === provider;
  const { data, workers, listener, signal } = options;
  const timed = (own: TimedTraining): Promise<unknown> =>
    trainDetector(method, {
      ...own,
      data,
      config: { ...config, training: { ...config.training, steps: own.steps } },
      threads,
      workers,
      provider,
    });
  const secondsPerStep = applies ? stored.secondsPerStep : await timeSteps(timed, { listener, signal });
  const steps = Math.max(1, Math.floor((60 * minutes) / secondsPerStep));
  await writeJson(path, { minutes, secondsPerStep, steps, threads, provider });
  return steps;
};
