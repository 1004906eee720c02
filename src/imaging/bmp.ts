/**
 * Decodes an uncompressed Windows bitmap with 1, 4, 8, 24 or 32 bits per pixel, which industrial cameras and some
 * data sets (BTAD) still write and which `sharp` cannot read. Layout: BITMAPFILEHEADER and BITMAPINFOHEADER,
 * Microsoft, "Bitmap Storage". The fourth byte of 32-bit pixels is unused in this format.
 */

export const isBmp = (bytes: Buffer): boolean => bytes.length >= 2 && bytes.toString("latin1", 0, 2) === "BM";

export interface BmpHeader {
  width: number;
  height: number;
  topDown: boolean;
  bitsPerPixel: number;
  pixelOffset: number;
  paletteOffset: number;
  paletteColours: number;
}

/** Reads the header; throws an Error that says what is wrong with the file (never naming it). */
export const readBmpHeader = (bytes: Buffer): BmpHeader => {
  if (bytes.length < 54) throw new Error("the bitmap's header is cut short");
  const headerSize = bytes.readUInt32LE(14);
  const width = bytes.readInt32LE(18);
  const signedHeight = bytes.readInt32LE(22);
  const bitsPerPixel = bytes.readUInt16LE(28);
  const compression = bytes.readUInt32LE(30);
  if (headerSize < 40 || width <= 0 || signedHeight === 0) throw new Error("the bitmap's header is damaged or too old");
  if (compression !== 0 || ![1, 4, 8, 24, 32].includes(bitsPerPixel)) {
    throw new Error(`bitmaps of ${bitsPerPixel} bits per pixel with compression ${compression} are not supported`);
  }
  return {
    width,
    height: Math.abs(signedHeight),
    topDown: signedHeight < 0,
    bitsPerPixel,
    pixelOffset: bytes.readUInt32LE(10),
    paletteOffset: 14 + headerSize,
    paletteColours: bitsPerPixel <= 8 ? bytes.readUInt32LE(46) || 2 ** bitsPerPixel : 0,
  };
};

/** The pixels as interleaved RGB, `[height, width, 3]`; throws an Error when the file is too short for its header. */
export const decodeBmpPixels = (bytes: Buffer, header: BmpHeader): Uint8Array => {
  const { width, height, bitsPerPixel, pixelOffset, paletteOffset, paletteColours } = header;
  const rowBytes = Math.ceil((width * bitsPerPixel) / 32) * 4;
  if (bytes.length < pixelOffset + rowBytes * height || bytes.length < paletteOffset + paletteColours * 4) {
    throw new Error("the bitmap's pixels are cut short");
  }
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const row = pixelOffset + rowBytes * (header.topDown ? y : height - 1 - y);
    for (let x = 0; x < width; x++) {
      let blue = row + (x * bitsPerPixel) / 8;
      if (bitsPerPixel <= 8) {
        const bit = x * bitsPerPixel;
        const index = (bytes[row + (bit >> 3)] >> (8 - bitsPerPixel - (bit & 7))) & (2 ** bitsPerPixel - 1);
        if (index >= paletteColours) throw new Error("the bitmap names a colour that its palette does not have");
        blue = paletteOffset + index * 4;
      }
      const target = (y * width + x) * 3;
      data[target] = bytes[blue + 2];
      data[target + 1] = bytes[blue + 1];
      data[target + 2] = bytes[blue];
    }
  }
  return data;
};
