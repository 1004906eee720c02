import { type Precision, readDetector, reducePrecision, withThreshold } from "../detection/index.ts";
import { writeFileAtomic } from "../files/index.ts";
import { readModelFile, systemOf } from "./model-file.ts";
import { formatTable, interruptible, output, progress } from "./output.ts";
import { openRun } from "./run.ts";
import { type CommonOptions, UsageError } from "./usage.ts";

interface ExportCommand extends CommonOptions {
  readonly out: string;
  readonly precision: "fp32" | Precision;
  readonly data?: string;
  readonly threshold?: number;
}

export const exportModel = async (
  source: string,
  { out, precision, data: given, threshold: chosen, threads, workers, json }: ExportCommand,
): Promise<void> => {
  const { say, finish } = output(json);
  const full = await readModelFile(source);
  const own = await systemOf(full);
  const isDetector = own?.predict === undefined;
  if (own !== undefined && (precision !== "fp32" || (chosen !== undefined && !isDetector))) {
    const options = isDetector ? "--precision" : "--precision and --threshold";
    throw new UsageError(`A model of ${own.name} is exported as it is: leave out ${options}.`);
  }
  if (own !== undefined && !isDetector) {
    await writeFileAtomic(out, full);
    say(`Wrote ${out} (${(full.length / 2 ** 20).toFixed(1)} MB, ${own.name}).`);
    return finish({ model: out, bytes: full.length, system: own.name, precision });
  }
  const listener = progress();
  let reduced: Awaited<ReturnType<typeof reducePrecision>> | undefined;
  if (precision !== "fp32") {
    const data = given ?? (await openRun(source))?.data;
    if (data === undefined) {
      throw new UsageError(`--precision ${precision} needs the images that the model was trained on: --data DIR.`);
    }
    reduced = await reducePrecision(full, precision, { data, runtime: { threads }, workers, listener, signal: interruptible() });
    listener.end();
  }
  const measured = reduced?.bytes ?? full;
  const bytes = chosen === undefined ? measured : withThreshold(measured, chosen);
  const { system, threshold } = readDetector(bytes).description;
  await writeFileAtomic(out, bytes);
  if (reduced) say(`${reduced.comparison.title}\n${formatTable(reduced.comparison)}\n  ${reduced.comparison.note}`);
  say(`Wrote ${out} (${(bytes.length / 2 ** 20).toFixed(1)} MB, ${system}).`);
  if (threshold === undefined) say("It has no threshold: the run is unfinished, or had too few normal images.");
  finish({
    model: out,
    bytes: bytes.length,
    system,
    precision,
    threshold,
    metrics: reduced?.measures.reduced,
    fullMetrics: reduced?.measures.full,
    timeRatio: reduced?.timeRatio,
  });
};
