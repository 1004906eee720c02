import { join } from "node:path";
import { exists } from "../../files/index.ts";
import { type Affine, createVolume, pixelAreaOf, type SkippedFile } from "../../imaging/index.ts";
import type { Value } from "../../runtime/index.ts";
import { digestOf, type Listener, readTensors, writeTensors } from "../../training/index.ts";
import type { TrainingStudy } from "./batches.ts";
import { type Config, configSchema, type ModelConfig } from "./config.ts";
import type { StudySource } from "./data.ts";
import { standardised } from "./standardise.ts";
import { openStudy, referenceOf, sequencesOf } from "./study.ts";

interface Watch {
  readonly listener?: Listener;
  readonly signal?: AbortSignal;
}

/**
 * What the training studies decide where the configuration leaves it open: the sequences that all of them have, T1 first, and the pixel, the
 * median of their references'.
 * @throws Error where they have no sequence in common.
 */
export const decidedBy = async (studies: readonly StudySource[], config: Config): Promise<ModelConfig> => {
  const sequences = config.sequences ?? (await commonSequences(studies));
  if (config.pixel !== undefined) return inOrder({ ...config, sequences, pixel: config.pixel });
  const pixels: number[] = [];
  for (const study of studies) {
    const reference = await referenceOf(study, sequences[0]).catch(() => undefined); // said when the study is opened
    if (reference) pixels.push(Math.sqrt(pixelAreaOf(reference.grid)));
  }
  const pixel = pixels.sort((a, b) => a - b)[Math.floor(pixels.length / 2)];
  if (pixel === undefined) throw new Error(`No training study has a readable sequence ${sequences[0]}. Check sequences.`);
  return inOrder({ ...config, sequences, pixel: Number(pixel.toPrecision(4)) });
};

/** As it is read from a run's `config.json`, so that both have one digest. */
const inOrder = (config: ModelConfig): ModelConfig => configSchema.parse(config) as ModelConfig;

const commonSequences = async (studies: readonly StudySource[]): Promise<string[]> => {
  const lists: string[][] = [];
  for (const study of studies) lists.push(await sequencesOf(study));
  const common = lists[0].filter((name) => lists.every((own) => own.includes(name)));
  if (common.length === 0) {
    throw new Error(
      `The training studies have no sequence in common: ${studies[0].name} has ${lists[0].join(", ")}. Name files alike, or set sequences.`,
    );
  }
  const isFirst = (name: string): number => (name.toUpperCase() === "T1" ? 0 : 1);
  return common.sort((a, b) => isFirst(a) - isFirst(b) || (a < b ? -1 : 1));
};

/**
 * Opens, registers and standardises the studies to learn from, and keeps them in the folder, so that a training that goes on need not do it again. A study
 * that cannot be used is left out and named in `skipped`.
 */
export const trainingStudies = async (
  sources: readonly StudySource[],
  config: ModelConfig,
  folder: string,
  digest: string,
  { listener, signal }: Watch = {},
): Promise<{ readonly studies: readonly TrainingStudy[]; readonly skipped: readonly SkippedFile[] }> => {
  const { sequences, classes, registration, pixel } = config;
  const of = digestOf(JSON.stringify([digest, sequences, classes, registration, pixel]));
  const studies: TrainingStudy[] = [];
  const skipped: SkippedFile[] = [];
  for (const [index, source] of sources.entries()) {
    signal?.throwIfAborted();
    try {
      const path = join(folder, `${index}.safetensors`);
      const kept = await keptStudy(path, of);
      if (kept) studies.push(kept);
      else {
        const { channels, labels } = await openStudy(source, { sequences, classes, registration, pixel, signal });
        const study = { channels: channels.map(standardised), labels: labels as TrainingStudy["labels"] };
        await keepStudy(path, study, of);
        studies.push(study);
      }
    } catch (error) {
      signal?.throwIfAborted();
      const reason = (error as Error).message;
      skipped.push({ path: source.folder, reason });
      listener?.({ kind: "warning", text: `${source.name} is left out: ${reason}` });
    }
    listener?.({ kind: "count", text: "registering training studies", done: index + 1, total: sources.length });
  }
  return { studies, skipped };
};

/** A prepared study as a file of tensors: `channels` [sequences, slices, height, width] and `labels` [slices, height, width]. */
const keepStudy = (path: string, { channels, labels }: TrainingStudy, of: string): Promise<void> => {
  const { width, height, slices, affine } = labels;
  const joined = new Float32Array(channels.length * labels.data.length);
  for (const [c, { data }] of channels.entries()) joined.set(data, c * data.length);
  const shape = [slices, height, width];
  const tensors = new Map<string, Value>([
    ["channels", { data: joined, shape: [channels.length, ...shape] }],
    ["labels", { data: Float32Array.from(labels.data), shape }],
  ]);
  return writeTensors(path, tensors, { of, affine: JSON.stringify(affine) });
};

const keptStudy = async (path: string, of: string): Promise<TrainingStudy | undefined> => {
  const kept = (await exists(path)) ? await readTensors(path).catch(() => undefined) : undefined;
  const [channels, labels] = [kept?.tensors.get("channels"), kept?.tensors.get("labels")];
  if (kept?.metadata.of !== of || channels === undefined || labels === undefined) return undefined;
  const [slices, height, width] = labels.shape;
  const grid = { width, height, slices, affine: JSON.parse(kept.metadata.affine) as Affine };
  const size = labels.data.length;
  const part = (c: number): Float32Array => (channels.data as Float32Array).subarray(c * size, (c + 1) * size);
  return {
    channels: Array.from({ length: channels.shape[0] }, (_, c) => createVolume(grid, part(c))),
    labels: createVolume(grid, Uint8Array.from(labels.data as Float32Array)),
  };
};
