import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { link, mkdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { writeFailure } from "./atomic.ts";

/** Someone else is writing into the folder; the message is a sentence for the user. */
export class FolderInUseError extends Error {
  override readonly name = "FolderInUseError";
}

interface Holder {
  readonly process: number;
  readonly host: string;
  /** When the process started, as the system counts it: another process may get the number of a dead one. */
  readonly born: string;
  readonly since: string;
}

const SIGN_OF_LIFE_SECONDS = 10;
/** A holder on another machine that has given no sign of life for so long is dead. */
const SILENCE_SECONDS = 60;

/**
 * Keeps other processes from writing into the folder until it is released, by a file `run.lock` that names the holder. A lock whose
 * process is dead (after kill -9) is taken over; one of another machine, when it has given no sign of life for a minute.
 * @throws FolderInUseError naming the holder.
 */
export const holdFolder = async (folder: string): Promise<{ release(): Promise<void> }> => {
  await mkdir(folder, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`The folder "${folder}" cannot be made (${error.code}). Choose one that can be written to.`, {
      cause: error,
    });
  });
  const path = join(folder, "run.lock");
  const own = JSON.stringify({
    process: process.pid,
    host: hostname(),
    born: birthOf(process.pid),
    since: new Date().toISOString(),
    key: randomUUID(),
  } satisfies Holder & { key: string });
  for (let attempt = 1; !(await createLock(path, own)); attempt++) {
    const text = await readFile(path, "utf8").catch(() => undefined);
    if (text === undefined) continue; // released meanwhile
    const holder = await living(path, text);
    if (holder !== undefined || attempt > 20) {
      const who = holder ? `process ${holder.process} on ${holder.host}, since ${holder.since}` : "someone else";
      throw new FolderInUseError(
        `The folder "${folder}" is in use (${who}). Wait until that run has ended, or choose another folder.`,
      );
    }
    await removeLock(path, text);
  }
  const beat = setInterval(() => utimes(path, new Date(), new Date()).catch(() => undefined), SIGN_OF_LIFE_SECONDS * 1000);
  beat.unref();
  return {
    release: async () => {
      clearInterval(beat);
      await removeLock(path, own);
    },
  };
};

/** Writes the lock whole or not at all; false where there is one already. */
const createLock = async (path: string, text: string): Promise<boolean> => {
  const written = besides(path);
  try {
    await writeFile(written, text, { flag: "wx" });
    await link(written, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw writeFailure(path, error);
  } finally {
    await rm(written, { force: true });
  }
};

/** Removes the lock of that content; one that somebody else has put there since is put back. */
const removeLock = async (path: string, text: string): Promise<void> => {
  const aside = besides(path);
  try {
    await rename(path, aside);
  } catch {
    return; // somebody else was first
  }
  if ((await readFile(aside, "utf8").catch(() => text)) !== text) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
};

const besides = (path: string): string => join(dirname(path), `.${randomUUID()}.tmp`);

/** The holder, or undefined where it is dead. */
const living = async (path: string, text: string): Promise<Holder | undefined> => {
  try {
    const holder = JSON.parse(text) as Holder;
    if (holder.host === hostname()) {
      return isRunning(holder.process) && birthOf(holder.process) === holder.born ? holder : undefined;
    }
    const silentSeconds = (Date.now() - (await stat(path)).mtimeMs) / 1000;
    return silentSeconds < SILENCE_SECONDS ? holder : undefined;
  } catch {
    return undefined;
  }
};

const isRunning = (process_: number): boolean => {
  try {
    process.kill(process_, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
};

/** Start of a process in ticks since boot (fields 3 and 22 of proc(5)'s stat); empty where the system does not tell. */
const birthOf = (process_: number): string => {
  try {
    const text = readFileSync(`/proc/${process_}/stat`, "utf8");
    const [state, ...fields] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? "dead" : fields[18];
  } catch {
    return "";
  }
};
