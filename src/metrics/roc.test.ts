import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { precisionRecallCurve, rocCurve } from "./curves.ts";
import { confusionAt, imageAuroc, imageRoc } from "./image-measures.ts";
import { averagePrecision, maximumF1 } from "./precision-recall.ts";
import { rank } from "./ranking.ts";
import { areaUnderRoc, OneClassError, rocOf } from "./roc.ts";

/** Small whole scores, so that ties are common, with both classes present. */
const cases = fc
  .array(fc.record({ score: fc.integer({ min: -6, max: 6 }), label: fc.integer({ min: 0, max: 1 }) }), { minLength: 2 })
  .filter((samples) => new Set(samples.map(({ label }) => label)).size === 2)
  .map((samples) => ({
    scores: Float32Array.from(samples, ({ score }) => score),
    labels: samples.map(({ label }) => label),
  }));

describe("area under the ROC curve", () => {
  test("is the share of pairs in the right order, ties counting half", () => {
    fc.assert(
      fc.property(cases, ({ scores, labels }) => {
        let right = 0;
        let pairs = 0;
        for (const [i, anomalous] of labels.entries()) {
          for (const [j, other] of labels.entries()) {
            if (!anomalous || other) continue;
            pairs++;
            right += scores[i] > scores[j] ? 1 : scores[i] === scores[j] ? 0.5 : 0;
          }
        }
        expect(imageAuroc(scores, labels)).toBeCloseTo(right / pairs, 12);
      }),
    );
  });

  test("turns into its complement when scores are negated and keeps under increasing maps", () => {
    fc.assert(
      fc.property(cases, ({ scores, labels }) => {
        const area = imageAuroc(scores, labels);
        expect(
          imageAuroc(
            scores.map((score) => -score),
            labels,
          ),
        ).toBeCloseTo(1 - area, 12);
        expect(imageAuroc(scores.map(Math.exp), labels)).toBe(area);
        expect(
          imageAuroc(
            scores.map((score) => 1 / (7 - score)),
            labels,
          ),
        ).toBe(area);
      }),
    );
  });

  test("takes -0 and 0 as equal and infinities as the extremes", () => {
    expect(imageAuroc(Float32Array.of(-0, 0), [1, 0])).toBe(0.5);
    expect(imageAuroc(Float32Array.of(Infinity, 1, -Infinity, 0), [1, 1, 0, 0])).toBe(1);
  });

  test("a weighted sample counts like so many equal samples", () => {
    fc.assert(
      fc.property(cases, fc.constantFrom(0.1, 0.3, 1), ({ scores, labels }, limit) => {
        const groups = Int32Array.from(labels, (label, i) => label * (1 + (i % 3)));
        const weights = Float64Array.of(Number.NaN, 1, 2, 3);
        const repeated = labels.flatMap((label, i) => Array<number>(label ? weights[groups[i]] : 1).fill(i));
        const expected = areaUnderRoc(
          imageRoc(
            Float32Array.from(repeated, (i) => scores[i]),
            repeated.map((i) => labels[i]),
          ),
          limit,
        );
        expect(areaUnderRoc(rocOf(rank([{ scores, groups }]), weights), limit)).toBeCloseTo(expected, 12);
      }),
    );
  });

  test("stops at the limit, between two corners too", () => {
    // Corners (0, 0), (0, 0.5), (0.5, 0.5), (0.5, 1), (1, 1); then a tie that makes one slanted piece.
    const steps = imageRoc(Float32Array.of(4, 3, 2, 1), [1, 0, 1, 0]);
    expect([0.25, 0.5, 0.75, 1].map((limit) => areaUnderRoc(steps, limit))).toEqual([0.5, 0.5, 2 / 3, 0.75]);
    expect(areaUnderRoc(imageRoc(Float32Array.of(1, 1), [1, 0]), 0.3)).toBeCloseTo(0.15, 12);
  });

  test("refuses a missing class, bad limits and bad weights in a sentence", () => {
    expect(() => imageAuroc(Float32Array.of(1, 2), [0, 0])).toThrow(OneClassError);
    expect(() => imageAuroc(Float32Array.of(1, 2), [0, 0])).toThrow(/no anomalous sample/);
    expect(() => averagePrecision(imageRoc(Float32Array.of(1), [1]))).toThrow(/average precision.*no normal sample/);
    expect(() => maximumF1(imageRoc(new Float32Array(0), []))).toThrow(OneClassError);
    expect(() => areaUnderRoc(imageRoc(Float32Array.of(1, 2), [0, 1]), 0)).toThrow(/limit is 0/);
    expect(() => imageRoc(Float32Array.of(1, 2), [0])).toThrow(/2 scores but 1 labels/);
    expect(() => imageRoc(Float32Array.of(1, Number.NaN), [0, 1])).toThrow(/score at index 1 is NaN/);
    expect(() => confusionAt(Float32Array.of(1), [0], Number.NaN)).toThrow(/threshold is NaN/);
    const ranking = rank([{ scores: Float32Array.of(1, 2), groups: Int32Array.of(0, 1) }]);
    expect(() => rocOf(ranking, Float64Array.of(0, 0))).toThrow(/Group 1 weighs 0/);
  });
});

