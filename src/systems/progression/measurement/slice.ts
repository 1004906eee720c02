import { connectedComponents } from "../../../metrics/index.ts";
import { CALCIFICATION, FIBROUS_CAP, HAEMORRHAGE, LIPID_CORE, LUMEN, vesselClasses } from "./classes.ts";
import {
  type Contour,
  distanceTo,
  enclosing,
  leastWidth,
  levelContours,
  type Point,
  perimeter,
  type SliceField,
  signedArea,
} from "./contours.ts";

/** The classes of one slice. */
export interface ClassSlice {
  readonly width: number;
  readonly height: number;
  /** How much of each pixel each class is, 0 to 1: one [height, width] for each class. */
  readonly fractions: readonly Float32Array[];
  /** Whether they are 0 and 1 alone, so that their edges are steps. */
  readonly isHard: boolean;
  /** Where a pixel (column, row; fractions allowed) lies in mm within the plane. */
  readonly toPlane: (i: number, j: number) => Point;
  /** Of a pixel, in mm2. */
  readonly pixelArea: number;
}

/** An opening that blood flows through, in one slice. */
export interface LumenMeasurement {
  /** In mm2. */
  readonly area: number;
  /** Its least width, in mm: of a circle the diameter. */
  readonly diameter: number;
  /** Its centre, and its contour, in mm within the plane. */
  readonly centre: Point;
  readonly contour: Contour;
}

/** Areas in mm2, lengths in mm. */
export interface SliceMeasurement {
  /** All lumens together. */
  readonly lumenArea: number;
  /** The wall with all that is in it. */
  readonly wallArea: number;
  readonly calcificationArea: number;
  readonly lipidCoreArea: number;
  readonly haemorrhageArea: number;
  readonly fibrousCapArea: number;
  /** Wall area / (lumen area + wall area); null where there is neither. */
  readonly normalisedWallIndex: number | null;
  /**
   * From points of the lumen's contour to the nearest point of the outer wall's, or of another lumen's where only a septum lies between:
   * mean along the contour, and maximum. Null without a lumen.
   */
  readonly wallThicknessMean: number | null;
  readonly wallThicknessMaximum: number | null;
  /** The least distance between a lumen and a lipid core (with a haemorrhage that adjoins it). Null without either. */
  readonly capThicknessMinimum: number | null;
  /** From large to small. */
  readonly lumens: readonly LumenMeasurement[];
}

/**
 * Measures a slice. A class is there where it makes up more than half of a pixel, and at the rim of that its fractions count: areas are
 * sums of fractions, contours run where the fraction is 1/2, so both are finer than a pixel. From hard labels areas are counts of pixels,
 * whose error is that of rounding at the rim. Contours are smoothed, those of hard labels more, and moved so that they enclose these areas.
 * @param leastLumenArea beside a lumen as large, in mm2, smaller openings are taken for specks where thickness is measured: they are among
 * `lumens`, for one may be all that is left of a branch.
 */
export const measureSlice = (whole: ClassSlice, leastLumenArea: number): SliceMeasurement => {
  const slice = aroundVessel(whole);
  const { fractions, pixelArea } = slice;
  const sumOf = (...classes: readonly number[]): SliceField => fieldOf(slice, classes);
  const areaOf = (...classes: readonly number[]): number => pixelArea * total(atRim(sumOf(...classes)).values);
  const everything = fractions.map((_, c) => c).slice(LUMEN);
  const lumen = atRim(sumOf(LUMEN));
  const vessel = atRim(sumOf(...everything));
  const lumenArea = pixelArea * total(lumen.values);
  const vesselArea = pixelArea * total(vessel.values);
  const lumens = lumensOf(lumen, slice);
  const wide = lumens.filter(({ area }) => area >= leastLumenArea);
  const walled = wide.length > 0 ? wide : lumens;
  const outer = contoursOf(vessel, slice).filter((contour) => signedArea(contour) > 0);
  const thickness = wallThickness(
    walled.map(({ contour }) => contour),
    outer,
  );
  return {
    lumenArea,
    wallArea: Math.max(0, vesselArea - lumenArea),
    calcificationArea: areaOf(CALCIFICATION),
    lipidCoreArea: areaOf(LIPID_CORE),
    haemorrhageArea: areaOf(HAEMORRHAGE),
    fibrousCapArea: areaOf(FIBROUS_CAP),
    normalisedWallIndex: vesselArea > 0 ? Math.max(0, vesselArea - lumenArea) / vesselArea : null,
    wallThicknessMean: thickness?.mean ?? null,
    wallThicknessMaximum: thickness?.maximum ?? null,
    capThicknessMinimum: capThickness(slice, walled),
    lumens,
  };
};

