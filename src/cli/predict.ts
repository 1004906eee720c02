import { mkdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import colours from "picocolors";
import { openDetector, predict as predictImages, type Threshold, withThreshold } from "../detection/index.ts";
import type { System } from "../systems/system.ts";
import { writeJson } from "../training/index.ts";
import { readModelFile, systemOf } from "./model-file.ts";
import { interruptible, output, progress, sayFailures, shown } from "./output.ts";
import { type CommonOptions, UsageError } from "./usage.ts";

export const predict = async (
  model: string,
  inputs: readonly string[],
  {
    out,
    threshold: given,
    threads,
    workers,
    provider,
    json,
    mpp,
    keepIdentity,
    givenLabels,
  }: CommonOptions & {
    readonly out: string;
    readonly threshold?: number;
    readonly mpp?: number;
    readonly keepIdentity?: boolean;
    readonly givenLabels?: boolean;
  },
): Promise<void> => {
  const { say, finish } = output(json);
  const listener = progress();
  const bytes = await readModelFile(model);
  const system = await systemOf(bytes);
  if (system?.predict) {
    if (given !== undefined) throw new UsageError(`The system ${system.name} has no threshold: leave out --threshold.`);
    const beside = (await stat(model)).isDirectory() ? model : dirname(model);
    const request = {
      ...{ model: bytes, inputs, out, beside, keepIdentity, givenLabels, threads, workers, provider },
      micronsPerPixel: mpp,
    };
    return predictWith(system.predict, request, json);
  }
  if (keepIdentity || givenLabels) {
    const option = keepIdentity ? "--keep-identity" : "--given-labels";
    throw new UsageError(`${option} is for studies of patients, for progression: leave it out.`);
  }
  if (mpp !== undefined) throw new UsageError("--mpp says how large the pixels of slides are, for grading: leave it out.");
  const detector = await openDetector(given === undefined ? bytes : withThreshold(bytes, given), {
    threads,
    provider,
    inThisThread: true,
  });
  await mkdir(out, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`"${out}" cannot be the folder for heat maps (${error.code}). Choose another one with --out.`);
  });
  const signal = interruptible();
  const predicted = await predictImages(detector, inputs, { out, workers, listener, signal });
  const { predictions, failures, masks, stopped } = predicted;
  await detector.close();
  listener.end();

  const { threshold } = detector.description;
  const called = system?.classNames ?? { normal: "normal", anomalous: "anomalous" };
  await writeJson(join(out, "predictions.json"), { threshold, predictions, failures, masks });
  for (const { file, score, anomalous } of predictions) {
    const verdict =
      anomalous === undefined ? "" : anomalous ? colours.red(`  ${called.anomalous}`) : colours.green(`  ${called.normal}`);
    say(`${score.toFixed(4)}${verdict}  ${shown(file)}`);
  }
  if (predictions.length > 0) say(describeThreshold(threshold));
  if (predictions.length > 0) {
    const isOfMap = detector.description.imageScore.kind !== "classifier";
    say(`Heat maps: ${out}${isOfMap ? " (an image without colour lies well below the threshold everywhere)" : ""}`);
  }
  if (masks.length === 1) say("1 mask of the data set was left out.");
  if (masks.length > 1) say(`${masks.length} masks of the data set were left out.`);
  sayFailures(failures);
  if (failures.length > 0 || predictions.length === 0) process.exitCode = 1;
  finish({ threshold, predictions, failures, masks, stopped });
  if (stopped) throw signal.reason;
};

/** Prediction by a system that has its own way of it. */
const predictWith = async (
  predictFiles: NonNullable<System["predict"]>,
  request: Parameters<NonNullable<System["predict"]>>[0],
  json: boolean | undefined,
): Promise<void> => {
  const { say, finish } = output(json);
  const listener = progress();
  const { lines, predictions, failures } = await predictFiles({ ...request, listener, signal: interruptible() });
  listener.end();
  for (const line of lines) say(line);
  if (predictions.length > 0) say(`Results: ${request.out}`);
  sayFailures(failures);
  if (failures.length > 0 || predictions.length === 0) process.exitCode = 1;
  finish({ predictions, failures });
};

const describeThreshold = (threshold: Threshold | undefined): string => {
  if (threshold === undefined)
    return "The model has no threshold (its run is unfinished, or had too few normal images): there are scores, but no verdicts. --threshold sets one.";
  const { value, attainedRate, normalImages } = threshold;
  const origin =
    attainedRate === undefined
      ? normalImages === undefined
        ? "chosen by hand"
        : "it told most validation images of both classes rightly"
      : `about ${(100 * attainedRate).toFixed(1)} % of normal images are expected to reach it`;
  return `Threshold ${value.toFixed(4)}: ${origin}.`;
};
