import { type BootstrapOptions, type Measure, percentileIntervals } from "./bootstrap.ts";
import { positionsByName } from "./folds.ts";

export interface CaseBootstrapOptions extends BootstrapOptions {
  /** What each case belongs to, such as the patient of a slide: a group is drawn whole. A case without one stands alone. */
  readonly groups?: readonly (string | undefined)[];
}

/**
 * Measures of all cases, with 95 % percentile intervals over cases, or groups of them, drawn with replacement, as many as there
 * are. All classes are drawn together, so that how often each comes varies as it would in other test sets.
 *
 * @param measures the measures of cases given by their positions; NaN where one is undefined: such a draw does not count.
 * @throws RangeError without cases, and when the number of groups or of replicates does not fit.
 */
export const measuresOverCases = (
  cases: number,
  measures: (positions: Uint32Array) => readonly number[],
  { groups, ...options }: CaseBootstrapOptions = {},
): Measure[] => {
  if (cases === 0) throw new RangeError("There are no cases to measure.");
  if (groups !== undefined && groups.length !== cases) {
    throw new RangeError(`There are ${cases} cases, but groups are given for ${groups.length}.`);
  }
  const all = Uint32Array.from({ length: cases }, (_, position) => position);
  const members = positionsByName(groups ?? new Array<undefined>(cases).fill(undefined));
  const drawn = (numbers: Uint32Array): Uint32Array => Uint32Array.from([...numbers].flatMap((number) => members[number]));
  const intervals = percentileIntervals([all.subarray(0, members.length)], (numbers) => measures(drawn(numbers)), options);
  return measures(all).map((value, i) => ({ value, ...intervals[i] }));
};
