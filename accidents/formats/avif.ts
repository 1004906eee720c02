import sharp from "sharp";
import { bad, type Encode, either, type Format, integer, type Lie, type Picture, patched, pick, randomBytes } from "./format.ts";

interface Box {
  readonly type: string;
  readonly start: number;
  readonly length: number;
  /** Where its content begins: boxes, for those that hold boxes. */
  readonly content: number;
}

/** Boxes that hold boxes, with the bytes before the first. */
const containers: Readonly<Record<string, number>> = { meta: 4, iprp: 0, ipco: 0 };

/** All boxes (ISO/IEC 14496-12, section 4.2), those inside others behind them. */
const boxesOf = (bytes: Buffer, from = 0, to = bytes.length): Box[] => {
  const boxes: Box[] = [];
  for (let start = from; start + 8 <= to; ) {
    const length = bytes.readUInt32BE(start);
    const type = bytes.toString("latin1", start + 4, start + 8);
    const content = start + 8 + (containers[type] ?? 0);
    boxes.push({ type, start, length, content });
    if (type in containers) boxes.push(...boxesOf(bytes, content, start + length));
    start += Math.max(8, length);
  }
  return boxes;
};

const boxOf = (bytes: Buffer, type: string): Box => boxesOf(bytes).find((box) => box.type === type)!;

/** The size in the picture's property "ispe". */
const withSize = (bytes: Buffer, width: number, height: number): Buffer =>
  patched(bytes, boxOf(bytes, "ispe").content + 4, Buffer.concat([integer(width, 4), integer(height, 4)]));

const renamed =
  (type: string, judge = bad): Lie =>
  (bytes) =>
    judge(patched(bytes, boxOf(bytes, type).start + 4, Buffer.from("qqqq")));

const lies: Record<string, Lie> = {
  size: (bytes, draw) =>
    either(withSize(bytes, pick(draw, [1, 39, 301, 9_900, 65_536, 2 ** 32 - 1]), pick(draw, [1, 39, 301, 9_900]))),
  "no size": (bytes) => either(withSize(bytes, 0, 0)),
  "size below the limit": (bytes) => either(withSize(bytes, 9_900, 9_900)),
  "length of a box": (bytes, draw) => {
    const box = pick(draw, boxesOf(bytes));
    return either(patched(bytes, box.start, integer(pick(draw, [0, 1, 4, 9, 2 ** 31, 2 ** 32 - 1]), 4)));
  },
  "place of the picture": (bytes, draw) => {
    const { start, length } = boxOf(bytes, "iloc");
    return either(patched(bytes, start + length - 8, integer(pick(draw, [0, 2 ** 31, 2 ** 32 - 1]), 4)));
  },
  "length of the picture": (bytes, draw) => {
    const { start, length } = boxOf(bytes, "iloc");
    return bad(patched(bytes, start + length - 4, integer(pick(draw, [0, 2 ** 31, 2 ** 32 - 1]), 4)));
  },
  "no configuration": renamed("av1C", either),
  "no properties": renamed("iprp"),
  "no place": renamed("iloc"),
  "no primary picture": renamed("pitm", either),
  brand: (bytes) => either(patched(bytes, 8, Buffer.from("qqqq"))),
  bits: (bytes, draw) => either(patched(bytes, boxOf(bytes, "av1C").content + 2, randomBytes(draw, 1))),
};

const raw = ({ width, height, data }: Picture) => sharp(data, { raw: { width, height, channels: 3 } });

const variants: Record<string, Encode> = {
  lossy: (image) => raw(image).avif({ effort: 0, chromaSubsampling: "4:2:0" }).toBuffer(),
  "full-colour": (image) => raw(image).avif({ effort: 0, chromaSubsampling: "4:4:4" }).toBuffer(),
};

export const avif: Format = {
  extension: ".avif",
  variants,
  structure: (bytes) => {
    const boxes = boxesOf(bytes);
    const { content, start, length } = boxOf(bytes, "mdat");
    const boundaries = boxes.flatMap((box) => [box.start, box.start + 4, box.content]);
    return { boundaries, header: [0, start], body: [content, start + length], needed: start + length };
  },
  lies,
  claimHugeSize: (bytes) => withSize(bytes, 100_000, 100_000),
  metadata: {
    "unknown box": (bytes, draw) => {
      const noise = randomBytes(draw, 300);
      return Buffer.concat([bytes, integer(8 + noise.length, 4), Buffer.from("free"), noise]);
    },
  },
};
