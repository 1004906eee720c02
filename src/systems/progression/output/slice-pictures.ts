import {
  createImage,
  type ImageOf,
  type LabelVolume,
  orientationOf,
  percentiles,
  reoriented,
  spacingOf,
  type Volume,
} from "../../../imaging/index.ts";
import { vesselClasses, WALL } from "../measurement/index.ts";
import { classColours } from "./class-colours.ts";

/** Pixels of a picture for a mm, and along its longer side at most. */
const SHARPEST = 12;
const LONGEST = 480;
/** Pixels of an outline. */
const LINE = 2;
/** Around what is labelled: in mm, or as a part of its longer side where that is more. */
const MARGIN = { least: 5, part: 0.15 };
/** Values of the image that are looked at for its range of greys, and the percentiles that become black and white. */
const SAMPLES = 200_000;
const RANGE = [0.5, 99.5] as const;

/** How much of its slices a study's pictures show, in mm. */
export interface Extent {
  readonly width: number;
  readonly height: number;
}

/** A study's slices as pictures: all of the same part, at the same scale and range of greys. */
export interface SlicePictures {
  /** Those with a class other than the background, by their numbers in the volume, from its first to its last. */
  readonly labelled: readonly number[];
  readonly extent: Extent;
  /** Of each picture, in pixels. */
  readonly width: number;
  readonly height: number;
  plain(slice: number): ImageOf<Uint8Array>;
  /** With a thin line within each class along its rim; of the wall where it meets the background only. */
  outlined(slice: number): ImageOf<Uint8Array>;
}

/**
 * Looks at slices as radiologists do (axial: the patient's left to the right, the front up), at what is labelled and its surroundings, the
 * whole slice where nothing is. Pixels and class borders are interpolated linearly.
 * @param extent to be shown at least; default: what the labels need.
 */
export const slicePictures = (
  reference: Volume,
  labels: LabelVolume,
  classes: readonly string[],
  extent: Extent = { width: 0, height: 0 },
): SlicePictures => {
  const [image, seen] = [asViewed(reference), asViewed(labels)];
  const { width, height, slices } = image;
  const [across, down] = spacingOf(image);
  const { labelled, box } = labelledPart(seen);
  const margin = Math.max(MARGIN.least, MARGIN.part * Math.max(box.width * across, box.height * down));
  const window = {
    across: windowOf(box.left, box.width, width, across, margin, extent.width),
    down: windowOf(box.top, box.height, height, down, margin, extent.height),
  };
  const scale = Math.min(SHARPEST, LONGEST / Math.max(window.across.size, window.down.size));
  const columns = samplesOf(window.across, across, width, scale);
  const rows = samplesOf(window.down, down, height, scale);
  const grey = greysOf(image, columns, rows, labelled.length > 0 ? labelled : Array.from({ length: slices }, (_, k) => k));
  const picture = { width: columns.length, height: rows.length };
  const plain = (slice: number): ImageOf<Uint8Array> => {
    const rgb = createImage(picture.width, picture.height);
    const values = image.data.subarray(slice * width * height, (slice + 1) * width * height);
    for (const [y, row] of rows.entries()) {
      for (const [x, column] of columns.entries()) {
        const upper = mix(values[row.low * width + column.low], values[row.low * width + column.high], column.share);
        const lower = mix(values[row.high * width + column.low], values[row.high * width + column.high], column.share);
        const at = 3 * (y * picture.width + x);
        rgb.data.fill(grey(mix(upper, lower, row.share)), at, at + 3);
      }
    }
    return rgb;
  };
  return {
    labelled,
    extent: { width: window.across.size, height: window.down.size },
    ...picture,
    plain,
    outlined: (slice) => outline(plain(slice), likeliest(seen, slice, columns, rows), classes),
  };
};

/** The same slices, their rows and columns turned as they are looked at. */
const asViewed = <Data extends Volume | LabelVolume>(volume: Data): Data => {
  const along = orientationOf(volume)[2];
  const inPlane = "SI".includes(along) ? "LP" : "AP".includes(along) ? "LI" : "PI";
  return reoriented<Data["data"]>(volume, inPlane + along) as Data;
};

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const labelledPart = ({
  width,
  height,
  slices,
  data,
}: LabelVolume): { readonly labelled: readonly number[]; readonly box: Box } => {
  let [left, right, top, bottom] = [width, -1, height, -1];
  const labelled: number[] = [];
  for (let k = 0, voxel = 0; k < slices; k++) {
    for (let j = 0; j < height; j++) {
      for (let i = 0; i < width; i++, voxel++) {
        if (data[voxel] === 0) continue;
        [left, right, top, bottom] = [Math.min(left, i), Math.max(right, i), Math.min(top, j), Math.max(bottom, j)];
        if (labelled.at(-1) !== k) labelled.push(k);
      }
    }
  }
  if (labelled.length === 0) return { labelled, box: { left: 0, top: 0, width, height } };
  return { labelled, box: { left, top, width: right + 1 - left, height: bottom + 1 - top } };
};

