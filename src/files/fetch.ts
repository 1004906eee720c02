import { join } from "node:path";
import {
  asBytes,
  type CachedFile,
  type CacheOptions,
  cacheFolder,
  damage,
  keep,
  readKept,
  recordedDigest,
  recordOf,
  sha256,
} from "./cache.ts";

export interface FetchOptions extends CacheOptions {
  /** Ends the transfer; nothing is kept then. */
  readonly signal?: AbortSignal;
  /** Told the bytes that have arrived, and how many there will be where the server says so. */
  readonly onProgress?: (done: number, total: number | undefined) => void;
  /** The most bytes that are taken; by default 2 GB, where ONNX files end. */
  readonly largest?: number;
  /** Throws, with a sentence for the user, when the bytes are not what is wanted; nothing is kept then. */
  readonly check?: (bytes: Uint8Array) => void;
}

export interface FetchedFile extends CachedFile {
  /** Where it is kept; undefined where the cache folder cannot be written to. */
  readonly path: string | undefined;
}

const TWO_GIGABYTES = 2 ** 31 - 1;
const OTHERWISE = "or fetch the file in another way and give its path";

/**
 * The file at an address (`https:` or `http:`), fetched once and then read from the cache folder, without any request. The SHA-256 of
 * what came first is recorded beside it and checked ever after, also when the file was deleted and is fetched again. An address that
 * ends in `#sha256=<64 hexadecimal digits>` says itself what to expect. A folder that cannot be written to is no failure.
 * @throws Error, a sentence for the user, when the address is none, the file cannot be had whole, is a web page, has another digest, or
 * fails the check.
 */
export const fetchOnce = async (
  url: string,
  { folder = cacheFolder(), check, ...options }: FetchOptions = {},
): Promise<FetchedFile> => {
  const { address, stated } = readAddress(url);
  const path = join(folder, nameOf(address));
  const kept = await readKept(path);
  if (kept !== undefined) {
    const { bytes, digest, recorded } = kept;
    if (digest !== recorded) throw damage(path, kept, `Delete it, and it is fetched again from "${shown(address)}".`);
    if (stated !== undefined && digest !== stated) {
      throw new Error(
        `The file "${path}" was fetched from "${shown(address)}" and has the SHA-256 ${digest}, but the address says ${stated}. Check the digest, or delete the file to fetch it again.`,
      );
    }
    return { bytes, digest, path };
  }
  const bytes = await download(address, options);
  const digest = sha256(bytes);
  await requireDigest(digest, { stated, path, address });
  try {
    check?.(bytes);
  } catch (error) {
    throw new Error(
      `The file from "${shown(address)}" cannot be used: ${(error as Error).message} Check the address, ${OTHERWISE}.`,
      { cause: error },
    );
  }
  const isKept = await keep(path, { bytes, digest }, { url: shown(address), fetched: new Date().toISOString() });
  return { bytes, digest, path: isKept ? path : undefined };
};

/** What came must be what the address states or, of a file that was deleted, what came before. */
const requireDigest = async (
  digest: string,
  { stated, path, address }: { readonly stated: string | undefined; readonly path: string; readonly address: URL },
): Promise<void> => {
  if (stated !== undefined && digest !== stated) {
    throw new Error(
      `The file from "${shown(address)}" has the SHA-256 ${digest}, but the address says ${stated}: it is another file, or was changed. It is not used.`,
    );
  }
  const recorded = stated ?? (await recordedDigest(path));
  if (recorded && digest !== recorded) {
    throw new Error(
      `The file from "${shown(address)}" has changed: its SHA-256 is ${digest}, but ${recorded} was recorded when it was first fetched. If you trust it, delete "${recordOf(path)}".`,
    );
  }
};

