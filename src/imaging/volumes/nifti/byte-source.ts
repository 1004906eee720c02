import type { FileHandle } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import { ImageProblem } from "../../readable.ts";

/** The bytes of a file from its beginning on, unpacked if it is gzip. */
export interface ByteSource {
  /** The most bytes that may come. */
  readonly limit: number;
  /** The next so many bytes. @throws ImageProblem when the file ends before, or is damaged. */
  read(length: number): Promise<Buffer>;
  /** Passes over bytes without holding them. Errors as `read`. */
  skip(length: number): Promise<void>;
  /** The file itself stays open. */
  close(): void;
}

/** Deflate gives at most 258 bytes for two bits, so a file cannot hold more than about this factor. */
const MOST_UNPACKED = 1032;

export const byteSource = async (file: FileHandle, size: number): Promise<ByteSource> => {
  const start = Buffer.alloc(2);
  await file.read(start, 0, 2, 0);
  return start[0] === 0x1f && start[1] === 0x8b ? unpacking(file, size) : plain(file, size);
};

const plain = (file: FileHandle, size: number): ByteSource => {
  let position = 0;
  const advance = (length: number): void => {
    if (position + length > size) throw position > 0 ? cutShort() : noHeader();
    position += length;
  };
  return {
    limit: size,
    read: async (length) => {
      const from = position;
      advance(length);
      const bytes = Buffer.allocUnsafeSlow(length);
      for (let done = 0; done < length; ) {
        const { bytesRead } = await file.read(bytes, done, length - done, from + done);
        if (bytesRead === 0) throw cutShort();
        done += bytesRead;
      }
      return bytes;
    },
    skip: async (length) => advance(length),
    close: () => {},
  };
};

const unpacking = (file: FileHandle, size: number): ByteSource => {
  const packed = file.createReadStream({ start: 0, autoClose: false });
  const unpacked = packed.pipe(createGunzip());
  packed.on("error", (error) => unpacked.destroy(error));
  const chunks = unpacked[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let rest: Buffer = Buffer.alloc(0);

  /** Gives the next bytes, piece by piece. */
  const pass = async (length: number, use: (piece: Buffer) => void): Promise<void> => {
    for (let missing = length; missing > 0; ) {
      if (rest.length === 0) rest = await next();
      const piece = rest.subarray(0, missing);
      use(piece);
      missing -= piece.length;
      rest = rest.subarray(piece.length);
    }
  };
  const next = async (): Promise<Buffer> => {
    const chunk = await chunks.next().catch((error: NodeJS.ErrnoException) => {
      if (error.code === "Z_BUF_ERROR") throw cutShort();
      throw new ImageProblem(`it is damaged (${error.code ?? error.message}). Copy it again.`);
    });
    if (chunk.done) throw cutShort();
    return chunk.value;
  };
  return {
    limit: size * MOST_UNPACKED,
    read: async (length) => {
      const bytes = Buffer.allocUnsafeSlow(length);
      let done = 0;
      await pass(length, (piece) => {
        done += piece.copy(bytes, done);
      });
      return bytes;
    },
    skip: (length) => pass(length, () => {}),
    close: () => {
      packed.destroy();
      unpacked.destroy();
    },
  };
};

const noHeader = (): ImageProblem =>
  new ImageProblem("it is cut short, or not a NIfTI-1 file: it is shorter than a header. Copy it again.");

const cutShort = (): ImageProblem => new ImageProblem("it is cut short: it ends before its last voxel. Copy it again.");
