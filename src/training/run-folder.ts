import { appendFile, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFailure, writeFileAtomic } from "../files/index.ts";

/** Where a run keeps what. A run folder explains itself: every file is text, a picture or a standard format. */
export const runFiles = (folder: string) => ({
  folder,
  config: join(folder, "config.json"),
  manifest: join(folder, "manifest.json"),
  metrics: join(folder, "metrics.jsonl"),
  checkpoint: join(folder, "checkpoints", "last.safetensors"),
  region: join(folder, "region.png"),
  folds: join(folder, "folds"),
  model: join(folder, "model.onnx"),
  evaluation: join(folder, "evaluation.json"),
  report: join(folder, "report.html"),
});

export type RunFiles = ReturnType<typeof runFiles>;

/** Takes away what an earlier training left, before another begins in its folder. */
export const removeModel = async ({ model, checkpoint, region, folds }: RunFiles): Promise<void> => {
  await Promise.all([model, checkpoint, region, folds].map((path) => rm(path, { force: true, recursive: true })));
};

/** The run folder of the network that is trained without one part of the images (from 1). */
export const foldFiles = ({ folds }: RunFiles, fold: number): RunFiles => runFiles(join(folds, String(fold)));

/** The folders of all such networks that there are. */
export const foldsOfRun = async ({ folds }: RunFiles): Promise<RunFiles[]> =>
  (await readdir(folds).catch((): string[] => [])).map((name) => runFiles(join(folds, name)));

export const writeJson = (path: string, value: unknown): Promise<void> =>
  writeFileAtomic(path, `${JSON.stringify(value, undefined, 2)}\n`);

/** Parsed JSON, or undefined where the file does not exist. @throws Error naming the file when it is not JSON. */
export const readJson = async (path: string): Promise<unknown> => {
  const text = await readIfPresent(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`"${path}" is not valid JSON: ${(error as Error).message}.`);
  }
};

const readIfPresent = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
};

/** One line of `metrics.jsonl`. `seconds` counts the training's time, over all its sessions. */
export interface MetricsLine {
  readonly step: number;
  readonly [measure: string]: number;
}

/** The lines written so far; a last line cut by a crash is left out. */
export const readMetrics = async (path: string): Promise<MetricsLine[]> => {
  const text = (await readIfPresent(path)) ?? "";
  return text.split("\n").flatMap((line) => {
    try {
      return [JSON.parse(line) as MetricsLine];
    } catch {
      return [];
    }
  });
};

/** A log that grows by lines. Opening it for a step forgets what was written beyond it, so a resumed run repeats nothing. */
export const openMetricsLog = async (path: string, lastStep: number) => {
  const kept = (await readMetrics(path)).filter(({ step }) => step <= lastStep);
  if (kept.length > 0) await writeFileAtomic(path, kept.map((line) => `${JSON.stringify(line)}\n`).join(""));
  else await rm(path, { force: true });
  await mkdir(join(path, ".."), { recursive: true });
  const append = (line: MetricsLine): Promise<void> =>
    appendFile(path, `${JSON.stringify(line)}\n`).catch((error: unknown) => {
      throw writeFailure(path, error);
    });
  return { lines: kept, append };
};
