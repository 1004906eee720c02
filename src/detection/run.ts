import { readFile } from "node:fs/promises";
import { z } from "zod";
import { networkOf } from "../nn/index.ts";
import { type RunFiles, readJson, readLastState, runFiles } from "../training/index.ts";
import { writeDetector } from "./contract.ts";
import { describeDetector, type MethodConfig, type MethodOf } from "./method.ts";
import { regionOfRun } from "./region.ts";
import type { Settled } from "./settings.ts";

/** The configuration of a run folder. @throws Error when it is missing or does not fit this version. */
export const readConfig = async <Config>(folder: string, schema: z.ZodType<Config>): Promise<Config> => {
  const { config } = runFiles(folder);
  const stored = await readJson(config);
  if (stored === undefined) throw new Error(`"${folder}" holds no run: its config.json is missing.`);
  const parsed = schema.safeParse(stored);
  if (!parsed.success) throw new Error(`The settings in "${config}" do not fit this version:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
};

/**
 * The model of a run: the finished file, or, of an unfinished run, one from the last checkpoint. That one has no threshold, and
 * its scores are not standardised: both come from images at the end of a training.
 */
export const rebuildModel = async <Config extends MethodConfig>(
  folder: string,
  { schema, methodOf }: { readonly schema: z.ZodType<Config>; readonly methodOf: MethodOf<Config> },
): Promise<Uint8Array> => {
  const files = runFiles(folder);
  try {
    return await readFile(files.model);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const given = await readConfig(folder, schema);
  // A checkpoint is written after the settings are settled.
  const config = given as Settled<Config>;
  const method = await methodOf(given, {});
  await requireSameOrigin(method, files);
  const region = await regionOfRun(files, config.image.roi, config.image);
  const graph = method.unfinished(networkOf(await readLastState(files)), config, region);
  return writeDetector(graph, describeDetector(method, config, region, { ...method.provenance, unfinished: true }));
};

/** @throws Error when the weights were not learnt from what the method is made of now: from another teacher, say. */
const requireSameOrigin = async ({ provenance = {} }: { readonly provenance?: object }, { manifest, folder }: RunFiles) => {
  const begun = ((await readJson(manifest)) ?? {}) as Record<string, unknown>;
  for (const [name, now] of Object.entries(provenance)) {
    if (identityOf(begun[name]) === identityOf(now)) continue;
    throw new Error(`The run in "${folder}" was begun with another ${name}. Give it back the ${name} that it was begun with.`);
  }
};

/** What has a digest is the same under another name. */
const identityOf = (origin: unknown): string =>
  (origin as { readonly digest?: string } | undefined)?.digest ?? JSON.stringify(origin);
