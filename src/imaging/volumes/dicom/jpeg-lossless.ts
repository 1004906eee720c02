/** What a frame has to be. */
interface FrameSize {
  readonly columns: number;
  readonly rows: number;
  /** Of a number: 1 or 2. */
  readonly bytes: number;
}

/** Markers (ITU-T T.81, table B.1). */
const SOI = 0xd8;
const SOF3 = 0xc3;
const DHT = 0xc4;
const SOS = 0xda;
const DRI = 0xdd;
const EOI = 0xd9;

/**
 * Decodes lossless JPEG of one component with Huffman codes (ITU-T T.81, annex H, process 14, all seven predictors): each number is a
 * prediction from its neighbours plus a difference. Gives little-endian numbers. @throws Error or RangeError when it is damaged, cut short,
 * of another kind or size.
 */
export const decodeJpegLossless = (encoded: Buffer, size: FrameSize): Buffer => {
  if (encoded.readUInt16BE(0) !== 0xff00 + SOI) throw new Error("A frame is no JPEG.");
  const tables = new Map<number, HuffmanTable>();
  let precision = 0;
  let restart = 0;
  for (let at = 2; ; ) {
    while (encoded.readUInt8(at) === 0xff && encoded.readUInt8(at + 1) === 0xff) at++; // fill bytes
    if (encoded.readUInt8(at) !== 0xff) throw new Error("A JPEG frame is damaged.");
    const marker = encoded.readUInt8(at + 1);
    const length = encoded.readUInt16BE(at + 2);
    const segment = encoded.subarray(at + 4, at + 2 + length);
    at += 2 + length;
    if (marker === SOF3) {
      precision = segment.readUInt8(0);
      const [rows, columns, components] = [segment.readUInt16BE(1), segment.readUInt16BE(3), segment.readUInt8(5)];
      if (rows !== size.rows || columns !== size.columns || components !== 1) throw new Error("A frame has another size.");
      if (precision < 2 || precision > 8 * size.bytes) throw new Error(`A frame has ${precision} bits.`);
    } else if (marker >= 0xc0 && marker <= 0xcf && marker !== DHT) throw new Error("A frame is JPEG of another kind.");
    else if (marker === DHT) readTables(segment, tables);
    else if (marker === DRI) restart = segment.readUInt16BE(0);
    else if (marker === SOS) {
      if (precision === 0 || segment.readUInt8(0) !== 1) throw new Error("A JPEG frame is damaged.");
      const table = tables.get(segment.readUInt8(2) >> 4);
      const [predictor, shift] = [segment.readUInt8(3), segment.readUInt8(5) & 15];
      if (table === undefined || predictor < 1 || predictor > 7 || shift >= precision)
        throw new Error("A JPEG frame is damaged.");
      return decodeScan(bitsOf(encoded, at), { ...size, precision, restart, table, predictor, shift });
    } else if (marker === EOI) throw new Error("A JPEG frame has no pixels.");
  }
};

/** For each code length the first code, and where the values of that length begin (T.81, F.2.2.3). */
interface HuffmanTable {
  readonly first: readonly number[];
  readonly counts: readonly number[];
  readonly starts: readonly number[];
  readonly values: Buffer;
}

const readTables = (segment: Buffer, tables: Map<number, HuffmanTable>): void => {
  for (let at = 0; at < segment.length; ) {
    const id = segment.readUInt8(at) & 15;
    const counts = Array.from({ length: 16 }, (_, i) => segment.readUInt8(at + 1 + i));
    const [first, starts]: [number[], number[]] = [[], []];
    let [code, start] = [0, 0];
    for (const count of counts) {
      first.push(code);
      starts.push(start);
      code = (code + count) * 2;
      start += count;
    }
    tables.set(id, { first, counts, starts, values: segment.subarray(at + 17, at + 17 + start) });
    at += 17 + start;
  }
};

interface Bits {
  /** The next bits as a number, the highest first. */
  take(count: number): number;
  /** Passes over the rest of a byte and a restart marker. */
  restart(): void;
}

/** Of a scan, in which 0 follows each byte of 255. */
const bitsOf = (encoded: Buffer, start: number): Bits => {
  let [at, held, count] = [start, 0, 0];
  const take = (wanted: number): number => {
    let result = 0;
    for (let n = 0; n < wanted; n++) {
      if (count === 0) {
        held = encoded.readUInt8(at++);
        if (held === 0xff && encoded.readUInt8(at++) !== 0) throw new Error("A JPEG frame ends too early.");
        count = 8;
      }
      result = result * 2 + ((held >> --count) & 1);
    }
    return result;
  };
  return {
    take,
    restart: () => {
      count = 0;
      if (encoded.readUInt8(at) !== 0xff || (encoded.readUInt8(at + 1) & 0xf8) !== 0xd0)
        throw new Error("A JPEG frame is damaged.");
      at += 2;
    },
  };
};

interface Scan extends FrameSize {
  readonly precision: number;
  /** Numbers between restart markers; 0: none. */
  readonly restart: number;
  readonly table: HuffmanTable;
  readonly predictor: number;
  /** How many lowest bits were left out. */
  readonly shift: number;
}

const decodeScan = (bits: Bits, { columns, rows, bytes, precision, restart, table, predictor, shift }: Scan): Buffer => {
  const numbers = new Uint16Array(columns * rows);
  let line = 0; // the row in which prediction began anew
  for (let n = 0; n < numbers.length; n++) {
    const [x, y] = [n % columns, Math.floor(n / columns)];
    if (restart > 0 && n > 0 && n % restart === 0) {
      bits.restart();
      line = y;
    }
    const a = numbers[n - 1];
    const b = numbers[n - columns];
    const first = x === 0 && y === line;
    const predicted = first
      ? 2 ** (precision - shift - 1)
      : y === line
        ? a
        : x === 0
          ? b
          : predict(predictor, a, b, numbers[n - columns - 1]);
    numbers[n] = predicted + difference(bits, table); // modulo 2^16
  }
  const decoded = Buffer.alloc(numbers.length * bytes);
  for (let n = 0; n < numbers.length; n++) decoded.writeUIntLE((numbers[n] << shift) & (2 ** (8 * bytes) - 1), n * bytes, bytes);
  return decoded;
};

/** From the numbers to the left, above, and above to the left (T.81, table H.1). */
const predict = (predictor: number, a: number, b: number, c: number): number => {
  if (predictor === 1) return a;
  if (predictor === 2) return b;
  if (predictor === 3) return c;
  if (predictor === 4) return a + b - c;
  if (predictor === 5) return a + ((b - c) >> 1);
  if (predictor === 6) return b + ((a - c) >> 1);
  return (a + b) >> 1;
};

/** A Huffman code for how many bits follow, and the bits, whose first is 0 in negative numbers (T.81, H.1.2.2). */
const difference = (bits: Bits, { first, counts, starts, values }: HuffmanTable): number => {
  let code = 0;
  for (let length = 0; length < 16; length++) {
    code = code * 2 + bits.take(1);
    const place = code - first[length];
    if (place >= counts[length]) continue;
    const size = values.readUInt8(starts[length] + place);
    if (size === 0) return 0;
    if (size >= 16) return 32768;
    const value = bits.take(size);
    return value < 2 ** (size - 1) ? value - 2 ** size + 1 : value;
  }
  throw new Error("A JPEG frame is damaged.");
};
