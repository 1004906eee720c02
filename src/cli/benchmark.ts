import { benchmark as runBenchmark } from "../systems/benchmark.ts";
import { formatTable, interruptible, output, progress } from "./output.ts";
import { systemOrUsage } from "./run.ts";
import { readSettings } from "./settings.ts";
import type { CommonOptions } from "./usage.ts";

interface BenchmarkCommand extends CommonOptions {
  readonly data: string;
  readonly out: string;
  readonly seeds: readonly number[];
  readonly preset?: string;
  readonly config?: string;
  readonly set: readonly string[];
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
  const { runs, tables, files } = await runBenchmark({
    data,
    out,
    systems,
    seeds,
    threads,
    workers,
    provider,
    listener,
    signal: interruptible(),
  });
  listener.end();
  for (const table of tables) say(`${table.title}\n${formatTable(table)}\n`);
  say(`Tables: ${files.html}, ${files.csv}, ${files.json}`);
  if (runs.some(({ error }) => error !== undefined)) process.exitCode = 1;
  finish({ runs, files });
};
