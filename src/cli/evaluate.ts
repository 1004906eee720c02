import { evaluateModel } from "../detection/index.ts";
import { openRun, readModelFile } from "./model-file.ts";
import { formatMeasures, formatTable, interruptible, output, progress } from "./output.ts";
import { type CommonOptions, UsageError } from "./usage.ts";

interface EvaluateCommand extends CommonOptions {
  readonly data?: string;
  readonly out?: string;
  readonly ablation?: boolean;
  readonly steps?: number;
  readonly sigmas?: readonly number[];
}

export const evaluate = async (
  model: string,
  { data, out, ablation, steps, sigmas, threads, provider, json }: EvaluateCommand,
): Promise<void> => {
  const { say, finish } = output(json);
  const listener = progress();
  const run = await openRun(model);
  if (run === undefined && ablation)
    throw new UsageError("--ablation needs the run folder, not a model file: it trains the baselines with the run's settings.");
  if (run === undefined && data === undefined) throw new UsageError("Say what to evaluate on: --data DIR.");

  const signal = interruptible();
  const result =
    run === undefined
      ? await evaluateModel({
          model: await readModelFile(model),
          data: data as string,
          out: out ?? "evaluation",
          runtime: { threads, provider },
          listener,
        })
      : await run.system.evaluateRun({
          run: run.folder,
          data: data ?? run.data,
          out,
          ablation: ablation ? { steps, sigmas } : undefined,
          threads,
          provider,
          listener,
          signal,
        });
  listener.end();
  if (result === undefined) {
    say("Stopped. The same command goes on where it was.");
    process.exitCode = 130;
    return;
  }
  if (Object.keys(result.measures).length > 0) say(formatMeasures(result.measures));
  for (const { text } of result.page.notices ?? []) say(text);
  for (const table of result.page.comparisons ?? []) say(`\n${table.title}\n${formatTable(table)}\n  ${table.note ?? ""}`);
  say(`Report: ${result.report}`);
  const { failures } = result.evaluation;
  for (const { path, reason } of failures) console.error(`skipped: ${path}: ${reason}`);
  if (failures.length > 0) process.exitCode = 1;
  finish({ metrics: result.measures, report: result.report, comparisons: result.page.comparisons, failures });
};
