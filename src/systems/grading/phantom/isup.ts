import type { GleasonPattern } from "./patterns.ts";

/** A pattern counts as secondary from this share of the cancer on; below, the slide is graded by its primary pattern alone. */
export const minimumShare = 0.05;

/**
 * The ISUP grade group of a slide from the areas of its Gleason patterns 3, 4 and 5, in any unit: primary = the largest,
 * secondary = the second largest if it has at least `minimumShare` of the cancer, else the primary again. No cancer -> 0; 3+3 -> 1,
 * 3+4 -> 2, 4+3 -> 3, 4+4, 3+5 and 5+3 -> 4, 4+5, 5+4 and 5+5 -> 5 (Epstein et al. 2016).
 */
export const isupGrade = (areas: Readonly<Record<GleasonPattern, number>>): number => {
  const total = areas[3] + areas[4] + areas[5];
  if (total === 0) return 0;
  const [primary, second] = ([3, 4, 5] as const).toSorted((a, b) => areas[b] - areas[a]);
  const secondary = areas[second] >= minimumShare * total ? second : primary;
  const sum = primary + secondary;
  if (sum === 6) return 1;
  if (sum === 7) return primary === 3 ? 2 : 3;
  return sum === 8 ? 4 : 5;
};
