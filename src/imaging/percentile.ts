/**
 * Percentiles of values, each `percent` in 0 .. 100: between the sorted values x_0 .. x_(n-1), linear at position
 * percent (n - 1) / 100, as numpy does by default. Throws a RangeError for no values or a percentage outside 0 .. 100.
 */
export const percentiles = (values: ArrayLike<number>, percents: readonly number[]): number[] => {
  if (values.length === 0) throw new RangeError("Percentiles of no values do not exist.");
  const sorted = Float64Array.from(values).sort();
  return percents.map((percent) => {
    if (!(percent >= 0 && percent <= 100)) throw new RangeError(`A percentage is between 0 and 100, not ${percent}.`);
    const position = (percent / 100) * (sorted.length - 1);
    const below = Math.floor(position);
    const above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
  });
};
