import { describe, expect, test } from "vitest";
import { random } from "../random/index.ts";
import { measuresOverCases } from "./case-bootstrap.ts";
import { confusionMatrix, quadraticKappa } from "./confusion-matrix.ts";
import { gradeMeasures, kappaDifference } from "./grade-measures.ts";
import { segmentationMeasures } from "./segmentation-measures.ts";

/** Grades of slides, and a prediction that is off by one or two in `errors` of them. */
const predictions = (count: number, errors: number, name: string): { reference: number[]; predicted: number[] } => {
  const source = random("grades");
  const reference = Array.from({ length: count }, () => source.integer(0, 5));
  const own = random(name);
  const predicted = reference.map((grade) =>
    own.uniform() < errors ? Math.min(5, Math.max(0, grade + (own.uniform() < 0.5 ? 1 : -2))) : grade,
  );
  return { reference, predicted };
};

describe("measures of grades", () => {
  const { reference, predicted } = predictions(90, 0.4, "first");

  test("values are those of all cases, inside intervals, the same for the same seed", () => {
    const measures = gradeMeasures(reference, predicted, 6, { replicates: 300 });
    const right = predicted.filter((grade, i) => grade === reference[i]).length / 90;
    expect(measures.quadraticKappa.value).toBe(quadraticKappa(confusionMatrix(reference, predicted, 6)));
    expect(measures.accuracy.value).toBeCloseTo(right, 12);
    expect(measures.confusion).toEqual(confusionMatrix(reference, predicted, 6));
    expect(measures.classes.map(({ support }) => support)).toEqual(
      [0, 1, 2, 3, 4, 5].map((c) => reference.filter((g) => g === c).length),
    );
    for (const { value, low, high } of [measures.accuracy, measures.quadraticKappa, measures.f1, measures.classes[2].recall]) {
      expect(low).toBeLessThan(value);
      expect(high).toBeGreaterThan(value);
    }
    // The accuracy's interval is that of a share of 90 cases.
    const deviation = Math.sqrt((right * (1 - right)) / 90);
    expect(measures.accuracy.high - measures.accuracy.low).toBeGreaterThan(1.6 * 1.96 * deviation);
    expect(measures.accuracy.high - measures.accuracy.low).toBeLessThan(2.4 * 1.96 * deviation);
    expect(gradeMeasures(reference, predicted, 6, { replicates: 300 })).toEqual(measures);
  });

  test("slides of one patient are drawn together: copies of a slide narrow no interval", () => {
    const copies = (grades: number[]): number[] => grades.flatMap((grade) => [grade, grade, grade, grade]);
    const groups = copies(reference.map((_, i) => i)).map(String);
    const width = (a: number[], b: number[], options: object): number => {
      const { low, high } = gradeMeasures(a, b, 6, { replicates: 400, ...options }).accuracy;
      return high - low;
    };
    const single = width(reference, predicted, {});
    const [grouped, alone] = [{ groups }, {}].map((options) => width(copies(reference), copies(predicted), options));
    expect(Math.abs(grouped / single - 1)).toBeLessThan(0.15);
    expect(alone / single).toBeLessThan(0.65);
  });

  test("what is undefined is NaN, and draws without it do not count", () => {
    const constant = gradeMeasures([2, 2, 2], [2, 2, 2], 6, { replicates: 20 });
    expect(constant.accuracy).toEqual({ value: 1, low: 1, high: 1 });
    expect(constant.quadraticKappa).toEqual({ value: Number.NaN, low: Number.NaN, high: Number.NaN });
    expect(constant.classes[0].f1.value).toBeNaN();
    const rare = gradeMeasures([0, 5, 5, 5], [0, 5, 5, 5], 6, { replicates: 200 });
    expect(rare.quadraticKappa).toEqual({ value: 1, low: 1, high: 1 });
    expect(() => gradeMeasures([], [], 6)).toThrow(/no cases/);
    expect(() => measuresOverCases(3, () => [0], { groups: ["a"] })).toThrow(/3 cases, but groups are given for 1/);
  });
});

describe("difference of kappas", () => {
  test("is paired: what is hard for both cancels out", () => {
    const { reference, predicted } = predictions(200, 0.5, "shared");
    // The other prediction is wrong wherever the first is, and by one grade in a few cases more.
    const worse = predicted.map((grade, i) => (i % 12 === 0 ? (grade + 3) % 6 : grade));
    const paired = kappaDifference(reference, predicted, worse, 6, { replicates: 500 });
    const single = gradeMeasures(reference, predicted, 6, { replicates: 500 }).quadraticKappa;
    const kappa = (grades: number[]): number => quadraticKappa(confusionMatrix(reference, grades, 6));
    expect(paired.value).toBeCloseTo(kappa(predicted) - kappa(worse), 12);
    expect(paired.low).toBeGreaterThan(0);
    const other = gradeMeasures(reference, worse, 6, { replicates: 500 }).quadraticKappa;
    expect(paired.high - paired.low).toBeLessThan(Math.hypot(single.high - single.low, other.high - other.low));
    expect(kappaDifference(reference, predicted, predicted, 6, { replicates: 50 })).toEqual({ value: 0, low: 0, high: 0 });
    const back = kappaDifference(reference, worse, predicted, 6, { replicates: 500 });
    expect(back.low).toBeCloseTo(-paired.high, 12);
    expect(() => kappaDifference(reference, predicted, [1], 6)).toThrow(/200 reference classes but 1/);
  });
});

describe("measures of segmentations", () => {
  const source = random("pixels");
  const images = Array.from({ length: 12 }, (_, image) => {
    const reference = Uint8Array.from({ length: 500 }, () => source.integer(0, 2));
    const predicted = reference.map((c) => (source.uniform() < 0.1 + image / 30 ? source.integer(0, 2) : c));
    return { reference, predicted };
  });
  const matrices = images.map(({ reference, predicted }) => confusionMatrix(reference, predicted, 4));

  test("Dice and intersection over union are those of the pixels of all images, in intervals over images", () => {
    const measures = segmentationMeasures(matrices, { replicates: 300 });
    const pixels = images.flatMap(({ reference, predicted }) => Array.from(reference, (r, i) => [r, predicted[i]]));
    for (const c of [0, 1, 2]) {
      const both = pixels.filter(([r, p]) => r === c && p === c).length;
      const [inReference, inPrediction] = [0, 1].map((k) => pixels.filter((pair) => pair[k] === c).length);
      const { dice, intersectionOverUnion, support } = measures.classes[c];
      expect(dice.value).toBeCloseTo((2 * both) / (inReference + inPrediction), 12);
      expect(intersectionOverUnion.value).toBeCloseTo(both / (inReference + inPrediction - both), 12);
      expect(support).toBe(inReference);
      // Images differ far more than 6000 independent pixels would.
      expect(dice.high - dice.low).toBeGreaterThan(0.06);
    }
    expect(measures.classes[3].dice.value).toBeNaN();
    const mean = [0, 1, 2].reduce((sum, c) => sum + measures.classes[c].dice.value / 3, 0);
    expect(measures.meanDice.value).toBeCloseTo(mean, 12);
    expect(measures.meanDice.low).toBeLessThan(mean);
    const ofTwo = segmentationMeasures(matrices, { replicates: 300, meanOf: [1, 2, 3] }).meanDice.value;
    expect(ofTwo).toBeCloseTo((measures.classes[1].dice.value + measures.classes[2].dice.value) / 2, 12);
    expect(() => segmentationMeasures([])).toThrow(/no cases/);
  });
});
