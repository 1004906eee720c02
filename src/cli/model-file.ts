import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { readModel } from "../graph/index.ts";
import type { System } from "../systems/system.ts";
import { UsageError } from "./usage.ts";

/**
 * The model behind a run folder or a file. Of a finished run it is a file as well, so the systems are loaded only for an unfinished
 * one: a prediction starts in half the time without them.
 */
export const readModelFile = async (path: string): Promise<Uint8Array> => {
  const status = await stat(path).catch(() => {
    throw new UsageError(`"${path}" does not exist. Give a run folder or a model file.`);
  });
  if (!status.isDirectory()) return requireModel(path, await readFile(path));
  const finished = await readFile(join(path, "model.onnx")).catch(() => undefined);
  if (finished !== undefined) return finished;
  const run = await (await import("./run.ts")).openRun(path);
  if (run === undefined)
    throw new UsageError(`"${path}" is a folder, but not a run folder: it lacks manifest.json or config.json.`);
  return run.system.rebuildModel(run.folder);
};

/** The system whose model this is, where it does more than detectors do; those load nothing here, and start sooner. */
export const systemOf = async (bytes: Uint8Array): Promise<System | undefined> => {
  const metadata = readModel(bytes).metadata["lynceus.system"];
  const name = ["grading", "forgery", "progression"].find((own) => metadata === JSON.stringify(own));
  return name === undefined ? undefined : (await import("../systems/registry.ts")).systemNamed(name);
};

/** @throws UsageError where the file is something else, such as an image. */
const requireModel = (path: string, bytes: Uint8Array): Uint8Array => {
  try {
    return readModel(bytes).model;
  } catch (error) {
    throw new UsageError(
      `"${path}" cannot be used as a model. Give a run folder or a model.onnx as the first argument. ${(error as Error).message}`,
    );
  }
};
