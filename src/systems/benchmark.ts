import { join } from "node:path";
import { stringify } from "csv-stringify/sync";
import { blurredDifference, evaluateModel } from "../detection/index.ts";
import { holdFolder, writeFileAtomic } from "../files/index.ts";
import { listCategories } from "../imaging/index.ts";
import { type Measure, meanOverCategories, meanOverSeeds } from "../metrics/index.ts";
import { type Comparison, type Failure, renderReport } from "../report/index.ts";
import { readJson, readMetrics, runFiles, writeJson } from "../training/index.ts";
import type { System, WorkOptions } from "./system.ts";

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
  /** Undefined for a baseline, which does not learn. */
  readonly seed?: number;
  readonly measures: Readonly<Record<string, Measure>>;
  /** Seconds that its training took, over all its sessions. */
  readonly trainingSeconds?: number;
  readonly millisecondsPerImage?: number;
  readonly testImages?: number;
  /** Why there is no result. */
  readonly error?: string;
}

export interface Benchmark {
  readonly runs: readonly BenchmarkRun[];
  readonly tables: readonly Comparison[];
  /** The table's files. */
  readonly files: { readonly csv: string; readonly json: string; readonly html: string };
}

const BASELINE = "blurred difference";

/**
 * Trains and measures every system on every category with every seed, beside a baseline that does not learn. Each is a run folder
 * of its own, `OUT/<category>/<system>/seed-<n>`, and what is finished is not repeated: an interrupted benchmark goes on where it was, and
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
    const work = categories.flatMap(({ name: category, source }) => [
      {
        category,
        source,
        name: BASELINE,
        seed: undefined,
        run: () => runBaseline(source, join(out, category, "blurred-difference"), options),
      },
      ...systems.flatMap(({ system, config }) =>
        seeds.map((seed) => ({
          category,
          source,
          name: system.name,
          seed,
          run: () => runSystem(system, { ...config, seed }, source, join(out, category, system.name, `seed-${seed}`), options),
        })),
      ),
    ]);
    let result = await writeTables(out, data, runs);
    for (const [index, { category, name, seed, run }] of work.entries()) {
      signal?.throwIfAborted();
      const which = seed === undefined ? name : `${name}, seed ${seed}`;
      listener?.({ kind: "stage", text: `${index + 1} of ${work.length}: ${category}, ${which}` });
      const found = await run().catch((error: Error) => {
        if (signal?.aborted) throw signal.reason;
        listener?.({ kind: "warning", text: `${category}, ${which}: ${error.message}` });
        return { measures: {}, error: error.message };
      });
      runs.push({ category, system: name, seed, ...found });
      result = await writeTables(out, data, runs);
    }
    return result;
  } finally {
    await folder.release();
  }
};

type Result = Omit<BenchmarkRun, "category" | "system" | "seed">;

/** Trains and evaluates one network, or reads what an earlier benchmark in this folder found. */
const runSystem = async (
  system: System,
  config: unknown,
  data: string,
  run: string,
  { threads, workers, provider, listener, signal }: BenchmarkOptions,
): Promise<Result> => {
  const asked = JSON.stringify(config);
  const path = join(run, "result.json");
  const stored = (await readJson(path)) as { asked: string; result: Result } | undefined;
  if (stored !== undefined && stored.asked !== asked) {
    throw new Error(`"${run}" holds a result of other settings. Choose another folder with --out, or delete that one.`);
  }
  if (stored !== undefined) return stored.result;
  const computing = { threads, workers, provider, listener, signal };
  const { finished } = await system.train({ data, out: run, config, resume: true, ...computing });
  if (!finished) throw signal?.reason ?? new Error("The training did not finish.");
  const evaluated = await system.evaluateRun({ run, data, out: run, ...computing });
  const { measures, evaluation } = evaluated;
  const result: Result = {
    measures,
    trainingSeconds: (await readMetrics(runFiles(run).metrics)).at(-1)?.seconds,
    millisecondsPerImage: 1000 * evaluation.secondsPerImage,
    testImages: evaluation.samples.length,
  };
  await writeJson(path, { asked, result });
  return result;
};

/** It takes seconds, so it is simply done again. */
const runBaseline = async (
  data: string,
  out: string,
  { threads, provider, workers, listener, signal }: BenchmarkOptions,
): Promise<Result> => {
  const model = blurredDifference(128);
  const { measures, evaluation } = await evaluateModel({
    model,
    data,
    out,
    runtime: { threads, provider },
    workers,
    listener,
    signal,
  });
  return {
    measures,
    millisecondsPerImage: 1000 * evaluation.secondsPerImage,
    testImages: evaluation.samples.length,
  };
};

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
