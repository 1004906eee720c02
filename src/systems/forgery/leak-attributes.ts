import type { FileFacts } from "../../imaging/index.ts";

/** Something about a file that should not tell real images from forged ones. */
export type Attribute = NumberAttribute | NameAttribute;

interface Described {
  /** What it is called: "the compression". */
  readonly name: string;
}

interface NumberAttribute extends Described {
  /** Undefined where a file has no such number: such files are left out. */
  number(facts: FileFacts): number | undefined;
  /** What is said of images with values in a range: "are 256 pixels wide". */
  says(range: string): string;
}

interface NameAttribute extends Described {
  value(facts: FileFacts): string | undefined;
  /** What is said of images with this value: "are PNG files". */
  says(value: string): string;
}

const presence = (name: string, what: string, has: (facts: FileFacts) => boolean): NameAttribute => ({
  name,
  value: (facts) => (has(facts) ? "some" : "none"),
  says: (value) => (value === "some" ? `hold ${what}` : `lack ${what}`),
});

/** Bytes of a pixel may be compared within one format alone. */
const bytesPerPixel = ({ bytes, header }: FileFacts): number => bytes / (header.width * header.height);

export const attributes: readonly Attribute[] = [
  { name: "format", value: ({ header }) => header.format, says: (format) => `are ${format.toUpperCase()} files` },
  { name: "width", number: ({ header }) => header.width, says: (range) => `are ${range} pixels wide` },
  { name: "height", number: ({ header }) => header.height, says: (range) => `are ${range} pixels high` },
  { name: "shape", number: ({ header }) => header.width / header.height, says: (range) => `are ${range} times as wide as high` },
  { name: "bit depth", value: ({ header }) => String(header.bits), says: (bits) => `have ${bits} bits a channel` },
  {
    name: "colour mode",
    value: ({ header: { colour, alpha } }) => colour + (alpha ? " with opacity" : ""),
    says: (mode) => `store their colours as ${mode}`,
  },
  { name: "JPEG quality", number: ({ jpeg }) => jpeg?.quality, says: (range) => `have a JPEG quality of ${range}` },
  {
    name: "JPEG quantisation table",
    value: ({ jpeg }) => (jpeg === undefined ? undefined : jpeg.standardTable ? "standard" : "own"),
    says: (table) =>
      table === "own" ? "have a JPEG quantisation table of a camera or editor" : "have a standard JPEG quantisation table",
  },
  {
    name: "chroma subsampling",
    value: ({ chromaSubsampling }) => chromaSubsampling,
    says: (sampling) => `have colours subsampled as ${sampling}`,
  },
  {
    name: "scan order",
    value: ({ progressive }) => (progressive ? "progressive" : "sequential"),
    says: (order) => `are ${order}`,
  },
  ...["jpeg", "png", "webp", "avif", "tiff", "bmp", "gif"].map(
    (format): NumberAttribute => ({
      name: `${format.toUpperCase()} file size`,
      number: (facts) => (facts.header.format === format ? bytesPerPixel(facts) : undefined),
      says: (range) => `take ${range} bytes a pixel`,
    }),
  ),
  presence("colour profile", "a colour profile (ICC)", ({ header }) => header.profile),
  presence("EXIF data", "EXIF data", ({ exif }) => exif),
  presence("XMP data", "XMP data", ({ xmp }) => xmp),
  {
    name: "JPEG segments",
    value: ({ jpeg }) => jpeg && (jpeg.names.join(", ") || "none"),
    says: (names) => (names === "none" ? "have no named JPEG segments" : `have the JPEG segments ${names}`),
  },
  {
    name: "software tag",
    value: ({ software }) => software ?? "none",
    says: (software) => (software === "none" ? "name no software" : `were written by "${software}"`),
  },
];
