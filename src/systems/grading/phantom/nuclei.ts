import type { Random } from "../../../random/index.ts";
import { type DistanceGrid, distanceAt } from "./distance-grid.ts";

/** What the nuclei of a layer look like. Lengths in um. */
export interface NucleusStyle {
  /** Mean radius. */
  readonly radius: number;
  /** Length over width. */
  readonly aspect: number;
  /** Relative spread of the size: pleomorphism. */
  readonly variation: number;
  /** Concentration of haematoxylin. */
  readonly haematoxylin: number;
  /** How pale the middle is, 0 solid .. 1 vesicular. */
  readonly vesicular: number;
  /** Radius of the nucleolus, 0 for none to be seen. */
  readonly nucleolus: number;
}

/** A layer of nuclei in a gland. */
export type NucleusLayer =
  /** In single file where `of` is `level` um; across: long axis across the line, else along it. */
  | { kind: "file"; of: "outer" | "lumen"; level: number; spacing: number; across: boolean; style: NucleusStyle }
  /** Everywhere at least `border` um inside and `lumen` um from a lumen, as close as `spacing`. */
  | { kind: "filling"; border: number; lumen: number; spacing: number; style: NucleusStyle };

/** Nuclei one after the other, `nucleusFields` numbers each: x, y, half length, half width, cos, sin, haematoxylin, vesicular, nucleolus. */
export type Nuclei = readonly number[];
export const nucleusFields = 9;

/** Places the layers of nuclei in a gland, in order; a nucleus is left out where an earlier one already is. */
export const placeNuclei = (
  source: Random,
  layers: readonly NucleusLayer[],
  outer: DistanceGrid,
  lumen: DistanceGrid | undefined,
): Nuclei => {
  const nuclei: number[] = [];
  const isFree = neighbourhood(outer, nuclei);
  for (const layer of layers) {
    if (layer.kind === "filling") {
      fill(source, layer, outer, lumen, (x, y) => {
        if (isFree(x, y, layer.spacing)) pushNucleus(nuclei, source, layer.style, x, y, source.uniform(0, Math.PI));
      });
    } else {
      const grid = layer.of === "outer" ? outer : lumen;
      if (grid === undefined) continue;
      file(layer, grid, outer, (x, y, normal) => {
        if (!isFree(x, y, layer.spacing * source.uniform(0.82, 1.25))) return;
        const angle = normal + (layer.across ? 0 : Math.PI / 2) + source.uniform(-0.25, 0.25);
        pushNucleus(nuclei, source, layer.style, x + source.normal(0, 0.9), y + source.normal(0, 0.9), angle);
      });
    }
  }
  return nuclei;
};

/** Appends one nucleus of a style, its size and darkness varied. */
export const pushNucleus = (nuclei: number[], source: Random, style: NucleusStyle, x: number, y: number, angle: number): void => {
  const size = style.radius * Math.max(0.6, 1 + source.normal(0, style.variation));
  const aspect = Math.sqrt(Math.max(1, style.aspect * source.uniform(0.85, 1.2)));
  nuclei.push(
    x,
    y,
    size * aspect,
    size / aspect,
    Math.cos(angle),
    Math.sin(angle),
    style.haematoxylin * source.uniform(0.8, 1.2),
    style.vesicular * source.uniform(0.6, 1.1),
    style.nucleolus === 0 ? 0 : style.nucleolus * source.uniform(0.6, 1.15),
  );
};

const file = (
  { level, spacing }: { level: number; spacing: number },
  grid: DistanceGrid,
  outer: DistanceGrid,
  place: (x: number, y: number, normal: number) => void,
): void => {
  const pitch = Math.max(2, spacing * 0.4);
  const [right, bottom] = [grid.x + grid.step * (grid.columns - 1), grid.y + grid.step * (grid.rows - 1)];
  for (let v = grid.y; v <= bottom; v += pitch) {
    for (let u = grid.x; u <= right; u += pitch) {
      let [x, y, normal] = [u, v, 0];
      let off = distanceAt(grid, x, y) - level;
      if (Math.abs(off) > pitch) continue;
      for (let step = 0; step < 2; step++) {
        const dx = distanceAt(grid, x + 1, y) - distanceAt(grid, x - 1, y);
        const dy = distanceAt(grid, x, y + 1) - distanceAt(grid, x, y - 1);
        const length = Math.hypot(dx, dy);
        if (length < 0.2) break;
        x -= (dx / length) * off;
        y -= (dy / length) * off;
        normal = Math.atan2(dy, dx);
        off = distanceAt(grid, x, y) - level;
      }
      if (Math.abs(off) < 0.8 && distanceAt(outer, x, y) > 1.2) place(x, y, normal);
    }
  }
};

const fill = (
  source: Random,
  { border, lumen: clearance, spacing }: { border: number; lumen: number; spacing: number },
  outer: DistanceGrid,
  lumen: DistanceGrid | undefined,
  place: (x: number, y: number) => void,
): void => {
  const pitch = spacing * 0.62;
  const [right, bottom] = [outer.x + outer.step * (outer.columns - 1), outer.y + outer.step * (outer.rows - 1)];
  for (let v = outer.y; v <= bottom; v += pitch) {
    for (let u = outer.x; u <= right; u += pitch) {
      const x = u + source.uniform(-0.5, 0.5) * pitch;
      const y = v + source.uniform(-0.5, 0.5) * pitch;
      if (distanceAt(outer, x, y) < border || (lumen !== undefined && distanceAt(lumen, x, y) > -clearance)) continue;
      place(x, y);
    }
  }
};

/** Tells whether no nucleus of the list, which grows meanwhile, is nearer than a distance; nuclei are kept in buckets of a grid. */
const neighbourhood = (grid: DistanceGrid, nuclei: readonly number[]): ((x: number, y: number, distance: number) => boolean) => {
  const size = 16;
  const columns = Math.ceil((grid.columns * grid.step) / size) + 2;
  const buckets = new Map<number, number[]>();
  let known = 0;
  const bucketOf = (x: number, y: number): number =>
    Math.floor((y - grid.y) / size + 1) * columns + Math.floor((x - grid.x) / size + 1);
  return (x, y, distance) => {
    for (; known < nuclei.length; known += nucleusFields) {
      const bucket = bucketOf(nuclei[known], nuclei[known + 1]);
      const held = buckets.get(bucket);
      if (held === undefined) buckets.set(bucket, [known]);
      else held.push(known);
    }
    const middle = bucketOf(x, y);
    for (let row = -1; row <= 1; row++) {
      for (let column = -1; column <= 1; column++) {
        for (const at of buckets.get(middle + row * columns + column) ?? []) {
          if (Math.abs(nuclei[at] - x) < distance && Math.hypot(nuclei[at] - x, nuclei[at + 1] - y) < distance) return false;
        }
      }
    }
    return true;
  };
};
