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

interface Parts {
  /** Where blocks begin. */
  readonly blocks: readonly number[];
  /** The first image descriptor. */
  readonly frame: number;
  /** The code size byte of the first frame and what is behind its last sub-block. */
  readonly data: readonly [start: number, end: number];
}

const colourTableBytes = (packed: number): number => (packed & 0x80 ? 3 * 2 ** ((packed & 7) + 1) : 0);

/** Walks the blocks (GIF89a specification, section 17 ff.) up to the trailer. */
const partsOf = (bytes: Buffer): Parts => {
  const blocks: number[] = [];
  let frame = 0;
  let data: [number, number] = [0, 0];
  let at = 13 + colourTableBytes(bytes[10]);
  const behindSubBlocks = (start: number): number => {
    let next = start;
    while (bytes[next] !== 0) next += bytes[next] + 1;
    return next + 1;
  };
  while (at < bytes.length && bytes[at] !== 0x3b) {
    blocks.push(at);
    if (bytes[at] === 0x21) {
      at = behindSubBlocks(at + 2);
      continue;
    }
    const start = at + 10 + colourTableBytes(bytes[at + 9]);
    const end = behindSubBlocks(start + 1);
    if (frame === 0) [frame, data] = [at, [start, end]];
    at = end;
  }
  return { blocks, frame, data };
};

const little = (value: number): Buffer => integer(value, 2, "little");

const lies: Record<string, Lie> = {
  "screen size": (bytes, draw) => {
    const [width, height] = pick(draw, [
      [0, 0],
      [1, 1],
      [65_535, 1],
      [1, 65_535],
      [3_000, 3_000],
    ] as const);
    return either(patched(bytes, 6, Buffer.concat([little(width), little(height)])));
  },
  "frame size": (bytes, draw) => {
    const size = pick(draw, [0, 1, 2_000, 9_900, 65_535]);
    const changed = patched(bytes, partsOf(bytes).frame + 5, Buffer.concat([little(size), little(size)]));
    return size > 300 ? bad(changed) : either(changed);
  },
  "frame position": (bytes, draw) => {
    const place = pick(draw, [39, 1_000, 65_535]);
    return either(patched(bytes, partsOf(bytes).frame + 1, Buffer.concat([little(place), little(place)])));
  },
  "code size": (bytes, draw) => {
    const [start] = partsOf(bytes).data;
    const size = pick(draw, [0, 1, 11, 12, 13, 255]);
    const changed = patched(bytes, start, Buffer.of(size));
    return size > 12 ? bad(changed) : either(changed);
  },
  "no colour table": (bytes) => either(patched(bytes, 10, Buffer.of(bytes[10] & 0x7f))),
  "length of a sub-block": (bytes, draw) =>
    either(patched(bytes, partsOf(bytes).data[0] + 1, Buffer.of(pick(draw, [0, 1, 254, 255])))),
  "no frame": (bytes) => bad(Buffer.concat([bytes.subarray(0, partsOf(bytes).blocks[0]), Buffer.of(0x3b)])),
  "unknown block": (bytes, draw) => either(patched(bytes, pick(draw, partsOf(bytes).blocks), Buffer.of(0x99))),
  interlacing: (bytes) => either(patched(bytes, partsOf(bytes).frame + 9, Buffer.of(bytes[partsOf(bytes).frame + 9] ^ 0x40))),
};

const withExtension = (bytes: Buffer, label: number, data: Uint8Array): Buffer => {
  const blocks = [];
  for (let at = 0; at < data.length; at += 255) {
    const block = data.subarray(at, at + 255);
    blocks.push(Buffer.of(block.length), block);
  }
  return spliced(bytes, partsOf(bytes).blocks[0], 0, Buffer.concat([Buffer.of(0x21, label), ...blocks, Buffer.of(0)]));
};

const animated: Encode = ({ width, height, data }, others) => {
  const frames = Buffer.concat([data, ...others.map((other) => other.data)]);
  const pages = 1 + others.length;
  return sharp(frames, { raw: { width, height: height * pages, channels: 3, pageHeight: height } })
    .gif()
    .toBuffer();
};

const still = ({ width, height, data }: Picture) => sharp(data, { raw: { width, height, channels: 3 } });

export const gif: Format = {
  extension: ".gif",
  variants: {
    still: (image) => still(image).gif().toBuffer(),
    "few-colours": (image) => still(image).gif({ colours: 4 }).toBuffer(),
    animated,
  },
  structure: (bytes) => {
    const { blocks, frame, data } = partsOf(bytes);
    return { boundaries: [6, 13, ...blocks, frame + 10, ...data], header: [0, data[0] + 1], body: data, needed: data[1] };
  },
  lies,
  claimHugeSize: (bytes) => {
    const most = Buffer.alloc(4, 0xff);
    return patched(patched(bytes, 6, most), partsOf(bytes).frame + 5, most);
  },
  metadata: {
    "comment of noise": (bytes, draw) => withExtension(bytes, 0xfe, randomBytes(draw, 2000)),
    "application extension of noise": (bytes, draw) => withExtension(bytes, 0xff, randomBytes(draw, 300)),
    "unknown extension": (bytes, draw) => withExtension(bytes, 0x77, randomBytes(draw, 300)),
    "impossible proportions": (bytes) => patched(bytes, 12, Buffer.of(255)),
    "impossible background": (bytes) => patched(bytes, 11, Buffer.of(255)),
  },
};
