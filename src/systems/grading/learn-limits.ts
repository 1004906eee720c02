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

/** From fewer slides nothing is learnt. */
export const LEAST_SLIDES = 20;

/**
 * The limits under which the table grades these slides' maps with the highest quadratic weighted kappa. How many pixels a network takes
 * for cancer where there is none, or for another pattern, is its own; pathologists' limits suppose that there are none. Of limits that do
 * equally well, those nearest to `usual`; `usual` itself where there are fewer than `LEAST_SLIDES` slides, or all are of one grade.
 */
export const learnLimits = (
  slides: readonly MappedSlide[],
  secondary: GradeOptions["secondary"],
  usual: GradeLimits,
): GradeLimits => {
  const reference = slides.map(({ grade }) => grade);
  if (slides.length < LEAST_SLIDES || new Set(reference).size < 2) return usual;
  const kappaOf = ({ minimumCancer, minimumPattern }: GradeLimits): number => {
    const grades = slides.map(
      ({ cancer, tissue }) => gradeOf(cancer, { secondary, minimumCancer: minimumCancer * tissue, minimumPattern }).isup,
    );
    return quadraticKappa(confusionMatrix(reference, grades, GRADES));
  };
  const farFrom = (limits: GradeLimits): number =>
    Math.abs(limits.minimumCancer - usual.minimumCancer) + Math.abs(limits.minimumPattern - usual.minimumPattern);
  let best = { limits: usual, kappa: kappaOf(usual) };
  for (const minimumCancer of CANCER) {
    for (const minimumPattern of PATTERN) {
      const limits = { minimumCancer, minimumPattern };
      const kappa = kappaOf(limits);
      const nearer = kappa === best.kappa && farFrom(limits) < farFrom(best.limits);
      if (kappa > best.kappa || nearer) best = { limits, kappa };
    }
  }
  return best.limits;
};
