/**
 * Converts real pictures with ImageMagick to many kinds of file and compares what `decodeImage` and ImageMagick make of each.
 * Pictures are reduced to 512 pixels first. Run after `npm run build`, with ImageMagick 6 or 7:
 *
 *     node scripts/reference/compare-formats.mjs HOW_MANY_OF_EACH FOLDER...
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeImage } from "lynceus/imaging";

const kinds = [
  ["jpg", "-quality 90 -sampling-factor 4:4:4"],
  ["jpg", "-quality 85 -sampling-factor 4:2:0"],
  ["jpg", "-quality 75 -sampling-factor 4:2:2 -interlace JPEG"],
  ["jpg", "-colorspace Gray -quality 90"],
  ["jpg", "-colorspace CMYK -quality 90"],
  ["png", "-define png:color-type=2 -define png:bit-depth=8"],
  ["png", "-define png:color-type=2 -define png:bit-depth=16 -interlace PNG"],
  ["png", "-colorspace Gray -define png:color-type=0 -define png:bit-depth=16"],
  ["png", "-colorspace Gray -depth 4 -define png:color-type=0 -define png:bit-depth=4"],
  ["png", "-alpha set -channel A -evaluate set 60% +channel -define png:color-type=6 -define png:bit-depth=8"],
  ["png", "-colors 200 -define png:color-type=3"],
  ["webp", "-quality 80"],
  ["webp", "-define webp:lossless=true"],
  ["webp", "-alpha set -channel A -evaluate set 60% +channel -define webp:lossless=true"],
  ["gif", "-colors 256"],
  ["tiff", "-depth 8 -compress None"],
  ["tiff", "-depth 8 -compress LZW -endian MSB"],
  ["tiff", "-depth 16 -compress Zip -define tiff:predictor=2"],
  ["tiff", "-depth 16 -compress RLE -endian MSB"],
  ["tiff", "-depth 8 -compress JPEG -quality 85"],
  ["tiff", "-depth 16 -compress None -define tiff:tile-geometry=64x64"],
  ["tiff", "-depth 16 -compress None -interlace plane"],
  ["tiff", "-depth 32 -define quantum:format=floating-point -compress None"],
  ["tiff", "-colorspace Gray -depth 16 -compress LZW -define quantum:polarity=min-is-white"],
  ["tiff", "-threshold 50% -type bilevel -compress Group4"],
  ["tiff", "-colorspace CMYK -depth 8 -compress LZW"],
  ["bmp", ""],
  ["bmp", "-colors 256 -compress RLE"],
  ["bmp", "-colors 16 -type palette"],
  ["bmp", "-threshold 50% -type bilevel"],
  ["bmp", "-define bmp:subtype=RGB565"],
  ["bmp", "-alpha set -channel A -evaluate set 60% +channel"],
  ["bmp2", ""],
  ["avif", "-quality 80"],
];

const convert = (...options) => execFileSync("convert", options, { maxBuffer: 2 ** 30, stdio: ["ignore", "pipe", "ignore"] });
/** What ImageMagick reads, over black. It cuts when it writes 8 bits, so they are rounded here. */
const reference = (path, depth) => {
  const options = "-auto-orient -colorspace sRGB -background black -alpha remove -depth 16 -endian LSB rgb:-";
  const values = new Uint16Array(new Uint8Array(convert(`${path}[0]`, ...options.split(" "))).buffer);
  return depth === 16 ? values : Uint8Array.from(values, (value) => Math.round(value / 257));
};

const [count, ...folders] = process.argv.slice(2);
const pictures = folders.flatMap((folder) => {
  const found = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => /\.(jpe?g|png|tiff?|gif|bmp|webp)$/i.test(name));
  const step = Math.max(1, Math.floor(found.length / Number(count)));
  return found
    .sort()
    .filter((_, i) => i % step === 0)
    .slice(0, Number(count))
    .map((name) => join(folder, name));
});

const rows = new Map();
const compare = async (kind, path, depth) => {
  const row = rows.get(kind) ?? { kind, pictures: 0, exact: 0, worst: 0, "differing values": 0, values: 0, failed: 0 };
  rows.set(kind, row);
  try {
    const [{ data }, expected] = [await decodeImage(path, { depth }), reference(path, depth)];
    if (data.length !== expected.length) throw new Error(`${path}: ${data.length} values, not ${expected.length}`);
    let [worst, differing] = [0, 0];
    for (let i = 0; i < data.length; i++) {
      const difference = Math.abs(data[i] - expected[i]);
      if (difference > 0) differing++;
      if (difference > worst) worst = difference;
    }
    row.pictures++;
    row.values += data.length;
    row["differing values"] += differing;
    if (worst === 0) row.exact++;
    row.worst = Math.max(row.worst, worst);
  } catch (error) {
    row.failed++;
    console.error(kind, String(error.message ?? error).slice(0, 200));
  }
};

const folder = mkdtempSync(join(tmpdir(), "formats-"));
for (const picture of pictures) {
  await compare("as it is, 8", picture, 8);
  const base = join(folder, "base.png");
  try {
    convert(
      `${picture}[0]`,
      "-auto-orient",
      "-strip",
      "-resize",
      "512x512>",
      "-alpha",
      "off",
      "-set",
      "colorspace",
      "sRGB",
      `png48:${base}`,
    );
  } catch {
    console.error("ImageMagick cannot read", picture);
    continue;
  }
  for (const [kind, options] of kinds) {
    const file = join(folder, `file.${kind}`);
    try {
      convert(base, ...options.split(" ").filter(Boolean), `${kind}:${file}`);
    } catch {} // a warning ends it with an error too
    const depths = /depth=?\s?16|depth 32/.test(options) ? [8, 16] : [8];
    for (const depth of depths) await compare(`${kind} ${options}, ${depth}`, file, depth);
  }
}
rmSync(folder, { recursive: true });
console.table(
  [...rows.values()].map(({ values, ...row }) => ({
    ...row,
    "differing values": `${((100 * row["differing values"]) / values).toFixed(4)}%`,
  })),
);