test("of equally good thresholds the maximal F1 takes the highest", () => {
  const { value, threshold } = maximumF1(imageRoc(Float32Array.of(4, 3, 2, 1), [1, 0, 0, 1]));
  expect([value, threshold]).toEqual([2 / 3, 4]);
});

describe("curves", () => {
  test("each ROC point is the pair of rates at its threshold, and the points enclose the area", () => {
    fc.assert(
      fc.property(cases, ({ scores, labels }) => {
        const curve = rocCurve(imageRoc(scores, labels));
        let area = 0;
        for (const [i, threshold] of curve.thresholds.entries()) {
          const { truePositives, falseNegatives, falsePositives, trueNegatives } = confusionAt(scores, labels, threshold);
          expect(curve.truePositiveRates[i]).toBeCloseTo(truePositives / (truePositives + falseNegatives), 12);
          expect(curve.falsePositiveRates[i]).toBeCloseTo(falsePositives / (falsePositives + trueNegatives), 12);
          if (i === 0) continue;
          const run = curve.falsePositiveRates[i] - curve.falsePositiveRates[i - 1];
          area += (run * (curve.truePositiveRates[i] + curve.truePositiveRates[i - 1])) / 2;
        }
        expect(area).toBeCloseTo(imageAuroc(scores, labels), 12);
        expect([curve.truePositiveRates.at(-1), curve.falsePositiveRates.at(-1)]).toEqual([1, 1]);
      }),
    );
  });

  test("the precision-recall curve contains the best F1 and ends at recall 1", () => {
    fc.assert(
      fc.property(cases, ({ scores, labels }) => {
        const roc = imageRoc(scores, labels);
        const { precisions, recalls, thresholds } = precisionRecallCurve(roc);
        const f1 = Array.from(precisions, (precision, i) => (2 * precision * recalls[i]) / (precision + recalls[i] || 1));
        expect(Math.max(...f1)).toBeCloseTo(maximumF1(roc).value, 12);
        const best = confusionAt(scores, labels, maximumF1(roc).threshold);
        const errors = best.falsePositives + best.falseNegatives;
        expect((2 * best.truePositives) / (2 * best.truePositives + errors)).toBeCloseTo(maximumF1(roc).value, 12);
        expect([recalls.at(-1), thresholds.at(-1)]).toEqual([1, Math.min(...scores)]);
      }),
    );
  });

  test("a resolution thins the points and keeps both ends", () => {
    const scores = Float32Array.from({ length: 4000 }, (_, i) => Math.sin(i * i) + (i % 2));
    const labels = Array.from(scores, (_, i) => i % 2);
    const thin = rocCurve(imageRoc(scores, labels), 0.02);
    expect(thin.thresholds.length).toBeLessThan(102);
    expect(thin.thresholds.length).toBeGreaterThan(40);
    expect([...rocCurve(imageRoc(Float32Array.of(4, 3, 2, 1), [1, 0, 1, 0]), 2).thresholds]).toEqual([Infinity, 4, 1]);
    expect([thin.truePositiveRates[0], thin.falsePositiveRates[0]]).toEqual([0, 0]);
    expect([thin.truePositiveRates.at(-1), thin.falsePositiveRates.at(-1)]).toEqual([1, 1]);
  });
});
