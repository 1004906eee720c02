/**
 * Decodes a frame of DICOM's run lengths (PS3.5, annex G): a table of 64 bytes, then one PackBits segment for each byte of a number,
 * the highest first. Gives `count` little-endian numbers of `bytes` bytes. @throws RangeError or Error when it is damaged.
 */
export const decodeRle = (encoded: Buffer, count: number, bytes: number): Buffer => {
  const segments = encoded.readUInt32LE(0);
  if (segments !== bytes) throw new Error(`A frame has ${segments} segments instead of ${bytes}.`);
  // Two bytes give at most 128: what a small frame claims to unpack to is refused before memory is taken.
  if (count * bytes > encoded.length * 64) throw new Error("A frame is too short for its size.");
  const decoded = Buffer.alloc(count * bytes);
  for (let segment = 0; segment < segments; segment++) {
    let at = encoded.readUInt32LE(4 * (segment + 1));
    const place = bytes - 1 - segment;
    for (let n = 0; n < count; ) {
      const control = encoded.readInt8(at++);
      if (control >= 0) for (let end = n + control; n <= end; n++) decoded.writeUInt8(encoded.readUInt8(at++), n * bytes + place);
      else if (control > -128) {
        const value = encoded.readUInt8(at++);
        for (let end = n - control; n <= end; n++) decoded.writeUInt8(value, n * bytes + place);
      }
    }
  }
  return decoded;
};
