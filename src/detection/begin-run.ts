import { availableParallelism } from "node:os";
import { basename, resolve } from "node:path";
import type { Provider } from "../runtime/index.ts";
import {
  beginInFolder,
  digestOfCode,
  type Environment,
  environment,
  environmentChanges,
  hasCheckpoint,
  type Listener,
  type RunFiles,
  readJson,
  requireCheckpointOf,
  writeJson,
} from "../training/index.ts";
import type { Method, MethodConfig } from "./method.ts";
import { planTraining } from "./plan.ts";

interface BeginOptions<Config> {
  readonly data: string;
  readonly out: string;
  readonly config: Config;
  readonly resume?: boolean;
  readonly threads?: number;
  readonly provider?: Provider;
  readonly listener?: Listener;
}

/** Writes what a run is before anything slow, so that one killed at any moment can be resumed, and settles its settings. */
export const beginRun = async <Config extends MethodConfig>(
  method: Method<Config>,
  { data, out, config: given, threads = availableParallelism(), provider = "cpu", listener, ...options }: BeginOptions<Config>,
  files: RunFiles,
) => {
  const now = environment(threads, provider);
  const identity = { system: method.system, data: resolve(data), seed: given.seed, ...now, ...method.provenance };
  const resume = await beginInFolder(files, options.resume);
  // The configuration comes last and marks a run.
  if (!resume) {
    await writeJson(files.manifest, identity);
    await writeJson(files.config, given);
  }
  listener?.({ kind: "stage", text: "reading the data" });
  const plan = await planTraining(data, out, given, (config) => method.weightsOf(config));
  const begun = (await readJson(files.manifest)) as Partial<Environment>;
  if (resume) {
    if (await hasCheckpoint(files)) await requireCheckpointOf(files, plan.digest);
    for (const text of environmentChanges(begun, now)) listener?.({ kind: "warning", text });
  }
  for (const text of plan.warnings) listener?.({ kind: "warning", text });
  const manifest = {
    ...identity,
    ...begun,
    dataDigest: plan.dataDigest,
    codeDigest: await digestOfCode(),
    trainingImages: plan.training.length,
    validationImages: plan.validation.length,
  };
  await writeJson(files.manifest, manifest);
  await writeJson(files.config, plan.config);
  return { ...plan, resume, provenance: shareable(manifest) };
};

/** What may leave the machine inside a model file: the data's name without the way to it. */
const shareable = <Manifest extends { data: string }>(manifest: Manifest): Manifest => ({
  ...manifest,
  data: basename(manifest.data),
});