/** The part of the slice that holds the vessel, with a rim; columns and rows are counted from its corner. */
const aroundVessel = (slice: ClassSlice): ClassSlice => {
  const { width, height, fractions, toPlane } = slice;
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (let n = 0; n < width * height; n++) {
    if (fractions[0][n] > 0.5) continue;
    const [i, j] = [n % width, Math.floor(n / width)];
    [left, right, top, bottom] = [Math.min(left, i), Math.max(right, i), Math.min(top, j), Math.max(bottom, j)];
  }
  left = Math.max(0, left - RIM);
  top = Math.max(0, top - RIM);
  const part = {
    width: Math.max(0, Math.min(width, right + 1 + RIM) - left),
    height: Math.max(0, Math.min(height, bottom + 1 + RIM) - top),
  };
  const cut = (values: Float32Array): Float32Array => {
    const kept = new Float32Array(part.width * part.height);
    for (let j = 0; j < part.height; j++) {
      const from = (top + j) * width + left;
      kept.set(values.subarray(from, from + part.width), j * part.width);
    }
    return kept;
  };
  return { ...slice, ...part, fractions: fractions.map(cut), toPlane: (i, j) => toPlane(i + left, j + top) };
};

/** In pixels. */
const RIM = 2;

const total = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0);

const fieldOf = ({ width, height, fractions }: ClassSlice, classes: readonly number[]): SliceField => {
  const values = new Float32Array(width * height);
  for (const c of classes) for (let n = 0; n < values.length; n++) values[n] += fractions[c][n];
  return { width, height, values };
};

/** What is mostly inside is wholly inside unless an outside pixel is among its eight neighbours, and the other way round. */
const atRim = (field: SliceField): SliceField => {
  const { width, height, values } = field;
  const rim = new Float32Array(values.length);
  for (let j = 0, n = 0; j < height; j++) {
    for (let i = 0; i < width; i++, n++) {
      const inside = values[n] > 0.5;
      let differs = false;
      for (let y = Math.max(0, j - 1); y <= Math.min(height - 1, j + 1); y++) {
        for (let x = Math.max(0, i - 1); x <= Math.min(width - 1, i + 1); x++) differs ||= values[y * width + x] > 0.5 !== inside;
      }
      rim[n] = differs ? values[n] : inside ? 1 : 0;
    }
  }
  return { width, height, values: rim };
};

/** How often fields are averaged before their contours are followed: steps between pixels become slopes. */
const AVERAGED = { hard: 4, soft: 2, thin: 0 } as const;

/** Averaging moves the contours of what is round inwards, `enclosing` back; what is thin it would wipe out. */
const contoursOf = (field: SliceField, { isHard, toPlane, pixelArea }: ClassSlice, isThin = false): readonly Contour[] => {
  const averaged = levelContours(blurred(field, AVERAGED[isThin ? "thin" : isHard ? "hard" : "soft"]));
  const contours = (averaged.length > 0 ? averaged : levelContours(field)).map((contour) =>
    contour.map(([i, j]) => toPlane(i, j)),
  );
  return enclosing(contours, pixelArea * total(field.values));
};

