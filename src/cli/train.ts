import { existsSync } from "node:fs";
import { basename, resolve } from "node:path";
import { type MethodConfig, readConfig } from "../detection/index.ts";
import { exists, FolderInUseError } from "../files/index.ts";
import type { Provider } from "../runtime/index.ts";
import type { System } from "../systems/system.ts";
import { hasBegun, type Listener, readJson, readTensors, runFiles } from "../training/index.ts";
import { command, formatMeasures, interruptible, output, progress, sayFailures } from "./output.ts";
import { systemOrUsage } from "./run.ts";
import { hasSetting, readSettings } from "./settings.ts";
import { type CommonOptions, Interrupted, UsageError } from "./usage.ts";

interface TrainCommand extends CommonOptions {
  readonly data?: string;
  readonly out?: string;
  readonly preset?: string;
  readonly config?: string;
  readonly set?: readonly string[];
  readonly seed?: number;
  readonly roi?: string;
  readonly tile?: boolean;
  readonly teacher?: string;
  readonly resume?: boolean;
}

export const train = async (name: string, options: TrainCommand): Promise<void> => {
  const system = systemOrUsage(name);
  const { data, out, config, provider } = options.resume ? await storedRun(system, options) : await newRun(system, options);
  const { say, finish } = output(options.json);
  const drawn = progress();
  const signal = interruptible();
  const { threads, workers } = options;
  const goOn = command("train", name, "--resume", "--out", out);
  const first = options.resume ? await savedStep(out) : undefined;
  const { steps } = (config as MethodConfig).training;
  const doing =
    first === undefined ? `Training ${name} on ${data}` : `Going on with ${name} on ${data} at step ${first} of ${steps}`;
  let begun = false;
  const listener: Listener = (event) => {
    // Only once the data and the folder are known to be usable.
    if (!begun) say(`${doing}; the run folder is ${out}.`);
    begun = true;
    drawn(event);
  };
  const computing = { threads, workers, provider, listener, signal };
  const result = await system.train({ data, out, config, resume: options.resume, ...computing }).catch(async (error: Error) => {
    drawn.end();
    const saved = error instanceof FolderInUseError ? undefined : await savedStep(out);
    throw saved === undefined
      ? error
      : new Error(`${error.message}\nStep ${saved} is saved: mend this, and go on with ${goOn}`, { cause: error });
  });
  if (!result.finished) {
    drawn.end();
    say(`Stopped${result.step > 0 ? ` after step ${result.step}` : ""}. Go on with: ${goOn}`);
    finish({ run: out, finished: false, step: result.step });
    process.exitCode = 130;
    return;
  }
  const evaluated = await system.evaluateRun({ run: out, data, ...computing }).catch((error: Error) => {
    throw signal.aborted ? new Interrupted(`Trained, but stopped in the evaluation. Go on with: ${goOn}`) : error;
  });
  drawn.end();
  if (Object.keys(evaluated.measures).length > 0) say(formatMeasures(evaluated.page.measures));
  for (const { text } of evaluated.page.notices ?? []) say(text);
  say(
    `Model:  ${runFiles(out).model}\nReport: ${evaluated.report}\nNext:   ${command("predict", out, `${system.predicts ?? "IMAGE"}...`)}`,
  );
  const failures = sayFailures([...result.skipped, ...evaluated.failures]);
  if (failures.length > 0) process.exitCode = 1;
  finish({
    run: out,
    finished: true,
    model: runFiles(out).model,
    report: evaluated.report,
    metrics: evaluated.measures,
    failures,
  });
};

/** The step of a run's checkpoint; undefined where there is none to go on from. */
const savedStep = (out: string): Promise<string | undefined> =>
  readTensors(runFiles(out).checkpoint).then(
    ({ metadata }) => metadata.step,
    () => undefined,
  );

const newRun = async (system: System, options: TrainCommand) => {
  if (options.data === undefined) throw new UsageError("Say what to train on: --data DIR.");
  const out = options.out ?? `runs/${system.name}-${basename(resolve(options.data))}`;
  if (await hasBegun(runFiles(out))) {
    throw new UsageError(
      `"${out}" already holds a run. Add --resume to go on with it (unless it is still going), or choose another folder with --out.`,
    );
  }
  for (const [option, setting] of Object.entries({ roi: "image.roi", tile: "image.aspect", teacher: "teacher" })) {
    if (options[option as "roi" | "tile" | "teacher"] !== undefined && !hasSetting(system, setting)) {
      throw new UsageError(`The system ${system.name} has no --${option}: leave it out.`);
    }
  }
  const config = await readSettings(system, { ...options, set: [...shorthands(options), ...(options.set ?? [])] });
  return { data: options.data, out, provider: options.provider, config };
};

/** Options that stand for a setting. */
const shorthands = ({ seed, roi, tile, teacher }: TrainCommand): string[] => [
  ...(seed === undefined ? [] : [`seed=${seed}`]),
  ...(roi === undefined ? [] : [`image.roi=${JSON.stringify(roi)}`]),
  ...(tile ? ["image.aspect=tile"] : []),
  // A file is found again from anywhere; names and addresses stay what they are.
  ...(teacher === undefined
    ? []
    : [`teacher.model=${JSON.stringify(/\.onnx$/i.test(teacher) && existsSync(teacher) ? resolve(teacher) : teacher)}`]),
];

/** What the run was begun with; another provider may be named, since it is no setting of the result. */
const storedRun = async (
  system: System,
  { out, data, preset, config, set, seed, roi, tile, teacher, provider }: TrainCommand,
) => {
  if (out === undefined) throw new UsageError("Say which run to resume: --out DIR.");
  if ([preset, config, seed, roi, tile, teacher].some((given) => given !== undefined) || set !== undefined) {
    throw new UsageError(
      "A resumed run keeps its settings: leave out --preset, --config, --set, --seed, --roi, --tile and --teacher.",
    );
  }
  const files = runFiles(out);
  const manifest = (await readJson(files.manifest)) as { system: string; data: string; provider?: Provider } | undefined;
  if (manifest === undefined || !(await exists(files.config))) {
    throw new UsageError(
      `"${out}" holds no run to resume: start it with ${command("train", system.name, "--out", out, "--data", "DIR")}`,
    );
  }
  if (manifest.system !== system.name) {
    throw new UsageError(
      `"${out}" is a run of ${manifest.system}: go on with ${command("train", manifest.system, "--resume", "--out", out)}`,
    );
  }
  const stored = await readConfig(out, system.configSchema);
  return { out, data: data ?? manifest.data, config: stored, provider: provider ?? manifest.provider };
};
