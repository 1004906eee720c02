/** A Gleason pattern of cancer. */
export type Pattern = 3 | 4 | 5;

/** An ISUP grade, the prognosis: 0 is no cancer. */
export type IsupGrade = 0 | 1 | 2 | 3 | 4 | 5;

/** How many ISUP grades there are. */
export const GRADES = 6;

/** Areas of the patterns 3, 4 and 5, in pixels or in shares of what is graded. */
export type PatternAreas = readonly [number, number, number];

export interface GradeOptions {
  /**
   * The secondary pattern is the second most frequent ("second-most", default), or the worst of those left ("worst", the practice
   * for needle biopsies). It is the primary pattern again when no other one is present.
   */
  readonly secondary?: "second-most" | "worst";
  /** Less cancer than this is none; in the unit of the areas. Default 0: any cancer counts. */
  readonly minimumCancer?: number;
  /** A pattern with less than this share of the cancer is not secondary, so that stray pixels decide nothing. Default 0. */
  readonly minimumPattern?: number;
}

/** A Gleason score, primary + secondary pattern, and its grade; all 0 without cancer. */
export type Gleason =
  | { readonly primary: Pattern; readonly secondary: Pattern; readonly isup: Exclude<IsupGrade, 0> }
  | { readonly primary: 0; readonly secondary: 0; readonly isup: 0 };

/** Grade groups (Epstein et al. 2016, "The 2014 ISUP consensus conference on Gleason grading"): ISUP[primary][secondary]. */
const ISUP = {
  3: { 3: 1, 4: 2, 5: 4 },
  4: { 3: 3, 4: 4, 5: 5 },
  5: { 3: 4, 4: 5, 5: 5 },
} as const;

const PATTERNS: readonly Pattern[] = [3, 4, 5];

/**
 * The Gleason score and ISUP grade of pattern areas: the primary pattern is the most frequent one. Of equal areas the higher
 * pattern counts as the more frequent. Patches, their masks and stitched maps of slides are all graded by this table.
 *
 * @throws RangeError when an area is negative or not a number, or an option is out of its range.
 */
export const gradeOf = (areas: PatternAreas, options: GradeOptions = {}): Gleason => {
  const { secondary: convention = "second-most", minimumCancer = 0, minimumPattern = 0 } = options;
  requireAreas(areas);
  requireLimits(minimumCancer, minimumPattern);
  const cancer = areas[0] + areas[1] + areas[2];
  if (cancer === 0 || cancer < minimumCancer) return { primary: 0, secondary: 0, isup: 0 };
  const areaOf = (pattern: Pattern): number => areas[pattern - 3];
  const [primary, ...rest] = PATTERNS.toSorted((a, b) => areaOf(b) - areaOf(a) || b - a);
  const present = rest.filter((pattern) => areaOf(pattern) > 0 && areaOf(pattern) >= minimumPattern * cancer);
  const secondary = (convention === "worst" ? present.toSorted((a, b) => b - a)[0] : present[0]) ?? primary;
  return { primary, secondary, isup: ISUP[primary][secondary] };
};

/**
 * How many pixels show each pattern.
 *
 * @param labels a class number a pixel.
 * @param patternOfClass the pattern of each class, 0 for what is not cancer. Default: the classes 0 normal, 1, 2, 3 are 0, 3, 4, 5.
 */
export const patternAreas = (
  labels: ArrayLike<number>,
  patternOfClass: readonly (Pattern | 0)[] = [0, 3, 4, 5],
): [number, number, number] => {
  const areas: [number, number, number] = [0, 0, 0];
  for (let i = 0; i < labels.length; i++) {
    const pattern = patternOfClass[labels[i]];
    if (pattern > 0) areas[pattern - 3]++;
  }
  return areas;
};

/** @throws RangeError naming the limit of `GradeOptions` that is out of its range. */
export const requireLimits = (minimumCancer: number, minimumPattern: number): void => {
  if (!(minimumCancer >= 0)) throw new RangeError(`The minimum area of cancer is ${minimumCancer}; it must be at least 0.`);
  if (!(minimumPattern >= 0 && minimumPattern <= 0.5)) {
    throw new RangeError(`The minimum share of a pattern is ${minimumPattern}; it must lie in 0 .. 0.5.`);
  }
};

const requireAreas = (areas: readonly number[]): void => {
  if (areas.length !== 3 || areas.some((area) => !(area >= 0))) {
    throw new RangeError(`The areas of the patterns 3, 4 and 5 must be three numbers of at least 0, not ${areas.join(", ")}.`);
  }
};
