import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { writeFileAtomic } from "./atomic.ts";

/** A file that was made or fetched once. */
export interface CachedFile {
  readonly bytes: Uint8Array;
  /** SHA-256 of the bytes: 64 hexadecimal digits. */
  readonly digest: string;
}

export interface CacheOptions {
  /** Where the file is kept; by default `cacheFolder()`. */
  readonly folder?: string;
}

/**
 * The folder for files that can be made or fetched again: `LYNCEUS_CACHE`, or else `lynceus` in `XDG_CACHE_HOME`, or else in the
 * system's own place for caches (`~/Library/Caches`, `LOCALAPPDATA`, `~/.cache`). It need not exist.
 */
export const cacheFolder = (environment: NodeJS.ProcessEnv = process.env, platform = process.platform): string => {
  const { LYNCEUS_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = environment;
  if (LYNCEUS_CACHE) return LYNCEUS_CACHE;
  if (XDG_CACHE_HOME) return join(XDG_CACHE_HOME, "lynceus");
  if (platform === "darwin") return join(homedir(), "Library", "Caches", "lynceus");
  if (platform === "win32" && LOCALAPPDATA) return join(LOCALAPPDATA, "lynceus", "Cache");
  return join(homedir(), ".cache", "lynceus");
};

/**
 * The file of that name in the cache folder, made where it is not there yet. Its SHA-256 is recorded beside it, in `<name>.json`, and
 * checked at every later reading. A folder that cannot be written to is no failure: the file is then made every time.
 * @throws Error when the file has changed since, unless `remake` says to make it again; and whatever `make` throws.
 */
export const cachedFile = async (
  name: string,
  make: () => Promise<Uint8Array>,
  { folder = cacheFolder(), remake = false }: CacheOptions & { readonly remake?: boolean } = {},
): Promise<CachedFile> => {
  const path = join(folder, name);
  const kept = await readKept(path);
  if (kept !== undefined && kept.digest === kept.recorded) return { bytes: kept.bytes, digest: kept.digest };
  if (kept !== undefined && !remake) throw damage(path, kept, "Delete it, and it is made again.");
  const bytes = await make();
  const made = { bytes, digest: sha256(bytes) };
  await keep(path, made);
  return made;
};

/** A file that is in the cache, and the digest recorded for it; empty where the record cannot be read. */
export interface KeptFile extends CachedFile {
  readonly recorded: string;
}

/** What is kept at the path; undefined where the file or its record is missing: its writer was killed between the two. */
export const readKept = async (path: string): Promise<KeptFile | undefined> => {
  const recorded = await recordedDigest(path);
  if (recorded === undefined) return undefined;
  const file = await readFile(path).catch(() => undefined);
  if (file === undefined) return undefined;
  const bytes = asBytes(file);
  return { bytes, digest: sha256(bytes), recorded };
};

/** The digest in the record beside the path: undefined where there is no record, empty where it cannot be read. */
export const recordedDigest = async (path: string): Promise<string | undefined> => {
  const text = await readFile(recordOf(path), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const { sha256 } = JSON.parse(text) as { sha256?: unknown };
    return typeof sha256 === "string" ? sha256 : "";
  } catch {
    return "";
  }
};

/** Writes a file, and after it its record. False where that cannot be done: the cache saves work, and nothing rests on it. */
export const keep = async (path: string, { bytes, digest }: CachedFile, origin: object = {}): Promise<boolean> => {
  try {
    await writeFileAtomic(path, bytes);
    await writeFileAtomic(
      recordOf(path),
      `${JSON.stringify({ sha256: digest, bytes: bytes.length, ...origin }, undefined, 2)}\n`,
    );
    return true;
  } catch {
    return false;
  }
};

/** The error for a kept file that is no longer what was recorded. */
export const damage = (path: string, { digest, recorded }: KeptFile, advice: string): Error =>
  new Error(
    `The file "${path}" in the cache is damaged: its SHA-256 is ${digest}, but ${recorded || "nothing readable"} is recorded in "${recordOf(path)}". ${advice}`,
  );

export const recordOf = (path: string): string => `${path}.json`;

/** SHA-256 in hexadecimal digits. */
export const sha256 = (data: Uint8Array | string): string => createHash("sha256").update(data).digest("hex");

/** A buffer as the plain array of bytes that it is: a Buffer's own `slice` would share memory. */
export const asBytes = ({ buffer, byteOffset, byteLength }: Buffer): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength);
