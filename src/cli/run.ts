import { stat } from "node:fs/promises";
import { systemNamed } from "../systems/registry.ts";
import { readJson, runFiles } from "../training/index.ts";
import { UsageError } from "./usage.ts";

export interface Run {
  readonly folder: string;
  readonly system: ReturnType<typeof systemNamed>;
  /** The images it was trained on. */
  readonly data: string;
}

/** A run folder, or undefined where the path is none. @throws UsageError when it does not exist. */
export const openRun = async (path: string): Promise<Run | undefined> => {
  const status = await stat(path).catch(() => {
    throw new UsageError(`"${path}" does not exist. Give a run folder or a model file.`);
  });
  if (!status.isDirectory()) return undefined;
  const { manifest, config } = runFiles(path);
  const [stored, settings] = [
    (await readJson(manifest)) as { system?: string; data?: string } | undefined,
    await readJson(config),
  ];
  if (stored?.system === undefined || stored.data === undefined || settings === undefined) return undefined;
  return { folder: path, system: systemNamed(stored.system), data: stored.data };
};

/** @throws UsageError listing the systems when there is none of that name. */
export const systemOrUsage = (name: string) => {
  try {
    return systemNamed(name);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
};
