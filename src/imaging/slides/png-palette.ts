/**
 * A PNG file whose pixels name a palette's colours, as a grey one of the same samples: without its palette and what speaks of it. Layout:
 * a signature of 8 bytes, then chunks of length, name, data, and the checksum of name and data (W3C, PNG, 2003, 5.3).
 */
export const indicesAsGrey = (png: Buffer): Buffer => {
  const parts = [png.subarray(0, 8)];
  for (let at = 8; at + 12 <= png.length; ) {
    const end = at + 12 + png.readUInt32BE(at);
    const chunk = Buffer.from(png.subarray(at, end));
    const name = chunk.toString("latin1", 4, 8);
    if (name === "IHDR") {
      chunk[COLOUR_TYPE] = GREY;
      chunk.writeUInt32BE(crc32(chunk.subarray(4, -4)), chunk.length - 4);
    }
    if (KEPT.has(name)) parts.push(chunk);
    at = end;
  }
  return Buffer.concat(parts);
};

const KEPT = new Set(["IHDR", "IDAT", "IEND"]);
/** After length, name, width, height and depth. */
const COLOUR_TYPE = 17;
const GREY = 0;

/** CRC-32 as in PNG, 5.5: remainder by 0xedb88320, bits reversed. */
export const crc32 = (bytes: Uint8Array): number => {
  let rest = 0xffffffff;
  for (const byte of bytes) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (rest & 1 ? 0xedb88320 : 0);
  }
  return ~rest >>> 0;
};
