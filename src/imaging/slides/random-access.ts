import { ImageError } from "../image.ts";
import { openForReading, readFailure } from "../open.ts";
import { ImageProblem } from "../readable.ts";

/** A file that is read where it is needed. */
export interface RandomAccessFile {
  /** In bytes. */
  readonly size: number;
  /** That many bytes from a position. @throws ImageProblem when they are not all there, before anything is allocated. */
  read(position: number, length: number): Promise<Buffer>;
  close(): Promise<void>;
}

/** @throws ImageError that names the file when it cannot be opened or is empty. */
export const openRandomAccess = async (path: string): Promise<RandomAccessFile> => {
  const { file, size } = await openForReading(path, path);
  if (size === 0) {
    await file.close();
    throw new ImageError(path, "the file is empty. Copy it again or delete it.");
  }
  return {
    size,
    read: async (position, length) => {
      if (!(position >= 0 && length >= 0 && position + length <= size)) throw cutShort(position, length, size);
      const bytes = Buffer.allocUnsafeSlow(length);
      for (let done = 0; done < length; ) {
        const { bytesRead } = await file.read(bytes, done, length - done, position + done).catch((error: unknown) => {
          throw readFailure(path, error);
        });
        if (bytesRead === 0) throw cutShort(position, length, position + done);
        done += bytesRead;
      }
      return bytes;
    },
    close: () => file.close(),
  };
};

const cutShort = (position: number, length: number, size: number): ImageProblem =>
  new ImageProblem(
    `it is damaged or cut short: it speaks of ${length} bytes at ${position}, but ends at ${size}. Copy it again.`,
  );
