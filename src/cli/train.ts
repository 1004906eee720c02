import { basename, resolve } from "node:path";
import type { Provider } from "../runtime/index.ts";
import type { System } from "../systems/system.ts";
import { hasCheckpoint, readJson, runFiles } from "../training/index.ts";
import { systemOrUsage } from "./model-file.ts";
import { formatMeasures, interruptible, output, progress } from "./output.ts";
import { readSettings } from "./settings.ts";
import { type CommonOptions, UsageError } from "./usage.ts";

interface TrainCommand extends CommonOptions {
  readonly data?: string;
  readonly out?: string;
  readonly preset?: string;
  readonly config?: string;
  readonly set: readonly string[];
  readonly resume?: boolean;
}

export const train = async (name: string, options: TrainCommand): Promise<void> => {
  const system = systemOrUsage(name);
  const { data, out, config, provider } = options.resume ? await storedRun(options) : await newRun(system, options);
  const { say, finish } = output(options.json);
  const listener = progress();
  const signal = interruptible();
  const { threads } = options;
  say(`Training ${name} on ${data}; the run folder is ${out}.`);
  const result = await system.train({ data, out, config, resume: options.resume, threads, provider, listener, signal });
  if (!result.finished) {
    listener.end();
    say(`Stopped after step ${result.step}. Go on with: lynceus train ${name} --resume --out ${out}`);
    finish({ run: out, finished: false, step: result.step });
    process.exitCode = 130;
    return;
  }
  const evaluated = await system.evaluateRun({ run: out, data, threads, provider, listener, signal });
  listener.end();
  if (evaluated) {
    if (Object.keys(evaluated.measures).length > 0) say(formatMeasures(evaluated.measures));
    say(`Model:  ${runFiles(out).model}\nReport: ${evaluated.report}`);
  }
  const failures = [...result.skipped, ...(evaluated?.evaluation.failures ?? [])];
  for (const { path, reason } of failures) console.error(`skipped: ${path}: ${reason}`);
  if (failures.length > 0) process.exitCode = 1;
  finish({
    run: out,
    finished: true,
    model: runFiles(out).model,
    report: evaluated?.report,
    metrics: evaluated?.measures,
    failures,
  });
};

const newRun = async (system: System, options: TrainCommand) => {
  if (options.data === undefined) throw new UsageError("Say what to train on: --data DIR.");
  const out = options.out ?? `runs/${system.name}-${basename(resolve(options.data))}`;
  if (await hasCheckpoint(runFiles(out))) {
    throw new UsageError(`"${out}" already holds a run. Add --resume to go on with it, or choose another folder with --out.`);
  }
  return { data: options.data, out, provider: options.provider, config: await readSettings(system, options) };
};

/** What the run was begun with; another provider may be named, since it is no setting of the result. */
const storedRun = async ({ out, data, preset, config, set, provider }: TrainCommand) => {
  if (out === undefined) throw new UsageError("Say which run to resume: --out DIR.");
  if (preset !== undefined || config !== undefined || set.length > 0) {
    throw new UsageError("A resumed run keeps its settings: leave out --preset, --config and --set.");
  }
  const files = runFiles(out);
  const manifest = (await readJson(files.manifest)) as { data: string; provider?: Provider } | undefined;
  const stored = await readJson(files.config);
  if (manifest === undefined || stored === undefined) {
    throw new UsageError(`"${out}" holds no run to resume: start it with lynceus train, without --resume.`);
  }
  return { out, data: data ?? manifest.data, config: stored, provider: provider ?? manifest.provider };
};
