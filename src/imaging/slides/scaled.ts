import { createImage, type ImageOf } from "../image.ts";
import type { Slide, SlideRegion } from "./slide.ts";

/** Pixels of the result that are summed at a time, and the side of the blocks of the slide that are read for them. */
const BAND = 2 ** 20;
const BLOCK = 1024;

/** Levels are rounded to whole pixels: one that is coarser by less is still fine enough. */
const TOLERANCE = 1e-3;

/**
 * A region given in pixels of level 0, which need not be whole, as 8-bit RGB of `size`. Each pixel is the mean of what it covers, by area,
 * of the coarsest level that is fine enough (downsample at most region / size), and white beyond the border. Where size is larger than
 * the region, pixels are repeated. The slide is read in blocks, so that memory does not grow with the region.
 * @throws RangeError when a size is not positive; and what `read` throws.
 */
export const readScaled = async (
  slide: Slide,
  region: SlideRegion,
  size: { readonly width: number; readonly height: number },
): Promise<ImageOf<Uint8Array>> => {
  const { width, height } = size;
  const image = createImage(width, height);
  if (!(region.width > 0 && region.height > 0 && [region.x, region.y, region.width, region.height].every(Number.isFinite))) {
    throw new RangeError(`A region has a positive size, not ${region.width} x ${region.height} at ${region.x}, ${region.y}.`);
  }
  const level = levelFor(slide, Math.min(region.width / width, region.height / height));
  const { downsample } = slide.levels[level];
  const columns = coverage(region.x / downsample, region.width / downsample, width);
  const rows = coverage(region.y / downsample, region.height / downsample, height);
  if (columns.copies && rows.copies) return slide.read(level, { x: columns.first(0), y: rows.first(0), width, height });

  const bounds = slide.levels[level];
  const band = Math.max(1, Math.floor(BAND / width));
  for (let top = 0; top < height; top += band) {
    const bottom = Math.min(height, top + band);
    const sums = new Float32Array((bottom - top) * width * 3);
    for (const y of blocks(rows.first(top), rows.end(bottom - 1), bounds.height)) {
      for (const x of blocks(columns.first(0), columns.end(width - 1), bounds.width)) {
        const part = { x: x.start, y: y.start, width: x.end - x.start, height: y.end - y.start };
        addBlock(sums, top, bottom, columns, rows, await slide.read(level, part), part);
      }
    }
    for (let row = top; row < bottom; row++) {
      const outside = (column: number): number => 1 - columns.within(column, bounds.width) * rows.within(row, bounds.height);
      for (let column = 0; column < width; column++) {
        const white = 255 * outside(column);
        const to = (row * width + column) * 3;
        const from = ((row - top) * width + column) * 3;
        for (let channel = 0; channel < 3; channel++) image.data[to + channel] = Math.round(sums[from + channel] + white);
      }
    }
  }
  return image;
};

/** The coarsest level with a downsample of at most `scale`; level 0 where there is none. */
export const levelFor = ({ levels }: Slide, scale: number): number =>
  Math.max(
    0,
    levels.findLastIndex(({ downsample }) => downsample <= scale * (1 + TOLERANCE)),
  );

/** Which stored pixels, along one axis, the pixels of a result cover. */
interface Coverage {
  /** Whether each covers one of its own, exactly. */
  readonly copies: boolean;
  /** The first that pixel i covers, and the one after its last. */
  first(i: number): number;
  end(i: number): number;
  /** The share of pixel i that a stored pixel has. */
  share(i: number, stored: number): number;
  /** The share of pixel i that lies in 0 .. length. */
  within(i: number, length: number): number;
  /** The first pixel that covers a stored one, and the one after the last. */
  from(stored: number): number;
  to(stored: number): number;
}

/** Pixel i of `pixels` covers start + [i, i + 1] length / pixels. */
const coverage = (start: number, length: number, pixels: number): Coverage => {
  const step = length / pixels;
  const snap = (value: number): number => (Math.abs(value - Math.round(value)) < 1e-6 ? Math.round(value) : value); // rounding of floats
  const low = (i: number): number => snap(start + i * step);
  const shared = (i: number, from: number, to: number): number => {
    const [a, b] = [low(i), low(i + 1)];
    return Math.max(0, Math.min(b, to) - Math.max(a, from)) / (b - a);
  };
  return {
    copies: step === 1 && Number.isInteger(low(0)),
    first: (i) => Math.floor(low(i)),
    end: (i) => Math.ceil(low(i + 1)),
    share: (i, stored) => shared(i, stored, stored + 1),
    within: (i, length) => shared(i, 0, length),
    from: (stored) => Math.max(0, Math.floor((stored - start) / step - 1e-6)),
    to: (stored) => Math.min(pixels, Math.ceil((stored + 1 - start) / step + 1e-6)),
  };
};

/** The blocks that cover first .. end within 0 .. length; they begin at multiples of their size, as tiles do. */
const blocks = (first: number, end: number, length: number): { readonly start: number; readonly end: number }[] => {
  const [low, high] = [Math.max(0, first), Math.min(length, end)];
  const parts: { start: number; end: number }[] = [];
  for (let start = low; start < high; start = parts[parts.length - 1].end) {
    parts.push({ start, end: Math.min(high, (Math.floor(start / BLOCK) + 1) * BLOCK) });
  }
  return parts;
};

/** Adds what a block of the slide gives to the rows `top` .. `bottom` of the result: along each row first, then down. */
const addBlock = (
  sums: Float32Array,
  top: number,
  bottom: number,
  columns: Coverage,
  rows: Coverage,
  { width, height, data }: ImageOf<Uint8Array>,
  at: SlideRegion,
): void => {
  const [left, right] = [columns.from(at.x), columns.to(at.x + width - 1)];
  // Of result pixel i: where its stored pixels begin in a row, and after its last share.
  const begins = new Int32Array(right - left);
  const ends = new Int32Array(right - left);
  const shares: number[] = [];
  for (let i = 0; i < right - left; i++) {
    const start = Math.max(columns.first(left + i), at.x);
    const end = Math.min(columns.end(left + i), at.x + width);
    begins[i] = (start - at.x) * 3;
    for (let stored = start; stored < end; stored++) shares.push(columns.share(left + i, stored));
    ends[i] = shares.length;
  }
  const weights = Float64Array.from(shares);
  const across = sums.length / (bottom - top);
  const line = new Float64Array((right - left) * 3);
  for (let y = 0; y < height; y++) {
    for (let i = 0, k = 0; i < ends.length; i++) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let p = y * width * 3 + begins[i]; k < ends[i]; k++, p += 3) {
        const weight = weights[k];
        red += weight * data[p];
        green += weight * data[p + 1];
        blue += weight * data[p + 2];
      }
      line[i * 3] = red;
      line[i * 3 + 1] = green;
      line[i * 3 + 2] = blue;
    }
    for (let row = Math.max(top, rows.from(at.y + y)); row < Math.min(bottom, rows.to(at.y + y)); row++) {
      const share = rows.share(row, at.y + y);
      if (share === 0) continue;
      const to = (row - top) * across + left * 3;
      for (let i = 0; i < line.length; i++) sums[to + i] += share * line[i];
    }
  }
};
