import type { Config } from "./config.ts";
import { GRADES, gradeOf, type PatternAreas } from "./grade.ts";
import type { GradeLimits, MappedSlide } from "./learn-limits.ts";

/** Areas, in shares of the tissue, that a map without a pattern may have missed. */
const OVERLOOKED = 0.005;
const STEP = 0.1;
const FARTHEST = 3;

/** The directions in which three areas can be wrong. */
const DIRECTIONS = [-1, 0, 1].flatMap((three) =>
  [-1, 0, 1].flatMap((four) => [-1, 0, 1].map((five) => [three, four, five] as const)),
);

/**
 * How plausible each grade is, given a map, [6] in 0 .. 1: exp(-d), d being the least factor, on a logarithmic scale, by which the areas of
 * the patterns must be wrong for the table to give that grade:
 *
 *   d(g) = min { max_k |t_k| : table((a_k + c) exp(t_k) - c) = g },   c = 0.5 % of the tissue
 *
 * in steps of 0.1 up to 3; beyond, a grade has the plausibility 0. The map's own grade has 1. These are no probabilities, but they order
 * what a conformal calibration (`calibrateConformal`) needs: a map near a limit of the table is unsure, and between which grades.
 */
export const plausibleGrades = (
  { cancer, tissue }: Pick<MappedSlide, "cancer" | "tissue">,
  { secondary, minimumCancer, minimumPattern }: Pick<Config["grade"], "secondary"> & GradeLimits,
): number[] => {
  const plausible = new Array<number>(GRADES).fill(0);
  const gradeAt = (areas: PatternAreas) =>
    gradeOf(areas, { secondary, minimumPattern, minimumCancer: minimumCancer * tissue }).isup;
  plausible[gradeAt(cancer)] = 1;
  const least = OVERLOOKED * tissue;
  for (let step = 1; step * STEP <= FARTHEST; step++) {
    for (const direction of DIRECTIONS) {
      const moved = cancer.map((area, k) => Math.max(0, (area + least) * Math.exp(direction[k] * step * STEP) - least));
      const grade = gradeAt(moved as [number, number, number]);
      plausible[grade] = Math.max(plausible[grade], Math.exp(-step * STEP));
    }
  }
  return plausible;
};
