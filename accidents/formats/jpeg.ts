import sharp from "sharp";
import {
  bad,
  type Encode,
  either,
  type Format,
  integer,
  type Lie,
  type Picture,
  patched,
  pick,
  randomBytes,
  spliced,
} from "./format.ts";
import { harmedProfile } from "./profile.ts";

interface Segment {
  readonly marker: number;
  readonly start: number;
  /** Behind the segment's parameters; behind the scan's data for SOS. */
  readonly end: number;
}

const SOS = 0xda;
const EOI = 0xd9;

/** The marker segments (ITU-T T.81, annex B); the data of a scan belong to its SOS. */
const segmentsOf = (bytes: Buffer): Segment[] => {
  const segments: Segment[] = [];
  for (let start = 2; start + 4 <= bytes.length && bytes[start + 1] !== EOI; ) {
    const marker = bytes[start + 1];
    let end = start + 2 + bytes.readUInt16BE(start + 2);
    if (marker === SOS) while (bytes[end] !== 0xff || bytes[end + 1] === 0 || (bytes[end + 1] & 0xf8) === 0xd0) end++;
    segments.push({ marker, start, end });
    start = end;
  }
  return segments;
};

const isFrame = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

const frameOf = (bytes: Buffer): number => segmentsOf(bytes).find(({ marker }) => isFrame(marker))!.start;
const findSegment = (bytes: Buffer, marker: number): Segment | undefined =>
  segmentsOf(bytes).find((segment) => segment.marker === marker);

/** How many blocks the frame has at its largest sampling factors: with more of them the data cannot suffice. */
const unitsOf = (bytes: Buffer): number => {
  const frame = frameOf(bytes);
  const sampling = Array.from({ length: bytes[frame + 9] }, (_, i) => bytes[frame + 11 + 3 * i]);
  const unitWidth = 8 * Math.max(...sampling.map((factors) => factors >> 4));
  const unitHeight = 8 * Math.max(...sampling.map((factors) => factors & 15));
  return Math.ceil(bytes.readUInt16BE(frame + 7) / unitWidth) * Math.ceil(bytes.readUInt16BE(frame + 5) / unitHeight);
};

const withSize = (bytes: Buffer, width: number, height: number) => {
  const changed = patched(bytes, frameOf(bytes) + 5, Buffer.concat([integer(height, 2), integer(width, 2)]));
  return width === 0 || height === 0 || unitsOf(changed) > unitsOf(bytes) ? bad(changed) : either(changed);
};

const sizeOf = (bytes: Buffer): [width: number, height: number] => {
  const frame = frameOf(bytes);
  return [bytes.readUInt16BE(frame + 7), bytes.readUInt16BE(frame + 5)];
};

const withoutSegments = (bytes: Buffer, gone: (marker: number) => boolean): Buffer =>
  segmentsOf(bytes)
    .filter(({ marker }) => gone(marker))
    .reduceRight((left, { start, end }) => spliced(left, start, end - start), bytes);

const lies: Record<string, Lie> = {
  size: (bytes, draw) => {
    const [width, height] = sizeOf(bytes);
    const other = pick(draw, [0, 1, 7, width * 2, height * 3, 9_000, 65_535]);
    return draw.integer(0, 1) === 0 ? withSize(bytes, other, height) : withSize(bytes, width, other);
  },
  "size below the limit": (bytes) => withSize(bytes, 9_900, 9_900),
  precision: (bytes, draw) => {
    const changed = patched(bytes, frameOf(bytes) + 4, Buffer.of(pick(draw, [0, 1, 7, 12, 16, 255])));
    return either(changed);
  },
  "number of components": (bytes, draw) => bad(patched(bytes, frameOf(bytes) + 9, Buffer.of(pick(draw, [0, 2, 5, 255])))),
  "sampling factors": (bytes, draw) => {
    const factors = pick(draw, [0x00, 0x01, 0x10, 0x51, 0x15, 0xff]);
    return bad(patched(bytes, frameOf(bytes) + 11, Buffer.of(factors)));
  },
  "quantisation table": (bytes) => bad(patched(bytes, frameOf(bytes) + 12, Buffer.of(3))),
  "kind of frame": (bytes, draw) => {
    const frame = frameOf(bytes);
    const kind = pick(draw, [0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc7, 0xc9, 0xca, 0xcb]);
    const changed = patched(bytes, frame + 1, Buffer.of(kind));
    return [0xc3, 0xc5, 0xc7, 0xcb].includes(kind) ? bad(changed) : either(changed);
  },
  "no quantisation tables": (bytes) => bad(withoutSegments(bytes, (marker) => marker === 0xdb)),
  "no Huffman tables": (bytes) => either(withoutSegments(bytes, (marker) => marker === 0xc4)),
  "no frame": (bytes) => bad(withoutSegments(bytes, isFrame)),
  "no scan": (bytes) => bad(withoutSegments(bytes, (marker) => marker === SOS)),
  "two frames": (bytes) => {
    const { start, end } = segmentsOf(bytes).find(({ marker }) => isFrame(marker))!;
    return bad(spliced(bytes, start, 0, bytes.subarray(start, end)));
  },
  "length of a segment": (bytes, draw) => {
    const { start } = pick(draw, segmentsOf(bytes));
    return either(patched(bytes, start + 2, integer(pick(draw, [0, 1, 2, 3, 65_535]), 2)));
  },
  "Huffman table of too many codes": (bytes) => {
    const table = findSegment(bytes, 0xc4);
    return table && bad(patched(bytes, table.start + 5, Buffer.alloc(16, 255)));
  },
  "restart interval": (bytes, draw) => {
    const interval = Buffer.concat([Buffer.of(0xff, 0xdd, 0, 4), integer(pick(draw, [1, 3, 65_535]), 2)]);
    return either(spliced(bytes, frameOf(bytes), 0, interval));
  },
  "end in the middle of the scan": (bytes) => {
    const { start, end } = findSegment(bytes, SOS)!;
    return bad(spliced(bytes, (start + end) >> 1, 0, Buffer.of(0xff, EOI)));
  },
  "scan of a missing component": (bytes) => bad(patched(bytes, findSegment(bytes, SOS)!.start + 5, Buffer.of(77))),
};

