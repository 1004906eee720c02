/** A rule that tells images apart: those whose value it holds for are taken for images of the class `label`. */
export interface Rule {
  readonly label: 0 | 1;
  holds(value: number | string): boolean;
  /** What it holds for, in words: "PNG", "70 to 80". */
  readonly text: string;
}

/**
 * The range of numbers in which the shares of both classes differ most: between the two values where the difference of their
 * distribution functions is largest and smallest (Kuiper 1960). A range ends half way to the next value, or nowhere where there is none.
 */
export const rangeRule = (values: readonly number[], labels: readonly (0 | 1)[]): Rule => {
  const counts = countsOf(labels);
  const order = Array.from(values.keys()).sort((a, b) => values[a] - values[b]);
  const distinct: number[] = [];
  const differences = [0]; // of the distribution functions, before the first value and after each
  for (const index of order) {
    if (distinct.at(-1) !== values[index]) {
      distinct.push(values[index]);
      differences.push(differences.at(-1)!);
    }
    differences[differences.length - 1] += labels[index] === 1 ? 1 / counts[1] : -1 / counts[0];
  }
  const [lowest, highest] = [Math.min, Math.max].map((extreme) => differences.indexOf(extreme(...differences)));
  const label = lowest < highest ? 1 : 0;
  const end = distinct.length - 1;
  const [from, to] = lowest === highest ? [0, end] : [Math.min(lowest, highest), Math.max(lowest, highest) - 1];
  const hasOneEnd = (from === 0) !== (to === end);
  // What lies beyond a range with one end is such a range too: the one where the forged images are is said.
  const [first, last] = label === 1 || !hasOneEnd ? [from, to] : from === 0 ? [to + 1, end] : [0, from - 1];
  const edge = (above: number): number => (distinct[above - 1] + distinct[above]) / 2;
  const [low, high] = [first === 0 ? -Infinity : edge(first), last === end ? Infinity : edge(last + 1)];
  return {
    label: hasOneEnd ? 1 : label,
    holds: (value) => Number(value) > low && Number(value) < high,
    text: rangeText(distinct[first], distinct[last]),
  };
};

const countsOf = (labels: readonly (0 | 1)[]): number[] => [0, 1].map((label) => labels.filter((own) => own === label).length);

const rangeText = (low: number, high: number): string => {
  const [from, to] = [low, high].map((value) => (Number.isInteger(value) ? String(value) : value.toPrecision(3)));
  return from === to ? from : `${from} to ${to}`;
};

/** The name whose shares in both classes differ most; among equals the first of which more forged images have it. */
export const nameRule = (values: readonly string[], labels: readonly (0 | 1)[]): Rule => {
  const counts = countsOf(labels);
  const differences = new Map<string, number>();
  for (const [index, value] of values.entries()) {
    const step = labels[index] === 1 ? 1 / counts[1] : -1 / counts[0];
    differences.set(value, (differences.get(value) ?? 0) + step);
  }
  const [name, difference] = [...differences].reduce((best, other) => {
    const gain = Math.abs(other[1]) - Math.abs(best[1]);
    return gain > 1e-9 || (gain > -1e-9 && other[1] > best[1]) ? other : best;
  });
  return { label: difference >= 0 ? 1 : 0, holds: (value) => value === name, text: name };
};
