import type { Anatomy } from "./anatomy.ts";
import type { Layout } from "./layout.ts";
import { noiseField, unit } from "./noise.ts";

/** The slow properties of tissue, each a smooth function of position in um. */
export interface TissueFields {
  readonly depth: (x: number, y: number) => number;
  /** Coordinates along and across the fibres, in um; fibres run where `across` is constant. */
  readonly along: (x: number, y: number) => number;
  readonly across: (x: number, y: number) => number;
  /** Factor on the concentration of stain: the section is not equally thick everywhere. */
  readonly thickness: (x: number, y: number) => number;
  /** Factor on the number of stromal nuclei. */
  readonly cellularity: (x: number, y: number) => number;
  readonly inflammation: (x: number, y: number) => number;
}

export const fieldNames = ["depth", "along", "across", "thickness", "cellularity", "inflammation"] as const;

export const tissueFields = (seed: number, layout: Layout, anatomy: Anatomy): TissueFields => {
  const turn = 2 * Math.PI * unit(seed, 0, 0, 41);
  const [cosine, sine] = [Math.cos(turn), Math.sin(turn)];
  const bow = noiseField(seed, "bow", 260);
  const bend = noiseField(seed, "bend", 230);
  const ripple = noiseField(seed, "ripple", 65);
  const thick = noiseField(seed, "thickness", 400);
  const patchy = noiseField(seed, "patches", 90);
  const crowded = noiseField(seed, "cellularity", 140);
  return {
    depth: layout.depth,
    along: (x, y) => cosine * x + sine * y + 30 * bow(x, y),
    across: (x, y) => cosine * y - sine * x + 48 * bend(x, y) + 11 * ripple(x, y),
    thickness: (x, y) => 1 + 0.14 * thick(x, y) + 0.08 * patchy(x, y),
    cellularity: (x, y) => anatomy.cellularity * 2.2 ** crowded(x, y),
    inflammation: layout.inflammation,
  };
};

/** The direction of the fibres at a point, in radians: at right angles to the gradient of `across`. */
export const fibreDirection = ({ across }: TissueFields, x: number, y: number): number =>
  Math.atan2(across(x - 4, y) - across(x + 4, y), across(x, y + 4) - across(x, y - 4));

/** The fields sampled on a lattice that covers a rectangle. Its nodes are multiples of the pitch, so that values follow from position alone. */
export interface FieldLattice {
  readonly x: number;
  readonly y: number;
  readonly columns: number;
  readonly values: Readonly<Record<keyof TissueFields, Float64Array>>;
}

export const fieldPitch = 8;

export const sampleFields = (fields: TissueFields, left: number, top: number, right: number, bottom: number): FieldLattice => {
  const [firstColumn, firstRow] = [Math.floor(left / fieldPitch) - 3, Math.floor(top / fieldPitch) - 3];
  const columns = Math.ceil(right / fieldPitch) + 5 - firstColumn;
  const rows = Math.ceil(bottom / fieldPitch) + 5 - firstRow;
  const sample = (name: keyof TissueFields): Float64Array => {
    const values = new Float64Array(columns * rows);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        values[row * columns + column] = fields[name]((firstColumn + column) * fieldPitch, (firstRow + row) * fieldPitch);
      }
    }
    return values;
  };
  return {
    x: firstColumn * fieldPitch,
    y: firstRow * fieldPitch,
    columns,
    values: {
      depth: sample("depth"),
      along: sample("along"),
      across: sample("across"),
      thickness: sample("thickness"),
      cellularity: sample("cellularity"),
      inflammation: sample("inflammation"),
    },
  };
};

/** A field at a point inside the lattice, by bilinear interpolation. */
export const fieldAt = (lattice: FieldLattice, values: Float64Array, x: number, y: number): number => {
  const u = (x - lattice.x) / fieldPitch;
  const v = (y - lattice.y) / fieldPitch;
  const column = Math.floor(u);
  const row = Math.floor(v);
  const at = row * lattice.columns + column;
  const fx = u - column;
  const top = values[at] + (values[at + 1] - values[at]) * fx;
  const bottom = values[at + lattice.columns] + (values[at + lattice.columns + 1] - values[at + lattice.columns]) * fx;
  return top + (bottom - top) * (v - row);
};
