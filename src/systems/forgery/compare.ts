import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { openDetector } from "../../detection/index.ts";
import { exists } from "../../files/index.ts";
import type { Comparison, LineChart } from "../../report/index.ts";
import {
  digestOf,
  digestOfCode,
  type RunFiles,
  readJson,
  readMetrics,
  runFiles,
  type TimedTraining,
  timeSteps,
  writeJson,
} from "../../training/index.ts";
import type { AblationRequest, EvaluateRequest } from "../system.ts";
import { BASELINE, type JudgedNetwork, type Judgements, summarise } from "./compare-summary.ts";
import { type Config, type ConfigInput, configSchema } from "./config.ts";
import { datasetOf, digestOfImages, type ForgeryDataset, kindsOf, leaveOutKind } from "./data.ts";
import { evaluateForgery, measuresForMachines } from "./evaluate.ts";
import { styleFiles, trainForgeryDetector } from "./train.ts";

interface Variant {
  readonly name: string;
  readonly changes: Pick<ConfigInput, "network" | "simulated">;
}

/** The method, and what it is without each of its parts. */
const both = { globalFrequency: true, localFrequency: true };
const neither = { globalFrequency: false, localFrequency: false };
const variants: readonly Variant[] = [
  { name: "this method", changes: { simulated: "generator", network: { detector: both } } },
  { name: BASELINE, changes: { simulated: "generator", network: { detector: neither } } },
  { name: "no generator", changes: { simulated: "none" } },
  { name: "neither", changes: { simulated: "none", network: { detector: neither } } },
  { name: "self-blending", changes: { simulated: "selfBlending" } },
];

type CompareRequest = Omit<EvaluateRequest, "ablation" | "out"> & AblationRequest;

/** What a comparison shows: a table, and how each variant bears distortions. */
export interface Compared {
  readonly table: Comparison;
  readonly robustness: readonly LineChart[];
}

/**
 * The protocol: trains the method, and it without each of its parts, for as many steps or minutes, with every seed; on all kinds of forgery,
 * and once without each kind, which is then all that it is tested with. What was trained before, in RUN/ablation, is not trained again.
 * @throws the signal's reason when it was interrupted; Error for options that it has not, and where there is too little to test with.
 */
export const compareForgery = async (request: CompareRequest): Promise<Compared> => {
  const { run, data, sigmas, seeds: asked, leaveOut, listener } = request;
  if (sigmas !== undefined) throw new Error("Forgery tries no Gaussian noise: leave out --sigmas.");
  const config = configSchema.parse((await readJson(runFiles(run).config)) ?? {});
  const seeds = asked ?? [config.seed];
  const dataset = await datasetOf(data, config);
  const kinds = kindsToLeaveOut(dataset, config, leaveOut);
  const trainings = variants.flatMap((variant) =>
    seeds.flatMap((seed) => [undefined, ...kinds].map((kind) => ({ variant, seed, kind }))),
  );
  const judged: JudgedNetwork[] = [];
  for (const [index, { variant, seed, kind }] of trainings.entries()) {
    const without = kind === undefined ? "" : `, without ${kind}`;
    listener?.({ kind: "stage", text: `${index + 1} of ${trainings.length}: ${variant.name}${without}, seed ${seed}` });
    const own = configured(config, variant, seed, kind);
    judged.push({
      variant: variant.name,
      seed,
      kind,
      ...(await judgedBy(own, request, `${variant.name} ${kind ?? "all"} ${seed}`)),
    });
  }
  return summarise(
    judged,
    dataset.test,
    variants.map(({ name }) => name),
  );
};

/** Kinds of which there are test images, and without which there still is something to train on. @throws Error for another one. */
const kindsToLeaveOut = (dataset: ForgeryDataset, { data }: Config, asked: readonly string[] | undefined): readonly string[] => {
  if (data.leaveOut !== undefined) {
    if (asked === undefined) return [];
    throw new Error(`The run leaves out "${data.leaveOut}" already (data.leaveOut): leave out --leave-out.`);
  }
  for (const kind of asked ?? []) leaveOutKind(dataset, kind);
  return (asked ?? kindsOf(dataset.test)).filter((kind) => kindsOf(leaveOutKind(dataset, kind).train).length > 0);
};