/** Averaged with neighbours by 1 2 1 along rows and columns, `times` times. */
const blurred = ({ width, height, values }: SliceField, times: number): SliceField => {
  let now = values;
  for (let time = 0; time < times; time++) {
    for (const [size, stride] of [
      [width, 1],
      [height, width],
    ] as const) {
      now = now.map((value, n) => {
        const at = Math.floor(n / stride) % size;
        return ((at > 0 ? now[n - stride] : 0) + 2 * value + (at < size - 1 ? now[n + stride] : 0)) / 4;
      });
    }
  }
  return { width, height, values: now };
};

/** The connected parts (4 neighbours) of a field where it is above 1/2, each with the rim around it; shared rims go to the first. */
const partsOf = ({ width, height, values }: SliceField): readonly SliceField[] => {
  const { labels, count } = connectedComponents(
    Uint8Array.from(values, (value) => (value > 0.5 ? 1 : 0)),
    width,
    height,
    4,
  );
  const owner = Int32Array.from(labels);
  for (let j = 0; j < height; j++) {
    for (let i = 0; i < width; i++) {
      if (labels[j * width + i] === 0) continue;
      for (let y = Math.max(0, j - 1); y <= Math.min(height - 1, j + 1); y++) {
        for (let x = Math.max(0, i - 1); x <= Math.min(width - 1, i + 1); x++) owner[y * width + x] ||= labels[j * width + i];
      }
    }
  }
  const parts = Array.from({ length: count }, (_, part) => part + 1);
  return parts.map((part) => ({ width, height, values: values.map((value, n) => (owner[n] === part ? value : 0)) }));
};

const lumensOf = (lumen: SliceField, slice: ClassSlice): readonly LumenMeasurement[] =>
  partsOf(lumen)
    .map((part) => {
      let [weight, column, row] = [0, 0, 0];
      for (const [n, value] of part.values.entries()) {
        weight += value;
        column += value * (n % part.width);
        row += value * Math.floor(n / part.width);
      }
      const contour = contoursOf(part, slice).reduce((a, b) => (signedArea(b) > signedArea(a) ? b : a));
      const area = slice.pixelArea * weight;
      return { area, diameter: leastWidth(contour), centre: slice.toPlane(column / weight, row / weight), contour };
    })
    .sort((a, b) => b.area - a.area);

const wallThickness = (
  lumens: readonly Contour[],
  outer: readonly Contour[],
): { readonly mean: number; readonly maximum: number } | undefined => {
  if (lumens.length === 0) return undefined;
  let [sum, length, maximum] = [0, 0, 0];
  for (const [own, contour] of lumens.entries()) {
    const thicknessAt = distanceTo([...outer, ...lumens.filter((_, n) => n !== own)]);
    for (const [n, point] of contour.entries()) {
      const [before, after] = [contour[(n + contour.length - 1) % contour.length], contour[(n + 1) % contour.length]];
      const share = perimeter([before, point, after]) - Math.hypot(after[0] - before[0], after[1] - before[1]);
      const thickness = thicknessAt(point);
      sum += share * thickness;
      length += share;
      maximum = Math.max(maximum, thickness);
    }
  }
  return { mean: sum / length, maximum };
};

/** A haemorrhage lies in the core: what is between it and the lumen is the cap, too. */
const capThickness = (slice: ClassSlice, lumens: readonly LumenMeasurement[]): number | null => {
  const core = partsOf(atRim(fieldOf(slice, [LIPID_CORE, HAEMORRHAGE]))).filter(({ values }) =>
    values.some((value, n) => value > 0.5 && slice.fractions[LIPID_CORE][n] > 0.5),
  );
  if (core.length === 0 || lumens.length === 0) return null;
  const distanceToLumen = distanceTo(lumens.map(({ contour }) => contour));
  const distances = core.flatMap((part) => contoursOf(part, slice, true).flatMap((contour) => contour.map(distanceToLumen)));
  return distances.length === 0 ? null : Math.min(...distances);
};

/** @throws RangeError when there are not as many classes as `vesselClasses`. */
export const requireVesselClasses = (count: number): void => {
  if (count !== vesselClasses.length) {
    throw new RangeError(
      `Fractions of ${count} classes were given; there are ${vesselClasses.length}: ${vesselClasses.map(({ name }) => name).join(", ")}.`,
    );
  }
};