/** From the outer rim of the first pixel, in mm. */
interface Window {
  readonly from: number;
  readonly size: number;
}

/** The part of an axis around the box, moved where it would leave the image, and cut where it is longer. */
const windowOf = (first: number, count: number, all: number, mm: number, margin: number, least: number): Window => {
  const size = Math.min(all * mm, Math.max(least, count * mm + 2 * margin));
  const from = (first + count / 2) * mm - size / 2;
  return { from: Math.min(Math.max(0, from), all * mm - size), size };
};

/** The two pixels that a sample lies between, and how far towards the second. */
interface Sample {
  readonly low: number;
  readonly high: number;
  readonly share: number;
}

const samplesOf = ({ from, size }: Window, mm: number, all: number, scale: number): readonly Sample[] =>
  Array.from({ length: Math.max(1, Math.round(size * scale)) }, (_, n) => {
    const at = Math.min(all - 1, Math.max(0, (from + (n + 0.5) / scale) / mm - 0.5));
    const low = Math.floor(at);
    return { low, high: Math.min(all - 1, low + 1), share: at - low };
  });

const mix = (a: number, b: number, share: number): number => (share === 0 ? a : a + share * (b - a));

const greysOf = (
  { width, height, data }: Volume,
  columns: readonly Sample[],
  rows: readonly Sample[],
  slices: readonly number[],
): ((value: number) => number) => {
  const [left, right] = [columns[0].low, columns[columns.length - 1].high];
  const [top, bottom] = [rows[0].low, rows[rows.length - 1].high];
  const total = slices.length * (right + 1 - left) * (bottom + 1 - top);
  const stride = Math.max(1, Math.floor(total / SAMPLES));
  const values: number[] = [];
  let count = 0;
  for (const k of slices) {
    for (let j = top; j <= bottom; j++) {
      for (let i = left; i <= right; i++) {
        const value = data[(k * height + j) * width + i];
        if (count++ % stride === 0 && Number.isFinite(value)) values.push(value);
      }
    }
  }
  const [low, high] = values.length === 0 ? [0, 1] : percentiles(values, RANGE);
  const span = high > low ? high - low : 1;
  return (value) => Math.round(255 * Math.min(1, Math.max(0, (value - low) / span))) || 0;
};

/** The class with the largest part of each sample: where borders run when the classes' shares are interpolated linearly. */
const likeliest = (
  { width, height, data }: LabelVolume,
  slice: number,
  columns: readonly Sample[],
  rows: readonly Sample[],
): Int16Array => {
  const found = new Int16Array(columns.length * rows.length);
  const first = slice * width * height;
  for (let y = 0, at = 0; y < rows.length; y++) {
    const row = rows[y];
    const [upper, lower] = [first + row.low * width, first + row.high * width];
    for (let x = 0; x < columns.length; x++, at++) {
      const { low, high, share } = columns[x];
      const around = [data[upper + low], data[upper + high], data[lower + low], data[lower + high]];
      if (around.every((label) => label === around[0])) {
        found[at] = around[0];
        continue;
      }
      const weights = [(1 - share) * (1 - row.share), share * (1 - row.share), (1 - share) * row.share, share * row.share];
      const partOf = (label: number): number => weights.reduce((sum, weight, n) => sum + (around[n] === label ? weight : 0), 0);
      found[at] = around.reduce((best, label) => (partOf(label) > partOf(best) ? label : best));
    }
  }
  return found;
};

/** Colours the pixels of each class that are nearer than `LINE` to another, along rows or columns. */
const outline = (picture: ImageOf<Uint8Array>, labels: Int16Array, classes: readonly string[]): ImageOf<Uint8Array> => {
  const { width, height, data } = picture;
  const colours = classColours(classes);
  const wall = classes.indexOf(vesselClasses[WALL].name);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const label = labels[at];
      const colour = colours[label];
      if (colour === undefined) continue;
      const ends = (other: number): boolean => (label === wall ? other === 0 : other !== label);
      for (let away = 1; away <= LINE; away++) {
        if (
          (x >= away && ends(labels[at - away])) ||
          (x < width - away && ends(labels[at + away])) ||
          (y >= away && ends(labels[at - away * width])) ||
          (y < height - away && ends(labels[at + away * width]))
        ) {
          data.set(colour, 3 * at);
        }
      }
    }
  }
  return picture;
};
