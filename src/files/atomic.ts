import { randomUUID } from "node:crypto";
import { access, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

/**
 * Writes a whole file or nothing: to a temporary file in the same folder, flushed to the disk and then renamed, so that
 * a crash or a full disk never leaves half a file under the final name. Missing folders are created.
 * Throws an Error that names the file when it cannot be written; the previous file is then untouched.
 */
export const writeFileAtomic = async (path: string, data: Uint8Array | string): Promise<void> => {
  const folder = dirname(path);
  const temporary = join(folder, `.${randomUUID()}.tmp`);
  try {
    await mkdir(folder, { recursive: true });
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw writeFailure(path, error);
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
