import { expect, test } from "vitest";
import { random } from "../../random/index.ts";
import { gradeOf, type PatternAreas } from "./grade.ts";
import { learnLimits, type MappedSlide } from "./learn-limits.ts";

/** Slides whose maps show, beside what there is, false cancer on about `stray` of the tissue and patterns taken for the next one. */
const slides = (stray: number, mistaken: number, count = 120): MappedSlide[] =>
  Array.from({ length: count }, (_, index) => {
    const rng = random("slides", index);
    const share = index % 6 === 0 ? 0 : 0.2 + 0.3 * rng.uniform();
    const parts = [rng.uniform(), rng.uniform(), rng.uniform()].map((part) => (part < 0.3 ? 0 : part));
    const total = Math.max(parts[0] + parts[1] + parts[2], 1e-9);
    const truth = parts.map((part) => (100_000 * share * part) / total) as [number, number, number];
    const seen = truth.map((area) => area * (1 - mistaken)) as [number, number, number];
    for (const pattern of [0, 1, 2]) seen[Math.min(2, pattern + 1)] += truth[pattern] * mistaken;
    seen[index % 3] += 100_000 * stray * rng.uniform();
    return { cancer: seen as PatternAreas, tissue: 100_000, grade: gradeOf(truth, { minimumPattern: 0.02 }).isup };
  });

const usual = { minimumCancer: 0.02, minimumPattern: 0.05 };

test("a network without mistakes needs no limits but the pathologist's", () => {
  expect(learnLimits(slides(0, 0), "second-most", usual)).toEqual(usual);
});

test("limits grow with what the network mistakes, to about as much", () => {
  const { minimumCancer, minimumPattern } = learnLimits(slides(0.08, 0.12), "second-most", usual);
  expect(minimumCancer).toBeGreaterThanOrEqual(0.06);
  expect(minimumCancer).toBeLessThanOrEqual(0.15);
  expect(minimumPattern).toBeGreaterThanOrEqual(0.1);
  expect(minimumPattern).toBeLessThanOrEqual(0.3);
});

test("a few slides, or slides of one grade, teach nothing", () => {
  expect(learnLimits(slides(0.08, 0.12, 12), "second-most", usual)).toEqual(usual);
  const benign = slides(0.01, 0).filter(({ grade }) => grade === 0);
  expect(benign.length).toBeGreaterThanOrEqual(20);
  expect(learnLimits(benign, "second-most", usual)).toEqual(usual);
});
