import { join } from "node:path";
import colours from "picocolors";
import { openDetector, predict as predictImages } from "../detection/index.ts";
import { writeJson } from "../training/index.ts";
import { readModelFile } from "./model-file.ts";
import { output, progress } from "./output.ts";
import type { CommonOptions } from "./usage.ts";

export const predict = async (
  model: string,
  inputs: readonly string[],
  { out, threads, provider, json }: CommonOptions & { readonly out: string },
): Promise<void> => {
  const { say, finish } = output(json);
  const listener = progress();
  const detector = await openDetector(await readModelFile(model), { threads, provider });
  const { predictions, failures } = await predictImages(detector, inputs, { out, listener });
  await detector.close();
  listener.end();

  const { threshold } = detector.description;
  await writeJson(join(out, "predictions.json"), { threshold, predictions, failures });
  for (const { file, score, anomalous } of predictions) {
    const verdict = anomalous === undefined ? "" : anomalous ? colours.red("  anomalous") : colours.green("  normal");
    say(`${score.toFixed(4)}${verdict}  ${file}`);
  }
  if (threshold) {
    const share = (100 * threshold.attainedRate).toFixed(1);
    say(`Threshold ${threshold.value.toFixed(4)}: about ${share} % of normal images are expected to reach it.`);
  } else {
    say("The model has no threshold (its run is unfinished, or had too few normal images): there are scores, but no verdicts.");
  }
  if (predictions.length > 0) say(`Heat maps: ${out}`);
  for (const { path, reason } of failures) console.error(`${colours.yellow("skipped:")} ${path}: ${reason}`);
  if (failures.length > 0 || predictions.length === 0) process.exitCode = 1;
  finish({ threshold, predictions, failures });
};
