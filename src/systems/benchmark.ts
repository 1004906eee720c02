import { join } from "node:path";
import { stringify } from "csv-stringify/sync";
import { type Baseline, blurredDifference } from "../detection/index.ts";
import { holdFolder, writeFileAtomic } from "../files/index.ts";
import { listCategories } from "../imaging/index.ts";
import { type Measure, meanOverCategories, meanOverSeeds } from "../metrics/index.ts";
import { type Comparison, type Failure, renderReport } from "../report/index.ts";
import { readJson, readMetrics, runFiles, writeJson } from "../training/index.ts";
import { digestOfDataset } from "./dataset-digest.ts";
import { evaluated } from "./detector-system.ts";
import type { Evaluated, System, WorkOptions } from "./system.ts";

export interface BenchmarkOptions extends WorkOptions {
  /** A data set, or a folder of them: every one is a category. */
  readonly data: string;
  readonly out: string;
  /** Each with its checked configuration; the seed is the benchmark's. */
  readonly systems: readonly { readonly system: System; readonly config: Readonly<Record<string, unknown>> }[];
  readonly seeds: readonly number[];
}

/** One network, or one baseline, on one category. */
export interface BenchmarkRun {
  readonly category: string;
  readonly system: string;
  /** Undefined for a baseline. */
  readonly seed?: number;
  readonly measures: Readonly<Record<string, Measure>>;
  /** Seconds that its training took, over all its sessions, or that a baseline was fitted in. */
  readonly trainingSeconds?: number;
  readonly millisecondsPerImage?: number;
  readonly testImages?: number;
  /** Test images that could not be read. */
  readonly unreadable?: number;
  /** Why there is no result. */
  readonly error?: string;
}

export interface Benchmark {
  readonly runs: readonly BenchmarkRun[];
  readonly tables: readonly Comparison[];
  /** The table's files. */
  readonly files: { readonly csv: string; readonly json: string; readonly html: string };
}

const BLURRED_SIZE = 128;
const BLURRED: Baseline = { name: "blurred difference", model: async () => blurredDifference(BLURRED_SIZE) };

/**
 * Trains and measures every system on every category with every seed, beside a baseline that does not learn and those that the systems
 * bring. Each is a run folder of its own, `OUT/<category>/<system>/seed-<n>`, and what is finished is not repeated: an interrupted benchmark goes on where it was, and
 * a finished one can be given further systems, seeds and categories. The table is written anew after every run. A category that
 * cannot be used is an error in its own row.
 * @throws FolderInUseError; DatasetError when there is no category.
 */
export const benchmark = async (options: BenchmarkOptions): Promise<Benchmark> => {
  const { data, out, systems, seeds, listener, signal } = options;
  const categories = await listCategories(data);
  const folder = await holdFolder(out);
  try {
    const runs: BenchmarkRun[] = [];
    const digests = new Map<string, string>();
    // The data of one that cannot be read are its error, which its rows will say.
    const digestOf = (source: string) => digestOfDataset(source).catch((error: Error) => error.message);
    for (const { name, source } of categories) digests.set(name, await digestOf(source));
    const baselines = await baselinesOf(systems);
    const work: readonly Work[] = categories.flatMap(({ name: category, source }) => [
      ...baselines.map(({ baseline, asked }) => ({
        category,
        name: baseline.name,
        folder: join(out, category, baseline.name.replaceAll(/[^a-z0-9]+/gi, "-")),
        asked: { ...asked, data: digests.get(category) },
        run: (folder: string) => runBaseline(baseline, source, folder, options),
      })),
      ...systems.flatMap(({ system, config }) =>
        seeds.map((seed) => ({
          category,
          name: system.name,
          seed,
          folder: join(out, category, system.name, `seed-${seed}`),
          asked: { ...config, seed, data: digests.get(category) },
          run: (folder: string) => runSystem(system, { ...config, seed }, source, folder, options),
        })),
      ),
    ]);
    // Before anything is written: the table of what was asked earlier is not to be lost.
    const stored = await Promise.all(work.map(readResult));
    for (const [index, task] of work.entries()) {
      const { category, name, seed } = task;
      signal?.throwIfAborted();
      const which = seed === undefined ? name : `${name}, seed ${seed}`;
      listener?.({ kind: "stage", text: `${index + 1} of ${work.length}: ${category}, ${which}` });
      const found =
        stored[index] ??
        (await finish(task).catch((error: Error) => {
          if (signal?.aborted) throw signal.reason;
          listener?.({ kind: "warning", text: `${category}, ${which}: ${error.message}` });
          return { measures: {}, error: error.message };
        }));
      runs.push({ category, system: name, seed, ...found });
      await writeTables(out, data, runs);
    }
    return await writeTables(out, data, runs);
  } finally {
    await folder.release();
  }
};

