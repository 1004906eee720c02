import { cross3, dot3, type Vector3 } from "../../matrix3.ts";
import { ImageProblem } from "../../readable.ts";
import { affineOfColumns } from "../affine.ts";
import { checkGrid, type Grid } from "../volume.ts";
import type { Frame } from "./frame.ts";

/** A slice and the name of the file that it is in. */
export interface Placed {
  readonly name: string;
  readonly frame: Frame;
}

/** Slices that make one volume, from the first to the last along the normal. */
export interface Stack<Slice extends Placed> {
  readonly slices: readonly Slice[];
  readonly grid: Grid;
  readonly notes: readonly string[];
}

/** How far directions may differ, as a part of 1, and positions, in mm: scanners round them. */
const DIRECTION = 1e-3;
const POSITION = 0.02;

/** The slices of one series parted by size, direction and kind, and where several lie at one place, by what tells those apart. */
export const groupsOf = <Slice extends Placed>(slices: readonly Slice[]): readonly (readonly Slice[])[] => {
  const groups: Slice[][] = [];
  for (const slice of slices) {
    const group = groups.find(([first]) => belongTogether(first.frame, slice.frame));
    if (group) group.push(slice);
    else groups.push([slice]);
  }
  return groups.flatMap(repeatsOf);
};

const belongTogether = (a: Frame, b: Frame): boolean =>
  a.columns === b.columns &&
  a.rows === b.rows &&
  a.kind === b.kind &&
  near(a.along, b.along, DIRECTION) &&
  near(a.down, b.down, DIRECTION) &&
  Math.abs(a.spacing[0] - b.spacing[0]) <= 1e-3 * a.spacing[0] &&
  Math.abs(a.spacing[1] - b.spacing[1]) <= 1e-3 * a.spacing[1];

const near = (a: readonly number[], b: readonly number[], tolerance: number): boolean =>
  a.every((value, i) => Math.abs(value - b[i]) <= tolerance);

/** One group when all lie at different places; else several, each with one slice at a place. */
const repeatsOf = <Slice extends Placed>(slices: readonly Slice[]): readonly (readonly Slice[])[] => {
  if (!hasRepeats(slices)) return [slices];
  for (const by of ["acquisition", "trigger"] as const) {
    const values = [...new Set(slices.map(({ frame }) => frame[by]))];
    const parts = values.map((value) => slices.filter(({ frame }) => frame[by] === value));
    if (parts.length > 1 && parts.every((part) => !hasRepeats(part))) return parts;
  }
  // The n-th at each place, in the order in which they were taken.
  const ordered = slices.toSorted((a, b) => (a.frame.instance ?? 0) - (b.frame.instance ?? 0) || a.frame.index - b.frame.index);
  const parts: Slice[][] = [];
  for (const slice of ordered) {
    const part = parts.find((taken) => taken.every(({ frame }) => !atOnePlace(frame, slice.frame)));
    if (part) part.push(slice);
    else parts.push([slice]);
  }
  return parts;
};

const atOnePlace = (a: Frame, b: Frame): boolean => near(a.position, b.position, POSITION);

const hasRepeats = (slices: readonly Placed[]): boolean => {
  const ordered = slices.toSorted((a, b) => along(a.frame) - along(b.frame));
  return ordered.some(({ frame }, n) => n > 0 && atOnePlace(ordered[n - 1].frame, frame));
};

const normalOf = ({ along, down }: Frame): Vector3 => cross3(along, down);

const along = (frame: Frame): number => dot3(normalOf(frame), frame.position);

/**
 * Orders a group along its normal, columns x rows, and places it. A grid may be sheared, as by a tilted gantry.
 * @throws ImageProblem that names the file where slices are missing or lie unevenly, or off the line of the others.
 */
export const stackOf = <Slice extends Placed>(group: readonly Slice[]): Stack<Slice> => {
  const normal = normalOf(group[0].frame);
  const height = ({ frame }: Slice): number => dot3(normal, frame.position);
  const slices = group.toSorted((a, b) => height(a) - height(b));
  const [first, last] = [slices[0], slices[slices.length - 1]];
  const notes: string[] = [];
  const step = slices.length > 1 ? evenStep(slices, height) : singleStep(first, normal, notes);
  const { along, down, spacing, columns, rows, position } = first.frame;
  for (const [k, { frame, name }] of slices.entries()) {
    const expected = position.map((value, i) => value + k * step[i]);
    const off = Math.hypot(...frame.position.map((value, i) => value - expected[i]));
    if (off > Math.max(POSITION, 0.02 * Math.hypot(...step))) {
      throw new ImageProblem(
        `its slices do not lie on a line: "${name}" lies ${off.toFixed(2)} mm off. Export the series again, or leave that file out.`,
      );
    }
  }
  const scaled = (direction: Vector3, mm: number): Vector3 => direction.map((v) => v * mm) as unknown as Vector3;
  const grid: Grid = {
    ...{ width: columns, height: rows, slices: slices.length },
    affine: affineOfColumns(scaled(along, spacing[0]), scaled(down, spacing[1]), step, position),
  };
  try {
    checkGrid(grid);
  } catch (error) {
    throw new ImageProblem(`"${first.name}" to "${last.name}": ${(error as Error).message}`);
  }
  return { slices, grid, notes };
};

/** From the first slice to the last, by one less than there are. @throws ImageProblem where a distance is another. */
const evenStep = <Slice extends Placed>(slices: readonly Slice[], height: (slice: Slice) => number): Vector3 => {
  const distances = slices.slice(1).map((slice, n) => height(slice) - height(slices[n]));
  const usual = distances.toSorted((a, b) => a - b)[(distances.length - 1) >> 1];
  if (usual <= POSITION) throw new ImageProblem(`"${slices[0].name}" and "${slices[1].name}" show the same slice twice.`);
  const tolerance = Math.max(POSITION, 0.02 * usual);
  for (const [n, distance] of distances.entries()) {
    if (Math.abs(distance - usual) <= tolerance) continue;
    const between = `between "${slices[n].name}" and "${slices[n + 1].name}"`;
    const millimetres = `${distance.toFixed(2)} mm instead of ${usual.toFixed(2)}`;
    const missing = Math.round(distance / usual) - 1;
    if (missing > 0 && Math.abs(distance - (missing + 1) * usual) <= tolerance * (missing + 1)) {
      throw new ImageProblem(
        `${missing === 1 ? "a slice is" : `${missing} slices are`} missing ${between} (${millimetres}). Export the whole series again.`,
      );
    }
    throw new ImageProblem(
      `its slices lie unevenly: ${between} there are ${millimetres}. Export the series again, or leave files out.`,
    );
  }
  const [from, to] = [slices[0].frame.position, slices[slices.length - 1].frame.position];
  return from.map((value, i) => (to[i] - value) / (slices.length - 1)) as unknown as Vector3;
};

const singleStep = ({ frame }: Placed, normal: Vector3, notes: string[]): Vector3 => {
  if (frame.depth === undefined) notes.push("It is one slice that does not say how thick it is: taken as 1 mm.");
  return normal.map((value) => value * (frame.depth ?? 1)) as unknown as Vector3;
};
