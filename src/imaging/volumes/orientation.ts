import { type Affine, columnOf, composeAffine } from "./affine.ts";
import { createVolume, type Grid, spacingOf, type VolumeOf, type VoxelData } from "./volume.ts";

/** Where x, y and z of LPS+ point, and where their opposites do. */
const POSITIVE = ["L", "P", "S"];
const NEGATIVE = ["R", "A", "I"];

type Axis = 0 | 1 | 2;

/** To which patient axis an index runs most, and whether with it or against it. */
interface Direction {
  readonly axis: Axis;
  readonly sign: 1 | -1;
}

const permutations: readonly (readonly [Axis, Axis, Axis])[] = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
];

/** The patient axis nearest to i, j and k, each once: the assignment with the largest product of cosines. */
const directionsOf = (grid: Grid): readonly Direction[] => {
  const spacing = spacingOf(grid);
  const cosine = (index: Axis, axis: Axis): number => columnOf(grid.affine, index)[axis] / spacing[index];
  const agreement = (axes: readonly Axis[]): number =>
    axes.reduce<number>((product, axis, index) => product * (Math.abs(cosine(index as Axis, axis)) + 1e-9), 1);
  const best = permutations.reduce((a, b) => (agreement(b) > agreement(a) ? b : a));
  return best.map((axis, index) => ({ axis, sign: cosine(index as Axis, axis) < 0 ? -1 : 1 }));
};

/**
 * To where i, j and k run, by the nearest patient axes: of L R P A S I one letter each. "LPS" of axial slices seen from the feet, rows to
 * the patient's left and columns to the back; NIfTI files call theirs the same way.
 */
export const orientationOf = (grid: Grid): string =>
  directionsOf(grid)
    .map(({ axis, sign }) => (sign > 0 ? POSITIVE : NEGATIVE)[axis])
    .join("");

/**
 * The same volume with its axes swapped and turned round so that `orientationOf` gives `orientation`. No value is computed anew, and each
 * stays at its patient coordinates. @throws RangeError when the orientation does not name each axis once.
 */
export const reoriented = <Data extends VoxelData>(volume: VolumeOf<Data>, orientation: string): VolumeOf<Data> => {
  const wanted = [...orientation].map((letter) => {
    const axis = Math.max(POSITIVE.indexOf(letter), NEGATIVE.indexOf(letter));
    return { axis, sign: POSITIVE.includes(letter) ? 1 : -1 };
  });
  if (
    wanted
      .map(({ axis }) => axis)
      .sort()
      .join() !== "0,1,2"
  ) {
    throw new RangeError(
      `An orientation names one of L and R, one of P and A, one of S and I, such as "LPS", not "${orientation}".`,
    );
  }
  const now = directionsOf(volume);
  const sizes = [volume.width, volume.height, volume.slices];
  const strides = [1, volume.width, volume.width * volume.height];
  // For each new index: the old one that runs along the same patient axis, where it starts and to where it runs.
  const moves = wanted.map(({ axis, sign }) => {
    const from = now.findIndex((direction) => direction.axis === axis);
    const step = now[from].sign === sign ? 1 : -1;
    return { from, step, start: step > 0 ? 0 : sizes[from] - 1 };
  });
  const oldFromNew = [0, 1, 2].flatMap((old) => {
    const index = moves.findIndex(({ from }) => from === old);
    return [0, 1, 2].map((n) => (n === index ? moves[n].step : 0)).concat(moves[index].start);
  }) as unknown as Affine;
  const [width, height, slices] = moves.map(({ from }) => sizes[from]);
  const [di, dj, dk] = moves.map(({ from, step }) => step * strides[from]);
  const first = moves.reduce((sum, { from, start }) => sum + start * strides[from], 0);
  const data = new (volume.data.constructor as new (length: number) => Data)(volume.data.length);
  for (let k = 0, to = 0; k < slices; k++) {
    for (let j = 0; j < height; j++) {
      for (let i = 0, at = first + k * dk + j * dj; i < width; i++, at += di) data[to++] = volume.data[at];
    }
  }
  return createVolume({ width, height, slices, affine: composeAffine(volume.affine, oldFromNew) }, data);
};