const readAddress = (url: string): { address: URL; stated: string | undefined } => {
  const address = URL.canParse(url) ? new URL(url) : undefined;
  if (address === undefined || !/^https?:$/.test(address.protocol)) {
    throw new Error(`"${url}" is no address that a file can be fetched from. Give one that begins with https:// or http://.`);
  }
  if (address.username !== "" || address.password !== "") {
    throw new Error(`The address "${shown(address)}" holds a user name or a password. Leave them out, ${OTHERWISE}.`);
  }
  const stated = /^#sha256=([0-9a-f]{64})$/i.exec(address.hash)?.[1].toLowerCase();
  if (stated === undefined && address.hash !== "") {
    throw new Error(
      `The address "${shown(address)}" ends in "${address.hash}". After # it can state the file's digest: #sha256= and 64 hexadecimal digits.`,
    );
  }
  address.hash = "";
  return { address, stated };
};

/** The address for people: what follows the ? may be a secret. */
const shown = ({ origin, pathname }: URL): string => `${origin}${pathname}`;

/** Unique for the address, and ending as its file does. */
const nameOf = ({ href, pathname }: URL): string => {
  const last = pathname.slice(pathname.lastIndexOf("/") + 1).replace(/[^\w.-]+/g, "_");
  return `${sha256(href).slice(0, 32)}-${last.slice(-80)}`;
};

const download = async (address: URL, { signal, onProgress, largest = TWO_GIGABYTES }: FetchOptions): Promise<Uint8Array> => {
  const response = await request(address, signal);
  const length = response.headers.get("content-length");
  const total = length === null || response.headers.has("content-encoding") ? undefined : Number(length);
  const refusal = refusalOf(response) ?? (total !== undefined && total > largest ? tooLarge(largest) : undefined);
  if (refusal !== undefined) {
    response.body?.cancel().catch(() => undefined);
    throw failure(address, refusal);
  }
  const chunks: Uint8Array[] = [];
  let done = 0;
  try {
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      done += chunk.length;
      if (done > largest) break;
      onProgress?.(done, total);
    }
  } catch (error) {
    signal?.throwIfAborted();
    const arrived = `${done.toLocaleString("en")}${total === undefined ? "" : ` of ${total.toLocaleString("en")}`} bytes`;
    throw failure(address, `the transfer broke off after ${arrived}. Try again, ${OTHERWISE}.`, error);
  }
  if (done > largest) throw failure(address, tooLarge(largest));
  if (done === 0) throw failure(address, `the server sent an empty file. Check the address, ${OTHERWISE}.`);
  return asBytes(Buffer.concat(chunks));
};

const request = async (address: URL, signal: AbortSignal | undefined): Promise<Response> => {
  try {
    // Uncompressed, so that the length said and the bytes counted are the same thing.
    return await fetch(address, { signal, headers: { "accept-encoding": "identity" } });
  } catch (error) {
    signal?.throwIfAborted();
    const { code, message } = ((error as Error).cause ?? error) as NodeJS.ErrnoException;
    const unknown = code === "ENOTFOUND" || code === "EAI_AGAIN";
    const what = unknown ? "its host cannot be found, or this machine is offline" : "there is no connection to its host";
    throw failure(address, `${what} (${code ?? message}). Check the address and the network, ${OTHERWISE}.`, error);
  }
};

const refusalOf = ({ status, statusText, headers }: Response): string | undefined => {
  if (status !== 200) return `the server answered ${`${status} ${statusText}`.trim()}. Check the address, ${OTHERWISE}.`;
  if (!/^(text\/html|application\/xhtml\+xml)\b/i.test(headers.get("content-type") ?? "")) return undefined;
  return "the server sent a web page (text/html), not a file. Give the address behind the page's download link.";
};

const tooLarge = (largest: number): string => `it has more than the ${largest.toLocaleString("en")} bytes that are allowed.`;

const failure = (address: URL, reason: string, cause?: unknown): Error =>
  new Error(`Cannot fetch "${shown(address)}": ${reason}`, { cause });
