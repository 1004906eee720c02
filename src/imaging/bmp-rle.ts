interface RunLengthPicture {
  readonly width: number;
  readonly height: number;
  readonly bits: 4 | 8;
  readonly topDown: boolean;
}

/**
 * Palette positions `[height, width]` from a bitmap's run lengths of 8 or 4 bits (Microsoft, "Bitmap Compression"). A pair (n, v) is n
 * pixels of v, of 4 bits its two halves in turn; (0, 0) ends a row, (0, 1) the picture, (0, 2) dx dy moves on, and (0, n)
 * precedes n pixels as they are, filled up to an even number of bytes. Skipped pixels are 0; what lies beyond a row is dropped.
 * @throws Error when the pairs end before the picture does.
 */
export const decodeRunLengths = (bytes: Uint8Array, { width, height, bits, topDown }: RunLengthPicture): Uint8Array => {
  const positions = new Uint8Array(width * height);
  let [x, y, at] = [0, 0, 0];
  const put = (value: number): void => {
    if (x < width) positions[(topDown ? y : height - 1 - y) * width + x] = value;
    x++;
  };
  const half = (byte: number, i: number): number => (i % 2 === 0 ? byte >> 4 : byte & 15);
  const valueAt = (start: number, i: number): number => (bits === 8 ? bytes[start + i] : half(bytes[start + (i >> 1)], i));

  while (y < height) {
    const [count, value] = [bytes[at], bytes[at + 1]];
    at += 2;
    if (value === undefined) {
      if (y === height - 1 && x >= width) break;
      throw new Error("the bitmap's pixels are cut short");
    }
    if (count > 0) {
      for (let i = 0; i < count; i++) put(bits === 8 ? value : half(value, i));
    } else if (value === 0) {
      [x, y] = [0, y + 1];
    } else if (value === 1) {
      break;
    } else if (value === 2) {
      if (at + 2 > bytes.length) throw new Error("the bitmap's pixels are cut short");
      [x, y, at] = [x + bytes[at], y + bytes[at + 1], at + 2];
    } else {
      const length = Math.ceil((value * bits) / 8);
      if (at + length > bytes.length) throw new Error("the bitmap's pixels are cut short");
      for (let i = 0; i < value; i++) put(valueAt(at, i));
      at += length + (length % 2);
    }
  }
  return positions;
};
