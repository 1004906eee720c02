import { expect, test } from "vitest";
import { calibrateConformal, predictionSet } from "../../metrics/index.ts";
import { random } from "../../random/index.ts";
import { gradeOf, type PatternAreas } from "./grade.ts";
import { plausibleGrades } from "./plausible-grades.ts";

const rule = { secondary: "second-most", minimumCancer: 0.02, minimumPattern: 0.05 } as const;
const of = (...cancer: [number, number, number]) => plausibleGrades({ cancer, tissue: 1000 }, rule);

test("the map's own grade is the most plausible, and a grade is the more so the less the areas must be wrong", () => {
  expect(of(300, 0, 0).indexOf(1)).toBe(1);
  const [far, near] = [of(300, 100, 0), of(210, 190, 0)]; // 3+4, next to 4+3
  expect(far[2]).toBe(1);
  expect(near[2]).toBe(1);
  // ln(300 / 100) / 2 = 0.55 with both areas wrong, ln(210 / 190) / 2 = 0.05; in steps of 0.1, and some more for what may be overlooked.
  expect(-Math.log(far[3])).toBeCloseTo(0.6, 6);
  expect(-Math.log(near[3])).toBeCloseTo(0.1, 6);
  // Without cancer at all, the most plausible mistake is the cancer that was overlooked: 5 of 1000 must become 25.
  const benign = of(0, 0, 0);
  expect(benign[0]).toBe(1);
  expect(Math.max(...benign.slice(1))).toBeLessThan(0.5);
});

test("calibrated, the sets hold the grade as often as was asked, and are wider for maps near a limit", () => {
  /** Slides whose map is wrong by some factor in each pattern. */
  const slides = Array.from({ length: 600 }, (_, index) => {
    const rng = random("slide", index);
    const truth = [0, 1, 2].map(() => (rng.uniform() < 0.4 ? 0 : 400 * rng.uniform())) as [number, number, number];
    const cancer = truth.map((area) => area * Math.exp(0.7 * rng.normal())) as unknown as PatternAreas;
    return {
      grade: gradeOf(truth, { ...rule, minimumCancer: 20 }).isup,
      plausible: plausibleGrades({ cancer, tissue: 1000 }, rule),
    };
  });
  const [learnt, unseen] = [slides.slice(0, 300), slides.slice(300)];
  const calibration = calibrateConformal(
    learnt.map(({ plausible }) => plausible),
    learnt.map(({ grade }) => grade),
    0.1,
  );
  const sets = unseen.map(({ plausible }) => predictionSet(plausible, calibration));
  const covered = unseen.filter(({ grade }, i) => sets[i].includes(grade)).length / unseen.length;
  expect(covered).toBeGreaterThan(0.85);
  expect(sets.some((set) => set.length === 1)).toBe(true);
  expect(sets.some((set) => set.length > 1)).toBe(true);
});
