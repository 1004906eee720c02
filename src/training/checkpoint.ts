import { readFile } from "node:fs/promises";
import { exists, writeFileAtomic } from "../files/index.ts";
import type { Value } from "../runtime/index.ts";
import { foldsOfRun, type RunFiles } from "./run-folder.ts";

/** A checkpoint file that cannot be used; the message is a sentence for the user. */
export class CheckpointError extends Error {
  override name = "CheckpointError";
}

/**
 * Writes float32 tensors as a safetensors file (eight bytes of header length, a JSON header with type, shape and offsets
 * by name, then the raw values), whole or not at all. Any safetensors reader opens it.
 */
export const writeTensors = async (
  path: string,
  tensors: ReadonlyMap<string, Value>,
  metadata: Readonly<Record<string, string>>,
) => {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const [name, { data, shape }] of tensors) {
    if (!(data instanceof Float32Array)) throw new CheckpointError(`"${name}" is not float32.`);
    header[name] = { dtype: "F32", shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const text = Buffer.from(JSON.stringify(header));
  const padded = Buffer.concat([text, Buffer.alloc((8 - (text.length % 8)) % 8, " ")]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  const values = [...tensors.values()].map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  await writeFileAtomic(path, Buffer.concat([length, padded, ...values]));
};

/** Reads a safetensors file of float32 tensors. @throws CheckpointError naming the file when it is damaged. */
export const readTensors = async (path: string): Promise<{ tensors: Map<string, Value>; metadata: Record<string, string> }> => {
  const bytes = await readFile(path);
  try {
    const headerEnd = 8 + Number(bytes.readBigUInt64LE(0));
    const { __metadata__: metadata = {}, ...entries } = JSON.parse(bytes.toString("utf8", 8, headerEnd));
    const tensors = new Map<string, Value>();
    for (const [name, entry] of Object.entries(entries)) {
      const { dtype, shape, data_offsets: offsets } = entry as { dtype: string; shape: number[]; data_offsets: [number, number] };
      const size = shape.reduce((product, length) => product * length, 1);
      const values = bytes.subarray(headerEnd + offsets[0], headerEnd + offsets[1]);
      if (dtype !== "F32" || values.length !== 4 * size) throw new CheckpointError(`the tensor "${name}" is incomplete`);
      // Copied, because the file's bytes need not be aligned for Float32Array.
      tensors.set(name, { data: new Float32Array(Uint8Array.from(values).buffer), shape });
    }
    return { tensors, metadata };
  } catch (error) {
    throw new CheckpointError(`The checkpoint "${path}" is damaged (${(error as Error).message}). Delete it to start anew.`);
  }
};

/** The state of a run that has been trained for a while. @throws Error when there is none yet, CheckpointError when it is damaged. */
export const readLastState = async ({ folder, checkpoint }: RunFiles): Promise<Map<string, Value>> => {
  const { tensors } = await readTensors(checkpoint).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ENOENT" ? new Error(`"${folder}" holds neither a model nor a checkpoint yet: train it first.`) : error;
  });
  return tensors;
};

export const hasCheckpoint = ({ checkpoint }: RunFiles): Promise<boolean> => exists(checkpoint);

/** Whether there is anything to go on from: the run's checkpoint, or one of a network for its threshold. */
export const hasBegun = async (files: RunFiles): Promise<boolean> => {
  for (const { checkpoint } of [files, ...(await foldsOfRun(files))]) if (await exists(checkpoint)) return true;
  return false;
};

/** The run's checkpoint. @throws Error when it was trained from other settings or images than the digest stands for. */
export const requireCheckpointOf = async ({ checkpoint, folder }: RunFiles, digest: string) => {
  const stored = await readTensors(checkpoint);
  if (stored.metadata.digest === digest) return stored;
  throw new Error(
    `The checkpoint in "${folder}" belongs to other settings or other images. Resume with the settings and data it was started with, or train into a new folder.`,
  );
};
