import type { CostTable } from "../detection/index.ts";
import type { CostModel } from "../metrics/index.ts";
import { evaluated } from "../systems/detector-system.ts";
import type { Evaluated, EvaluateRequest } from "../systems/system.ts";
import { readModelFile, systemOf } from "./model-file.ts";
import { formatMeasures, formatTable, interruptible, output, progress, sayFailures } from "./output.ts";
import { openRun } from "./run.ts";
import { type CommonOptions, UsageError } from "./usage.ts";

interface EvaluateCommand extends CommonOptions {
  readonly data?: string;
  readonly out?: string;
  readonly ablation?: boolean;
  readonly steps?: number;
  readonly minutes?: number;
  readonly sigmas?: readonly number[];
  readonly seeds?: readonly number[];
  readonly leaveOut?: readonly string[];
  readonly costMiss?: number;
  readonly costFalseAlarm?: number;
  readonly prevalence?: number;
}

export const evaluate = async (
  model: string,
  { data, out, ablation, steps, minutes, sigmas, seeds, leaveOut, threads, workers, provider, json, ...prices }: EvaluateCommand,
): Promise<void> => {
  const costs = costModel(prices);
  if (steps !== undefined && minutes !== undefined)
    throw new UsageError("Give the trainings of the ablation --steps or --minutes, not both.");
  if (minutes !== undefined && !(minutes > 0)) throw new UsageError("--minutes must be more than 0.");
  if (!ablation && (seeds !== undefined || leaveOut !== undefined))
    throw new UsageError("--seeds and --leave-out are for the trainings of --ablation: give that too.");
  const { say, finish } = output(json);
  const listener = progress();
  const run = await openRun(model);
  if (run === undefined && ablation)
    throw new UsageError("--ablation needs the run folder, not a model file: it trains the baselines with the run's settings.");
  if (run === undefined && data === undefined) throw new UsageError("Say what to evaluate on: --data DIR.");

  const signal = interruptible();
  const result =
    run === undefined
      ? await evaluateFile(await readModelFile(model), {
          data: data as string,
          out: out ?? "evaluation",
          costs,
          threads,
          provider,
          workers,
          listener,
          signal,
        })
      : await run.system.evaluateRun({
          run: run.folder,
          data: data ?? run.data,
          out,
          costs,
          ablation: ablation ? { steps, minutes, sigmas, seeds, leaveOut } : undefined,
          threads,
          workers,
          provider,
          listener,
          signal,
        });
  listener.end();
  if (Object.keys(result.measures).length > 0) say(formatMeasures(result.page.measures));
  for (const { text } of result.page.notices ?? []) say(text);
  for (const table of result.page.comparisons ?? []) say(`\n${table.title}\n${formatTable(table)}\n  ${table.note ?? ""}`);
  if (result.costs) say(`\n${formatCosts(result.costs)}\n  ${result.page.costs?.note}`);
  else if (costs) say("Costs need two normal and two defective test images at least.");
  say(`Report: ${result.report}`);
  const failures = sayFailures(result.failures);
  if (failures.length > 0) process.exitCode = 1;
  finish({
    metrics: result.measures,
    report: result.report,
    comparisons: result.page.comparisons,
    costs: result.costs,
    failures,
  });
};

/** Evaluates a model file, by its system's own way where it has one. */
const evaluateFile = async (
  model: Uint8Array,
  { threads, provider, ...options }: Omit<EvaluateRequest, "run"> & { readonly out: string },
): Promise<Evaluated> => {
  const own = (await systemOf(model))?.evaluateModel;
  if (own) return own({ model, threads, provider, ...options });
  return evaluated({ model, runtime: { threads, provider }, ...options });
};

/** @throws UsageError when a part is missing. */
const costModel = ({
  costMiss,
  costFalseAlarm,
  prevalence,
}: Pick<EvaluateCommand, "costMiss" | "costFalseAlarm" | "prevalence">): CostModel | undefined => {
  if (costMiss === undefined && costFalseAlarm === undefined && prevalence === undefined) return undefined;
  if (costMiss === undefined || prevalence === undefined) {
    throw new UsageError(
      "The cost of a threshold needs --cost-miss (what a missed defect costs, where a false alarm costs --cost-false-alarm, by default 1) and --prevalence (the share of defective parts in production).",
    );
  }
  return { miss: costMiss, falseAlarm: costFalseAlarm ?? 1, prevalence };
};

const formatCosts = ({ lines }: CostTable): string =>
  formatTable({
    title: "",
    columns: [{ name: "threshold" }, { name: "cost an image" }, { name: "missed" }, { name: "false alarms" }],
    rows: lines.map(({ name, threshold, cost, missRate, falseAlarmRate }) => ({
      name,
      cells: [threshold, cost, missRate, falseAlarmRate],
    })),
  });
