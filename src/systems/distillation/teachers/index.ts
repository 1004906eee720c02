import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { cachedFile, cacheFolder, fetchOnce } from "../../../files/index.ts";
import { readFunction } from "../../../graph/index.ts";
import type { Listener } from "../../../training/index.ts";
import type { Config } from "../config.ts";
import { objectronTrunk, TRUNK_SHA256 } from "./objectron.ts";

/** A pretrained network, as a file. */
export interface TeacherFile {
  /** What people know it by: without the way to it. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** SHA-256 of the bytes. */
  readonly digest: string;
  /** How it takes colours, unless the settings say otherwise. */
  readonly scaling: Exclude<Config["teacher"]["scaling"], "auto">;
}

/** The settings ask for a teacher that there is not, or that cannot be one. */
export class TeacherError extends Error {
  override readonly name = "TeacherError";
}

/** A cached trunk that this version would not write is made anew under another name. */
const OBJECTRON = { cache: `objectron-trunk-${TRUNK_SHA256.slice(0, 8)}.onnx`, scaling: "symmetric" } as const;

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EISDIR: "it is a folder",
  EACCES: "its permissions forbid it",
};

/**
 * The teacher of a name (`objectron`, which comes with the installation), an address or a path. What is fetched or converted is kept in the
 * cache folder, with its SHA-256, and checked ever after.
 * @throws TeacherError when there is no such file; Error, a sentence for the user, when it cannot be had otherwise.
 */
export const readTeacher = async (
  model: string,
  { listener, signal }: { readonly listener?: Listener; readonly signal?: AbortSignal } = {},
): Promise<TeacherFile> => {
  if (model === "objectron") {
    const { bytes, digest } = await cachedFile(OBJECTRON.cache, objectronTrunk, { remake: true });
    if (digest !== TRUNK_SHA256) {
      throw new Error(
        `The teacher in the cache, "${OBJECTRON.cache}" in "${cacheFolder()}", is another than this version makes: its SHA-256 is ${digest}. Delete it, and it is made again.`,
      );
    }
    return { name: model, bytes, digest, scaling: OBJECTRON.scaling };
  }
  if (/^[a-z]+:\/\//i.test(model)) {
    const text = "fetching the teacher, bytes";
    const onProgress = (done: number, total?: number) => listener?.({ kind: "count", text, done, total: total ?? done });
    const { bytes, digest } = await fetchOnce(model, { signal, onProgress, check: readFunction });
    return { name: basename(new URL(model).pathname) || new URL(model).hostname, bytes, digest, scaling: "imagenet" };
  }
  const bytes = await readFile(model).catch((error: NodeJS.ErrnoException) => {
    throw new TeacherError(
      `The teacher "${model}" cannot be read: ${UNREADABLE[error.code ?? ""] ?? error.code}. Give the path of an ONNX model, an address (https://...), or objectron.`,
    );
  });
  return { name: basename(model), bytes, digest: createHash("sha256").update(bytes).digest("hex"), scaling: "imagenet" };
};