const configured = (config: Config, { changes }: Variant, seed: number, kind: string | undefined): Config => ({
  ...config,
  seed,
  simulated: changes.simulated ?? config.simulated,
  network: { ...config.network, detector: { ...config.network.detector, ...changes.network?.detector } },
  // By the run's seed, so that all are tested with the same images.
  data: { ...config.data, seed: config.data.seed ?? config.seed, leaveOut: kind ?? config.data.leaveOut },
});

/** What a variant's network says of its test images, and of distorted ones where it was trained on all kinds. */
const judgedBy = async (config: Config, request: CompareRequest, name: string): Promise<Judgements> => {
  const { run, data, threads, provider, workers, listener, signal } = request;
  const own = await datasetOf(data, config);
  const images = await digestOfImages([...own.train, ...own.validation, ...own.test]);
  const { steps: _, ...training } = config.training;
  const digest = digestOf(JSON.stringify([{ ...config, training }, images, await digestOfCode()])).slice(0, 8);
  const place = join(run, "ablation", `${name.replaceAll(/[^a-z0-9.]+/gi, "-")}-${digest}`);
  const steps = await stepsOf(config, request, `${join(run, "ablation", `timing-${shapeOf(config)}`)}.json`);
  const files = runFiles(`${place}-${steps}`);
  const kept = (await readJson(files.evaluation)) as { judgements?: Judgements } | undefined;
  if (kept?.judgements) return kept.judgements;
  if (!(await exists(files.model))) {
    const { finished } = await trainForgeryDetector({
      data,
      out: files.folder,
      config: { ...config, training: { ...config.training, steps } },
      resume: true,
      threads,
      provider,
      workers,
      listener,
      signal,
    });
    if (!finished) throw signal?.reason;
  }
  const detector = await openDetector(await readFile(files.model), { threads, provider });
  try {
    const robustness = config.data.leaveOut === undefined;
    const found = await evaluateForgery(detector, own.test, { robustness, workers, listener, signal });
    const judgements: Judgements = {
      scores: found.evaluation.samples.map(({ sample: { name }, score }) => ({ name, score })),
      measures: measuresForMachines(found.measures),
      robustness: found.robustness?.points ?? [],
      steps,
      seconds: (await secondsOf(files)) + (await secondsOf(styleFiles(files))),
    };
    await writeJson(files.evaluation, { judgements });
    return judgements;
  } finally {
    await detector.close();
  }
};

const secondsOf = async ({ metrics }: RunFiles): Promise<number> => (await readMetrics(metrics)).at(-1)?.seconds ?? 0;

/** What decides how long a step takes. */
const shapeOf = ({ image, network, simulated, alternation, training, trainOn }: Config): string => {
  const { steps: _, ...rest } = training;
  return digestOf(JSON.stringify([image, network, simulated, alternation, rest, trainOn])).slice(0, 8);
};

/** Steps of a training: given, or as many as fit into the minutes, the style branch's own steps included. */
const stepsOf = async (
  config: Config,
  { data, steps, minutes, threads, provider, workers, listener, signal }: CompareRequest,
  path: string,
): Promise<number> => {
  if (minutes === undefined) return steps ?? config.training.steps;
  const timed = (changed: Config) => (own: TimedTraining) =>
    trainForgeryDetector({
      ...own,
      data,
      config: { ...changed, training: { ...changed.training, steps: own.steps } },
      threads,
      provider,
      workers,
    });
  const { styleSteps } = config.alternation;
  const styled = config.simulated === "generator" && config.network.generator.style && styleSteps > 0;
  const time = async () => ({
    threads,
    provider,
    step: await timeSteps(timed({ ...config, alternation: { ...config.alternation, styleSteps: 0 } }), { listener, signal }),
    styleStep: styled
      ? await timeSteps(timed({ ...config, alternation: { ...config.alternation, styleSteps: 1000 } }), { listener, signal })
      : 0,
  });
  const stored = (await readJson(path)) as Awaited<ReturnType<typeof time>> | undefined;
  const applies = stored?.threads === threads && stored?.provider === provider;
  const found = stored !== undefined && applies ? stored : await time();
  await writeJson(path, found);
  const left = 60 * minutes - (styled ? styleSteps * found.styleStep : 0);
  if (left < found.step)
    throw new Error(
      `In ${minutes} minutes not one step is made${styled ? " after those of the style branch (alternation.styleSteps)" : ""}: give more.`,
    );
  return Math.floor(left / found.step);
};
