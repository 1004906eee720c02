import { ImageProblem } from "./readable.ts";

export const isGif = (bytes: Buffer): boolean => bytes.toString("latin1", 0, 4) === "GIF8";

/**
 * Refuses a GIF file whose first frame reaches outside its screen: readers enlarge the picture then, whatever the limit was checked on.
 * Layout: CompuServe, "Graphics Interchange Format, version 89a", sections 18 to 20. @throws ImageProblem
 */
export const requireFrameInside = (bytes: Buffer): void => {
  const tableBytes = (packed: number): number => (packed & 0x80 ? 3 * 2 ** ((packed & 7) + 1) : 0);
  let at = 13 + tableBytes(bytes[10]);
  while (bytes[at] === 0x21) {
    at += 2;
    while (bytes[at] > 0) at += bytes[at] + 1; // sub-blocks, each with its length before it
    at++;
  }
  if (bytes[at] !== 0x2c || at + 9 > bytes.length) return; // cut short, which decoding says better
  const [left, top, width, height] = [1, 3, 5, 7].map((offset) => bytes.readUInt16LE(at + offset));
  if (left + width > bytes.readUInt16LE(6) || top + height > bytes.readUInt16LE(8)) {
    throw new ImageProblem("its first frame is larger than its screen. Save it again, as PNG.");
  }
};
