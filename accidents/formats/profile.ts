import type { Random } from "../../src/random/index.ts";
import { integer, pick, randomBytes } from "./format.ts";

const text = (value: string): Buffer => Buffer.from(value, "latin1");

/** The data of a tag: three numbers in 1 / 65536, and a curve of a few points. */
const xyz = (...values: readonly number[]): Buffer =>
  Buffer.concat([text("XYZ \0\0\0\0"), ...values.map((value) => integer(Math.round(value * 65_536), 4))]);
const curve = (claimed: number): Buffer =>
  Buffer.concat([text("curv\0\0\0\0"), integer(claimed, 4), ...[0, 20_000, 40_000, 65_535].map((value) => integer(value, 2))]);

/** A colour profile (ICC.1:2022, section 7) of primaries and curves: right in everything but one place, or noise. */
export const harmedProfile = (draw: Random): Buffer => {
  const lie = pick(draw, [
    "noise",
    "size",
    "number of tags",
    "place of a tag",
    "length of a tag",
    "points of a curve",
    "colour space",
    "cut",
  ]);
  if (lie === "noise") return randomBytes(draw, 600);
  const tags = ["wtpt", "rXYZ", "gXYZ", "bXYZ", "rTRC", "gTRC", "bTRC"];
  const huge = pick(draw, [2 ** 32 - 1, 2 ** 31, 100_000]);
  const points = curve(lie === "points of a curve" ? huge : 4);
  const primaries = [
    xyz(0.9642, 1, 0.8249),
    xyz(0.436, 0.2225, 0.0139),
    xyz(0.3851, 0.7169, 0.0971),
    xyz(0.1431, 0.0606, 0.7141),
  ];
  const data = [...primaries, points, points, points];
  const table: Buffer[] = [];
  let offset = 132 + 12 * tags.length;
  for (const [index, tag] of tags.entries()) {
    const harmed = index === tags.length - 1;
    const place = harmed && lie === "place of a tag" ? huge : offset;
    const length = harmed && lie === "length of a tag" ? huge : data[index].length;
    table.push(text(tag), integer(place, 4), integer(length, 4));
    offset += data[index].length;
  }
  const header = Buffer.alloc(128);
  header.writeUInt32BE(lie === "size" ? huge : offset, 0);
  header.write(`\x04\x30\0\0mntr${lie === "colour space" ? "CMYK" : "RGB "}XYZ `, 8, "latin1");
  header.write("acsp", 36, "latin1");
  const count = integer(lie === "number of tags" ? huge : tags.length, 4);
  const profile = Buffer.concat([header, count, ...table, ...data]);
  return lie === "cut" ? profile.subarray(0, draw.integer(100, profile.length - 1)) : profile;
};
