/** What a JPEG file says before its picture: who wrote it, and how strongly it was compressed. */
export interface JpegSegments {
  /** Names of the application segments and comments, each once, in their order: "JFIF", "Exif", "ICC_PROFILE", "comment". */
  readonly names: readonly string[];
  /** The quality, 1 .. 100, whose luminance table of the Independent JPEG Group comes nearest; undefined without a table. */
  readonly quality: number | undefined;
  /** Whether it is exactly that table, and not one of a camera's or an editor's own. */
  readonly standardTable: boolean;
}

/**
 * Reads the segments of a JPEG file up to its first scan. Of a file that is cut short or damaged there, those before it are read.
 * Layout and tables: ITU-T T.81 (1992), annexes B and K.
 */
export const readJpegSegments = (bytes: Buffer): JpegSegments => {
  const names = new Set<string>();
  let table: Uint16Array | undefined;
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff; ) {
    const marker = bytes[at + 1];
    if (marker === 0xff) {
      at++; // fill bytes before a marker
      continue;
    }
    if (marker === 0xda || marker === 0xd9) break; // the scan, or the end
    const end = at + 2 + bytes.readUInt16BE(at + 2);
    const content = bytes.subarray(at + 4, end);
    if (marker >= 0xe0 && marker <= 0xef) names.add(applicationName(content, marker - 0xe0));
    if (marker === 0xfe) names.add("comment");
    if (marker === 0xdb) table ??= luminanceTable(content);
    at = end;
  }
  return { names: [...names], ...(table === undefined ? { quality: undefined, standardTable: false } : nearestQuality(table)) };
};

/** Applications begin their segments with a name that ends in a zero byte. */
const applicationName = (content: Buffer, number: number): string =>
  /^[\x20-\x7e]{2,64}/.exec(content.toString("latin1", 0, 64))?.[0] ?? `APP${number}`;

/** Table 0 of the quantisation tables in a segment, in the zigzag order of the file. */
const luminanceTable = (content: Buffer): Uint16Array | undefined => {
  for (let at = 0; at < content.length; ) {
    const [wide, number] = [content[at] >> 4 !== 0, content[at] & 15];
    const size = wide ? 128 : 64;
    if (at + 1 + size > content.length) return undefined;
    if (number === 0) {
      return Uint16Array.from({ length: 64 }, (_, i) => (wide ? content.readUInt16BE(at + 1 + 2 * i) : content[at + 1 + i]));
    }
    at += 1 + size;
  }
  return undefined;
};

/** Table K.1 of T.81, the luminance quantisation at quality 50, in zigzag order. */
const LUMINANCE = [
  16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61, 60, 57, 51,
  56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87, 95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92,
  101, 103, 99,
];

/** The table at a quality, as the Independent JPEG Group's library scales it (jcparam.c): S = 5000 / q below 50, else 200 - 2 q. */
const tableAt = (quality: number): number[] => {
  const scale = quality < 50 ? Math.floor(5000 / quality) : 200 - 2 * quality;
  return LUMINANCE.map((value) => Math.min(255, Math.max(1, Math.floor((value * scale + 50) / 100))));
};

const TABLES = Array.from({ length: 100 }, (_, i) => tableAt(i + 1));

const nearestQuality = (table: Uint16Array): Pick<JpegSegments, "quality" | "standardTable"> => {
  const distances = TABLES.map((standard) => standard.reduce((sum, value, i) => sum + Math.abs(value - table[i]), 0));
  const least = Math.min(...distances);
  return { quality: distances.indexOf(least) + 1, standardTable: least === 0 };
};