/** Every baseline once, with what its results depend on. */
const baselinesOf = async (systems: BenchmarkOptions["systems"]) => {
  const found = new Map<string, { readonly baseline: Baseline; readonly asked: Readonly<Record<string, unknown>> }>([
    [BLURRED.name, { baseline: BLURRED, asked: { size: BLURRED_SIZE } }],
  ]);
  for (const { system, config } of systems) {
    for (const baseline of (await system.baselines?.(config)) ?? []) {
      if (!found.has(baseline.name)) found.set(baseline.name, { baseline, asked: { config } });
    }
  }
  return [...found.values()];
};

type Result = Omit<BenchmarkRun, "category" | "system" | "seed">;

/** One line of the table, still to be found. */
interface Work {
  readonly category: string;
  readonly name: string;
  readonly seed?: number;
  readonly folder: string;
  /** The settings: a result of others is not this line's. */
  readonly asked: unknown;
  run(folder: string): Promise<Result>;
}

/** What an earlier benchmark in this folder found. @throws Error when it was of other settings. */
const readResult = async ({ folder, asked }: Work): Promise<Result | undefined> => {
  const stored = (await readJson(join(folder, "result.json"))) as { asked: string; result: Result } | undefined;
  if (stored === undefined || stored.asked === JSON.stringify(asked)) return stored?.result;
  throw new Error(
    `"${folder}" holds a result of other settings or other images. Choose another folder with --out, or delete that one.`,
  );
};

const finish = async ({ folder, asked, run }: Work): Promise<Result> => {
  const result = await run(folder);
  if (Object.keys(result.measures).length === 0) {
    throw new Error("There are no normal and defective test images to measure on.");
  }
  await writeJson(join(folder, "result.json"), { asked: JSON.stringify(asked), result });
  return result;
};

/** Trains and evaluates one network. */
const runSystem = async (
  system: System,
  config: unknown,
  data: string,
  run: string,
  { threads, workers, provider, listener, signal }: BenchmarkOptions,
): Promise<Result> => {
  const computing = { threads, workers, provider, listener, signal };
  const { finished } = await system.train({ data, out: run, config, resume: true, ...computing });
  if (!finished) throw signal?.reason ?? new Error("The training did not finish.");
  const trainingSeconds = (await readMetrics(runFiles(run).metrics)).at(-1)?.seconds;
  return { ...resultOf(await system.evaluateRun({ run, data, out: run, ...computing })), trainingSeconds };
};

/** Fits and evaluates a baseline. */
const runBaseline = async (
  baseline: Baseline,
  data: string,
  out: string,
  { threads, provider, workers, listener, signal }: BenchmarkOptions,
): Promise<Result> => {
  const started = performance.now();
  const model = await baseline.model(data, { threads, provider, workers, listener, signal });
  const trainingSeconds = (performance.now() - started) / 1000;
  const found = await evaluated({ model, data, out, runtime: { threads, provider }, workers, listener, signal });
  return { ...resultOf(found), ...(baseline === BLURRED ? {} : { trainingSeconds }) };
};

const resultOf = ({ measures, secondsPerImage, images, failures }: Evaluated): Result => ({
  measures,
  millisecondsPerImage: 1000 * secondsPerImage,
  testImages: images,
  unreadable: failures.length,
});

const MEASURES = { image_auroc: "image AUROC", pixel_auroc: "pixel AUROC", pro: "PRO" } as const;

