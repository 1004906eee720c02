import { randomUUID } from "node:crypto";
import { access, type FileHandle, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

/**
 * Writes a whole file or nothing: to a temporary file in the same folder, flushed to the disk and then renamed, so that
 * a crash or a full disk never leaves half a file under the final name. Missing folders are created.
 * Throws an Error that names the file when it cannot be written; the previous file is then untouched.
 */
export const writeFileAtomic = async (path: string, data: Uint8Array | string): Promise<void> => {
  const file = await createFileAtomic(path);
  try {
    await file.write(typeof data === "string" ? Buffer.from(data) : data, 0);
    await file.finish();
  } finally {
    await file.discard();
  }
};

/** A file that is written piece by piece and stands under its name only when it is whole. */
export interface AtomicFile {
  /** Writes the bytes at a position of the file. */
  write(data: Uint8Array, position: number): Promise<void>;
  /** Flushes the file to the disk and gives it its name. */
  finish(): Promise<void>;
  /** Removes what was written; nothing happens after `finish`. */
  discard(): Promise<void>;
}

/**
 * Begins a file too large to be held whole, as `writeFileAtomic` would write it; end with `finish`, and with `discard` in any case.
 * All that is given throws an Error that names the file when it cannot be written.
 */
export const createFileAtomic = async (path: string): Promise<AtomicFile> => {
  const temporary = join(dirname(path), `.${randomUUID()}.tmp`);
  const named = <Result>(work: Promise<Result>): Promise<Result> =>
    work.catch((error: unknown) => {
      throw writeFailure(path, error);
    });
  await named(mkdir(dirname(path), { recursive: true }));
  const file = await named(open(temporary, "wx"));
  let pending = true;
  return {
    write: (data, position) => named(writeAll(file, data, position)),
    finish: async () => {
      await named(file.sync());
      await named(file.close());
      await named(rename(temporary, path));
      pending = false;
    },
    discard: async () => {
      if (!pending) return;
      pending = false;
      await file.close().catch(() => {});
      await rm(temporary, { force: true }).catch(() => {});
    },
  };
};

/** The system may take less than it is given at once. */
const writeAll = async (file: FileHandle, data: Uint8Array, position: number): Promise<void> => {
  for (let done = 0; done < data.length; ) {
    done += (await file.write(data, done, data.length - done, position + done)).bytesWritten;
  }
};

/** The sentence for a file that cannot be written. */
export const writeFailure = (path: string, error: unknown): Error => {
  const reason = (error as NodeJS.ErrnoException).code ?? error;
  return new Error(`Cannot write "${path}" (${reason}). Check that the folder can be written to and the disk is not full.`, {
    cause: error,
  });
};

/** Removes what writers left in a folder when they were killed. Only for a folder that nobody else is writing into. */
export const removeTemporaryFiles = async (folder: string): Promise<void> => {
  const names = await readdir(folder).catch(() => []);
  const left = names.filter((name) => /^\.[0-9a-f-]{36}\.tmp$/.test(name));
  await Promise.all(left.map((name) => rm(join(folder, name), { force: true })));
};

/** Whether there is something at the path. */
export const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
