import { benchmark as runBenchmark } from "../systems/benchmark.ts";
import { formatTable, interruptible, output, progress } from "./output.ts";
import { systemOrUsage } from "./run.ts";
import { readSettings } from "./settings.ts";
import { type CommonOptions, Interrupted } from "./usage.ts";

interface BenchmarkCommand extends CommonOptions {
  readonly data: string;
  readonly out: string;
  readonly seeds: readonly number[];
  readonly preset?: string;
  readonly config?: string;
  readonly set?: readonly string[];
}

export const benchmark = async (names: readonly string[], options: BenchmarkCommand): Promise<void> => {
  const { data, out, seeds, threads, workers, provider, json } = options;
  const { say, finish } = output(json);
  const listener = progress();
  const systems = [];
  for (const name of new Set(names)) {
    const system = systemOrUsage(name);
    systems.push({ system, config: (await readSettings(system, options)) as Record<string, unknown> });
  }
  const signal = interruptible();
  const { runs, tables, files } = await runBenchmark({
    data,
    out,
    systems,
    seeds,
    threads,
    workers,
    provider,
    listener,
    signal,
  }).catch((error: Error) => {
    throw signal.aborted ? new Interrupted("Stopped. The same command goes on where it was.") : error;
  });
  listener.end();
  for (const table of tables) say(`${table.title}\n${formatTable(table)}\n`);
  say(`Tables: ${files.html}, ${files.csv}, ${files.json}`);
  const unreadable = runs.filter((run) => (run.unreadable ?? 0) > 0);
  for (const { category, system, unreadable: count } of unreadable)
    console.error(`${category}, ${system}: ${count} test images could not be read and are not counted.`);
  if (unreadable.length > 0 || runs.some(({ error }) => error !== undefined)) process.exitCode = 1;
  finish({ runs, files });
};
