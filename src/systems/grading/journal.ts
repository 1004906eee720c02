import { type FileHandle, open } from "node:fs/promises";
import { promisify } from "node:util";
import { deflateRaw, inflateRaw } from "node:zlib";

const [pack, unpack] = [promisify(deflateRaw), promisify(inflateRaw)];

/** What was computed of a long piece of work, record by record, so that one that is interrupted goes on after the last whole record. */
export interface Journal {
  /** How many records were there when it was opened. */
  readonly count: number;
  /** The records that were there, in order. */
  records(): AsyncGenerator<Uint8Array>;
  append(record: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** Four bytes of length before each compressed record. */
const LENGTH = 4;

/**
 * Opens a journal of the work that `identity` stands for; one of other work, or a damaged end, is overwritten. A record is whole or not
 * there: what a crash cuts off is forgotten.
 */
export const openJournal = async (path: string, identity: string): Promise<Journal> => {
  const file = await open(path, "a+").then(async (made) => {
    await made.close();
    return open(path, "r+");
  });
  const header = Buffer.from(`${identity}\n`);
  const { size } = await file.stat();
  const begun = Buffer.alloc(header.length);
  await file.read(begun, 0, header.length, 0);
  const starts: number[] = [];
  let end = header.length;
  if (size < header.length || !begun.equals(header)) {
    await file.truncate(0);
    await file.write(header, 0, header.length, 0);
  } else {
    while (end + LENGTH <= size) {
      const next = end + LENGTH + (await lengthAt(file, end));
      if (next > size) break;
      starts.push(end);
      end = next;
    }
    await file.truncate(end);
  }
  return {
    count: starts.length,
    records: async function* () {
      for (const start of starts) {
        const packed = Buffer.alloc(await lengthAt(file, start));
        await file.read(packed, 0, packed.length, start + LENGTH);
        yield await unpack(packed);
      }
    },
    append: async (record) => {
      const packed = await pack(record, { level: 1 });
      const whole = Buffer.alloc(LENGTH + packed.length);
      whole.writeUInt32LE(packed.length);
      packed.copy(whole, LENGTH);
      await file.write(whole, 0, whole.length, end);
      end += whole.length;
    },
    close: () => file.close(),
  };
};

const lengthAt = async (file: FileHandle, position: number): Promise<number> => {
  const bytes = Buffer.alloc(LENGTH);
  await file.read(bytes, 0, LENGTH, position);
  return bytes.readUInt32LE();
};