/** One table for each measure, categories in rows and systems in columns, and one for time. */
const tablesOf = (runs: readonly BenchmarkRun[]): Comparison[] => {
  const unique = (names: readonly string[]) => [...new Set(names)];
  const categories = unique(runs.map(({ category }) => category));
  const systems = unique(runs.map(({ system }) => system));
  const runsOf = (category: string, system: string) =>
    runs.filter((run) => run.category === category && run.system === system && run.error === undefined);
  const columns = systems.map((name) => ({ name }));
  const ofMeasure = (measure: keyof typeof MEASURES): Comparison => {
    const cellOf = (category: string, system: string): Measure | null => {
      const found = runsOf(category, system).flatMap(({ measures }) => measures[measure] ?? []);
      return found.length === 0 ? null : meanOverSeeds(found);
    };
    const rows = categories.map((name) => ({ name, cells: systems.map((system) => cellOf(name, system)) }));
    const means = systems.map((_, column) => {
      const found = rows.flatMap(({ cells }) => cells[column] ?? []);
      return found.length < categories.length ? null : meanOverCategories(found);
    });
    return {
      title: MEASURES[measure],
      note: "Means over seeds with 95 % bootstrap intervals over test images; the best of a row is marked. The mean is given where every category has a result.",
      better: "higher",
      columns,
      rows: categories.length < 2 ? rows : [...rows, { name: "mean", cells: means, summary: true }],
    };
  };
  const mean = (values: readonly number[]): number | null =>
    values.length === 0 ? null : Number((values.reduce((sum, value) => sum + value, 0) / values.length).toPrecision(3));
  const times = {
    title: "Time",
    note: "Seconds of one training and median milliseconds of one test image, means over seeds and categories, on the machine of this run.",
    columns: [{ name: "seconds of training" }, { name: "milliseconds an image" }],
    rows: systems.map((name) => {
      const own = runs.filter(({ system, error }) => system === name && error === undefined);
      return {
        name,
        cells: [
          mean(own.flatMap(({ trainingSeconds }) => trainingSeconds ?? [])),
          mean(own.flatMap(({ millisecondsPerImage }) => millisecondsPerImage ?? [])),
        ],
      };
    }),
  };
  return [...(Object.keys(MEASURES) as (keyof typeof MEASURES)[]).map(ofMeasure), times];
};

const writeTables = async (out: string, data: string, runs: readonly BenchmarkRun[]): Promise<Benchmark> => {
  const files = {
    csv: join(out, "benchmark.csv"),
    json: join(out, "benchmark.json"),
    html: join(out, "benchmark.html"),
  };
  const tables = tablesOf(runs);
  const names = [...new Set(runs.flatMap(({ measures }) => Object.keys(measures)))];
  const lines = runs.map(({ measures, ...run }) => ({
    category: run.category,
    system: run.system,
    seed: run.seed,
    test_images: run.testImages,
    unreadable: run.unreadable,
    training_seconds: run.trainingSeconds,
    milliseconds_per_image: run.millisecondsPerImage,
    ...Object.fromEntries(
      names.flatMap((name) => [
        [name, measures[name]?.value],
        [`${name}_low`, measures[name]?.low],
        [`${name}_high`, measures[name]?.high],
      ]),
    ),
    error: run.error,
  }));
  await writeFileAtomic(files.csv, stringify(lines, { header: true }));
  await writeJson(files.json, { data, runs });
  const failures = runs.flatMap(({ category, system, seed, error }): Failure[] =>
    error === undefined ? [] : [{ file: `${category}, ${system}${seed === undefined ? "" : `, seed ${seed}`}`, reason: error }],
  );
  const seeds = [...new Set(runs.flatMap(({ seed }) => seed ?? []))];
  const subtitle = `${new Set(runs.map(({ category }) => category)).size} categories, seeds ${seeds.join(", ")}`;
  await writeFileAtomic(
    files.html,
    renderReport({ title: "lynceus benchmark", system: "benchmark", subtitle, comparisons: tables, failures }),
  );
  return { runs, tables, files };
};
