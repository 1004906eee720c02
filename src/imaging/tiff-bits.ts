import type { SampleData } from "./readable.ts";
import type { TiffPicture } from "./tiff.ts";
import { TAG } from "./tiff-tags.ts";

/** sharp makes signed 16-bit and half-precision grey unsigned, so they are read as the unsigned values of the same bits. */
const readAsBits = ({ bits, format }: TiffPicture): boolean => bits === 16 && format !== "unsigned";

/** The file, or a copy that calls its samples unsigned where they are read as bits. */
export const readableAsUnsigned = (bytes: Buffer, tiff: TiffPicture): Buffer => {
  if (!readAsBits(tiff)) return bytes;
  const copy = Buffer.from(bytes);
  const { all, placeOf, littleEndian } = tiff.tags;
  const place = placeOf(TAG.sampleFormat) ?? 0;
  for (const i of all(TAG.sampleFormat).keys()) copy[place + 2 * i + (littleEndian ? 0 : 1)] = 1;
  return copy;
};

/** The values that were read as bits. */
export const valuesOfBits = (data: SampleData, tiff: TiffPicture): SampleData => {
  if (!readAsBits(tiff)) return data;
  if (tiff.format === "float") {
    const values = new Float32Array(data.length);
    for (let i = 0; i < values.length; i++) values[i] = halfToNumber(data[i]);
    return values;
  }
  return new Int16Array(data.buffer as ArrayBuffer, data.byteOffset, data.length);
};

/** A number from the bits of its IEEE half: one of sign, five of exponent, ten of fraction. */
const halfToNumber = (bits: number): number => {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
};