const segment = (marker: number, data: Uint8Array): Buffer =>
  Buffer.concat([Buffer.of(0xff, marker), integer(data.length + 2, 2), data]);

const inserted = (bytes: Buffer, marker: number, data: Uint8Array): Buffer => spliced(bytes, 2, 0, segment(marker, data));

/** EXIF of one entry, the orientation, whose directory names itself as the next. */
const loopingExif = (orientation: number): Buffer =>
  Buffer.concat([
    Buffer.from("Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", "latin1"),
    integer(orientation, 4, "little"),
    integer(8, 4, "little"),
  ]);

const raw = ({ width, height, data }: Picture) => sharp(data, { raw: { width, height, channels: 3 } });

const variants: Record<string, Encode> = {
  baseline: (image) => raw(image).jpeg({ quality: 85 }).toBuffer(),
  "full-colour": (image) => raw(image).jpeg({ quality: 95, chromaSubsampling: "4:4:4" }).toBuffer(),
  progressive: (image) => raw(image).jpeg({ progressive: true }).toBuffer(),
  grey: (image) => raw(image).toColourspace("b-w").jpeg().toBuffer(),
  cmyk: (image) => raw(image).toColourspace("cmyk").jpeg().toBuffer(),
  rotated: (image) => raw(image).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
};

export const jpeg: Format = {
  extension: ".jpg",
  variants,
  structure: (bytes) => {
    const segments = segmentsOf(bytes);
    const end = segments.at(-1)!.end;
    const boundaries = segments.flatMap(({ start }) => [start, start + 2, start + 4]);
    const start = findSegment(bytes, SOS)!.start;
    return { boundaries: [2, ...boundaries, end], header: [0, start + 14], body: [start + 14, end], needed: end };
  },
  lies,
  claimHugeSize: (bytes) => withSize(bytes, 65_535, 65_535).bytes,
  metadata: {
    "EXIF of noise": (bytes, draw) => inserted(bytes, 0xe1, Buffer.concat([Buffer.from("Exif\0\0"), randomBytes(draw, 500)])),
    "EXIF that loops": (bytes) => inserted(bytes, 0xe1, loopingExif(1)),
    "EXIF of an impossible orientation": (bytes, draw) => inserted(bytes, 0xe1, loopingExif(pick(draw, [0, 9, 255, 65_535]))),
    "harmed colour profile": (bytes, draw) =>
      inserted(bytes, 0xe2, Buffer.concat([Buffer.from("ICC_PROFILE\0\x01\x01", "latin1"), harmedProfile(draw)])),
    "colour profile of missing parts": (bytes, draw) =>
      inserted(bytes, 0xe2, Buffer.concat([Buffer.from("ICC_PROFILE\0\x03\xff", "latin1"), randomBytes(draw, 500)])),
    "XMP of noise": (bytes, draw) =>
      inserted(bytes, 0xe1, Buffer.concat([Buffer.from("http://ns.adobe.com/xap/1.0/\0"), randomBytes(draw, 500)])),
    "long comment": (bytes) => inserted(bytes, 0xfe, Buffer.alloc(65_533, 0xff)),
  },
};
