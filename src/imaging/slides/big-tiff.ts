/** A tag's values: whole numbers of 16, 32 or 64 bits, fractions or text. */
export interface TagValues {
  readonly type: "short" | "long" | "long8" | "rational" | "ascii";
  readonly values: ArrayLike<number> | string;
}

const TYPES = {
  ascii: { code: 2, size: 1 },
  short: { code: 3, size: 2 },
  long: { code: 4, size: 4 },
  rational: { code: 5, size: 8 },
  long8: { code: 16, size: 8 },
};

/** The first 16 bytes of a little-endian BigTIFF file, whose first directory lies at `first`. */
export const bigTiffHeader = (first: number): Buffer => {
  const header = Buffer.alloc(16);
  header.write("II+\0", "latin1");
  header.writeUInt16LE(8, 4); // bytes of a pointer
  header.writeBigUInt64LE(BigInt(first), 8);
  return header;
};

/** A directory of a BigTIFF file with what its tags point to, to be written at `at`. The next one, unless it is the `last`, follows at its end. */
export const bigTiffDirectory = (tags: ReadonlyMap<number, TagValues>, at: number, last: boolean): Buffer => {
  const sorted = [...tags].sort(([a], [b]) => a - b);
  const table = Buffer.alloc(8 + 20 * sorted.length + 8);
  table.writeBigUInt64LE(BigInt(sorted.length));
  const outside: Buffer[] = [];
  let end = at + table.length;
  for (const [i, [tag, { type, values }]] of sorted.entries()) {
    const bytes = bytesOf(type, values);
    const entry = 8 + 20 * i;
    table.writeUInt16LE(tag, entry);
    table.writeUInt16LE(TYPES[type].code, entry + 2);
    table.writeBigUInt64LE(BigInt(bytes.length / TYPES[type].size), entry + 4);
    if (bytes.length <= 8) bytes.copy(table, entry + 12);
    else {
      table.writeBigUInt64LE(BigInt(end), entry + 12);
      const padded = Buffer.concat([bytes], Math.ceil(bytes.length / 8) * 8);
      outside.push(padded);
      end += padded.length;
    }
  }
  table.writeBigUInt64LE(BigInt(last ? 0 : end), table.length - 8);
  return Buffer.concat([table, ...outside]);
};

const bytesOf = (type: TagValues["type"], values: TagValues["values"]): Buffer => {
  if (typeof values === "string") return Buffer.from(`${values}\0`);
  const { size } = TYPES[type];
  const bytes = Buffer.alloc(values.length * size);
  for (let i = 0; i < values.length; i++) {
    if (type === "long8") bytes.writeBigUInt64LE(BigInt(values[i]), i * size);
    else if (type === "rational") writeRational(bytes, values[i], i * size);
    else bytes.writeUIntLE(values[i], i * size, size);
  }
  return bytes;
};

/** As exact as 32 bits above and below the line allow. */
const writeRational = (bytes: Buffer, value: number, at: number): void => {
  const below = Math.max(1, Math.min(2 ** 31, Math.floor(2 ** 31 / value)));
  bytes.writeUInt32LE(Math.min(2 ** 32 - 1, Math.round(value * below)), at);
  bytes.writeUInt32LE(below, at + 4);
};
