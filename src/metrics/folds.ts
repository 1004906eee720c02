import { random } from "../random/index.ts";

/**
 * The fold of each sample, a whole number in [0, folds), at random as a function of the keys.
 *
 * Groups are shuffled, then taken from the largest to the smallest, each into the fold that has the fewest samples so
 * far (Graham 1969). No group is divided, no two folds differ by more than the largest group, and without groups by no
 * more than one sample. Where there are fewer groups than folds the last folds are empty.
 *
 * @param samples how many samples there are, or each one's group: what must not be learnt in one fold and tested in
 * another, such as photographs of one part or sections of one patient; a sample whose group is undefined stands alone.
 * @throws RangeError when the number of folds is not a whole number of at least 2.
 */
export const foldsOf = (
  samples: number | readonly (string | undefined)[],
  folds: number,
  ...keys: readonly (number | string)[]
): Uint32Array => {
  if (!(Number.isInteger(folds) && folds >= 2)) {
    throw new RangeError(`The number of folds is ${folds}; it must be a whole number of at least 2.`);
  }
  const names = typeof samples === "number" ? Array.from({ length: samples }, () => undefined) : samples;
  const groups = positionsByName(names);
  const shuffled = Array.from(random("folds", ...keys).permutation(groups.length), (index) => groups[index]);
  const sizes = new Uint32Array(folds);
  const foldOf = new Uint32Array(names.length);
  for (const group of shuffled.sort((a, b) => b.length - a.length)) {
    const fold = sizes.indexOf(Math.min(...sizes));
    sizes[fold] += group.length;
    for (const position of group) foldOf[position] = fold;
  }
  return foldOf;
};

/** The positions of each distinct name, and each position without one by itself. */
export const positionsByName = (names: readonly (string | undefined)[]): number[][] => {
  const positions = new Map<string | number, number[]>();
  for (const [position, name] of names.entries()) {
    const group = positions.get(name ?? position);
    if (group === undefined) positions.set(name ?? position, [position]);
    else group.push(position);
  }
  return [...positions.values()];
};
