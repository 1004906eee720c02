import { encodedLight, lightOf } from "./srgb.ts";

/**
 * Profiles that describe a colour space by a curve for each channel and, for RGB, the colours of its primaries: those of cameras,
 * screens and editors. Their conversion to sRGB is written out here for 16-bit values, which the route through libvips
 * does not keep. Layout and formulas: ICC.1:2010, sections 7.2, 10.5 (curveType), 10.15 (parametricCurveType) and F.3.
 */
export interface Profile {
  /** For each channel, the linear light of the values 0 .. 65535, in 0 .. 1. */
  readonly curves: readonly Float64Array[];
  /** From the profile's linear RGB to that of sRGB, row by row; undefined for grey. */
  readonly matrix: Matrix | undefined;
}

type Matrix = readonly [number, number, number, number, number, number, number, number, number];

/** From XYZ under D50, the illuminant of profiles, to linear sRGB: inverse of its primaries (IEC 61966-2-1) adapted by Bradford. */
const SRGB_OF_XYZ: Matrix = [
  3.1341359, -1.6173863, -0.4906619, -0.9787955, 1.9162546, 0.0334427, 0.0719554, -0.2289768, 1.4053861,
];

/** What a profile may differ from sRGB in light, so that it is sRGB: the rounding of its numbers and of tables for its curve. */
const SAME = 0.002;

/** The profile; undefined when it is of another kind, or damaged. */
export const readProfile = (bytes: Buffer): Profile | undefined => {
  try {
    const tags = new Map<string, Buffer>();
    for (let entry = 0; entry < bytes.readUInt32BE(128); entry++) {
      const at = 132 + 12 * entry;
      const from = bytes.readUInt32BE(at + 4);
      tags.set(bytes.toString("latin1", at, at + 4), bytes.subarray(from, from + bytes.readUInt32BE(at + 8)));
    }
    if (bytes.toString("latin1", 20, 24) !== "XYZ " || tags.has("A2B0")) return undefined;
    const space = bytes.toString("latin1", 16, 20);
    const curves = (space === "GRAY" ? ["kTRC"] : ["rTRC", "gTRC", "bTRC"]).map((name) => readCurve(tags.get(name)!));
    if (space === "GRAY") return { curves, matrix: undefined };
    const [red, green, blue] = ["rXYZ", "gXYZ", "bXYZ"].map((name) => [8, 12, 16].map((at) => fixed(tags.get(name)!, at)));
    return space === "RGB " ? { curves, matrix: toSrgbMatrix(red, green, blue) } : undefined;
  } catch {
    return undefined;
  }
};

const fixed = (bytes: Buffer, at: number): number => bytes.readInt32BE(at) / 65536;

const toSrgbMatrix = (red: number[], green: number[], blue: number[]): Matrix =>
  [0, 3, 6].flatMap((row) =>
    [red, green, blue].map((primary) => primary.reduce((sum, value, i) => sum + SRGB_OF_XYZ[row + i] * value, 0)),
  ) as unknown as Matrix;

/** The curve at every 16-bit value. */
const readCurve = (bytes: Buffer): Float64Array => {
  const curve = bytes.toString("latin1", 0, 4) === "curv" ? tabulated(bytes) : parametric(bytes);
  return Float64Array.from({ length: 65536 }, (_, value) => Math.min(Math.max(curve(value / 65535), 0), 1));
};

const tabulated = (bytes: Buffer): ((x: number) => number) => {
  const count = bytes.readUInt32BE(8);
  if (count === 0) return (x) => x;
  if (count === 1) return (x) => x ** (bytes.readUInt16BE(12) / 256);
  const table = Array.from({ length: count }, (_, i) => bytes.readUInt16BE(12 + 2 * i) / 65535);
  return (x) => {
    const position = x * (count - 1);
    const lower = Math.min(Math.floor(position), count - 2);
    return table[lower] + (position - lower) * (table[lower + 1] - table[lower]);
  };
};

const parametric = (bytes: Buffer): ((x: number) => number) => {
  const type = bytes.readUInt16BE(8);
  if (bytes.toString("latin1", 0, 4) !== "para" || type > 4) throw new Error("an unknown curve");
  const given = Array.from({ length: [1, 3, 4, 5, 7][type] }, (_, i) => fixed(bytes, 12 + 4 * i));
  const [g, a = 1, b = 0] = given;
  const power = (x: number): number => Math.max(a * x + b, 0) ** g;
  if (type === 0) return power;
  if (type === 1) return (x) => (x >= -b / a ? power(x) : 0);
  if (type === 2) return (x) => (x >= -b / a ? power(x) + given[3] : given[3]);
  const [, , , c, d, e = 0, f = 0] = given;
  return (x) => (x >= d ? power(x) + e : c * x + f);
};

const isSrgb = ({ curves, matrix = [1, 0, 0, 0, 1, 0, 0, 0, 1] }: Profile): boolean =>
  matrix.every((value, i) => Math.abs(value - (i % 4 === 0 ? 1 : 0)) < SAME) &&
  curves.every((curve) => curve.every((light, value) => Math.abs(light - lightOf(value / 65535)) < SAME));

/**
 * Replaces the colours of `data`, `[pixels, channels]` of 16 bits, grey or RGB first, by those of sRGB; colours that sRGB does not
 * have are clipped. Values under an sRGB profile stay as they are, to the last bit.
 */
export const convertToSrgb = (data: Uint16Array, channels: number, profile: Profile): void => {
  if (isSrgb(profile)) return;
  const { curves, matrix } = profile;
  const encode = (light: number): number => Math.round(65535 * encodedLight(Math.min(Math.max(light, 0), 1)));
  if (matrix === undefined) {
    const table = curves[0].map(encode);
    for (let at = 0; at < data.length; at += channels) data[at] = table[data[at]];
    return;
  }
  for (let at = 0; at < data.length; at += channels) {
    const [red, green, blue] = [curves[0][data[at]], curves[1][data[at + 1]], curves[2][data[at + 2]]];
    for (let row = 0; row < 3; row++) {
      data[at + row] = encode(matrix[3 * row] * red + matrix[3 * row + 1] * green + matrix[3 * row + 2] * blue);
    }
  }
};
