import { readFileSync } from "node:fs";
import { mkdir, open, readFile, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
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
  const own: Holder = { process: process.pid, host: hostname(), born: birthOf(process.pid), since: new Date().toISOString() };
  for (let attempt = 1; !(await createLock(path, own)) || !(await stillOwn(path, own, attempt)); attempt++) {
    const holder = await liveHolder(path);
    if (holder !== undefined || attempt === 5) {
      const who = holder ? `process ${holder.process} on ${holder.host}, since ${holder.since}` : "someone else";
      throw new FolderInUseError(
        `The folder "${folder}" is in use (${who}). Wait until that run has ended, or choose another folder.`,
      );
    }
    await rm(path, { force: true });
  }
  const beat = setInterval(() => utimes(path, new Date(), new Date()).catch(() => undefined), SIGN_OF_LIFE_SECONDS * 1000);
  beat.unref();
  return {
    release: async () => {
      clearInterval(beat);
      await rm(path, { force: true });
    },
  };
};

/** False where there is a lock already. */
const createLock = async (path: string, holder: Holder): Promise<boolean> => {
  try {
    const file = await open(path, "wx");
    await file.writeFile(JSON.stringify(holder));
    await file.close();
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    throw writeFailure(path, error);
  }
};

/** After a dead holder's lock was taken over: two may have removed it at once, and the last one to write holds it. */
const stillOwn = async (path: string, own: Holder, attempt: number): Promise<boolean> => {
  if (attempt === 1) return true;
  await new Promise((resolve) => setTimeout(resolve, 100));
  return (await readFile(path, "utf8").catch(() => "")) === JSON.stringify(own);
};

/** Who holds the lock, or undefined where the holder is dead. A lock without content is one that is being written, or was when its writer died. */
const liveHolder = async (path: string): Promise<Holder | undefined> => {
  const [text, status] = await Promise.all([readFile(path, "utf8").catch(() => undefined), stat(path).catch(() => undefined)]);
  if (text === undefined || status === undefined) return undefined;
  const silentSeconds = (Date.now() - status.mtimeMs) / 1000;
  try {
    const holder = JSON.parse(text) as Holder;
    if (holder.host !== hostname()) return silentSeconds < SILENCE_SECONDS ? holder : undefined;
    return isRunning(holder.process) && birthOf(holder.process) === holder.born ? holder : undefined;
  } catch {
    if (silentSeconds < 1) await new Promise((resolve) => setTimeout(resolve, 200));
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
