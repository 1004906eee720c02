import { confusionMatrix, quadraticKappa } from "../../metrics/index.ts";
import { GRADES, type GradeOptions, gradeOf, type PatternAreas } from "./grade.ts";

/** What of a map is too little to decide its grade; see `GradeOptions`. */
export interface GradeLimits {
  /** Share of the tissue. */
  readonly minimumCancer: number;
  /** Share of the cancer. */
  readonly minimumPattern: number;
}

/** What a network saw on a slide that it was not trained on, and what a pathologist said. */
export interface MappedSlide {
  /** Pixels of the patterns 3, 4 and 5. */
  readonly cancer: PatternAreas;
  /** Pixels of tissue, cancer included. */
  readonly tissue: number;
  readonly grade: number;
}

const CANCER = [0, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.1, 0.12, 0.15, 0.2];
const PATTERN = [0, 0.02, 0.05, 0.08, 0.1, 0.15, 0.2, 0.25, 0.3];

/**
 * The limits under which the table grades these slides' maps with the highest quadratic weighted kappa. How many pixels a network takes
 * for cancer where there is none, or for another pattern, is its own; pathologists' limits suppose that there are none. Of equal
 * limits the first, the smallest.
 */
export const learnLimits = (slides: readonly MappedSlide[], secondary: GradeOptions["secondary"]): GradeLimits => {
  let best = { minimumCancer: 0, minimumPattern: 0, kappa: Number.NEGATIVE_INFINITY };
  const reference = slides.map(({ grade }) => grade);
  for (const minimumCancer of CANCER) {
    for (const minimumPattern of PATTERN) {
      const grades = slides.map(
        ({ cancer, tissue }) => gradeOf(cancer, { secondary, minimumCancer: minimumCancer * tissue, minimumPattern }).isup,
      );
      const kappa = quadraticKappa(confusionMatrix(reference, grades, GRADES));
      if (kappa > best.kappa) best = { minimumCancer, minimumPattern, kappa };
    }
  }
  return { minimumCancer: best.minimumCancer, minimumPattern: best.minimumPattern };
};
