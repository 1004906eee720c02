import { lightOf } from "../../srgb.ts";

/** Linear sRGB to XYZ seen under D50 (the primaries of IEC 61966-2-1, adapted by Bradford's matrix), and the white of D50. */
const XYZ = [
  [0.4360747, 0.3850649, 0.1430804],
  [0.2225045, 0.7168786, 0.0606169],
  [0.0139322, 0.0971045, 0.7141733],
];
const WHITE = [0.96422, 1, 0.82521];

/**
 * An sRGB colour, 0 .. 255, as DICOM writes CIELab: L* 0 .. 100, a* and b* -128 .. 127, each spread over 0 .. 65535
 * (PS3.3, C.10.7.1.1).
 */
export const labOf = (colour: readonly [number, number, number]): readonly [number, number, number] => {
  const light = colour.map((value) => lightOf(value / 255));
  const [x, y, z] = XYZ.map((row, i) => {
    const part = row.reduce((sum, weight, channel) => sum + weight * light[channel], 0) / WHITE[i];
    return part > 216 / 24389 ? Math.cbrt(part) : ((24389 / 27) * part + 16) / 116;
  });
  const spread = (value: number, low: number, range: number): number =>
    Math.min(65535, Math.max(0, Math.round(((value - low) / range) * 65535)));
  return [spread(116 * y - 16, 0, 100), spread(500 * (x - y), -128, 255), spread(200 * (y - z), -128, 255)];
};
