import { readFile } from "node:fs/promises";
import { z } from "zod";
import { regionOfRun, writeDetector } from "../../detection/index.ts";
import { frozen, networkOf } from "../../nn/index.ts";
import { readJson, readTensors, runFiles } from "../../training/index.ts";
import { type Config, configSchema, type ModelConfig } from "./config.ts";
import { detector, imageScoreOf } from "./detector.ts";

/** The configuration of a run folder. @throws Error when it is missing or does not fit this version. */
export const readConfig = async (folder: string): Promise<Config> => {
  const { config } = runFiles(folder);
  const stored = await readJson(config);
  if (stored === undefined) throw new Error(`"${folder}" holds no run: its config.json is missing.`);
  const parsed = configSchema.safeParse(stored);
  if (!parsed.success) throw new Error(`The settings in "${config}" do not fit this version:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
};

/**
 * The model of a run: the finished file, or, of an unfinished run, one from the last checkpoint. That one has no threshold, and
 * its scores are not standardised: both come from images at the end of a training.
 */
export const rebuildModel = async (folder: string): Promise<Uint8Array> => {
  const files = runFiles(folder);
  try {
    return await readFile(files.model);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const stored = (await readConfig(folder)) as ModelConfig;
  const config = { ...stored, score: { ...stored.score, standardise: false } };
  const { tensors } = await readTensors(files.checkpoint).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ENOENT" ? new Error(`"${folder}" holds neither a model nor a checkpoint yet: train it first.`) : error;
  });
  const description = {
    system: "denoising",
    preprocess: config.image,
    imageScore: imageScoreOf(config),
    config,
    threshold: undefined,
    provenance: { unfinished: true },
  };
  const region = await regionOfRun(files, config.image.roi, config.image);
  return writeDetector(detector(frozen(networkOf(tensors)), config, undefined, region), description);
};
