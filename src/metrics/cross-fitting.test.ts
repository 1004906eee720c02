import { describe, expect, test } from "vitest";
import { random } from "../random/index.ts";
import { crossFittedThreshold } from "./cross-fitting.ts";
import { thresholdAtFalseAlarmRate } from "./false-alarm.ts";
import { foldsOf } from "./folds.ts";

type Scorer = (image: Float64Array) => number;

/** A small network's stand-in, which fits the images it is given too well: squared distance in units of their spread. */
const trained = (images: readonly Float64Array[]): Scorer => {
  const features = Array.from(images[0], (_, feature) => {
    const values = images.map((image) => image[feature]);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length };
  });
  return (image) => features.reduce((sum, { mean, variance }, i) => sum + (image[i] - mean) ** 2 / variance, 0);
};

describe("a threshold from cross-fitting", () => {
  test("is that of the pooled scores, with the rate that all of them support", () => {
    const folds = [Float32Array.of(5, 1, 3), Float32Array.of(2, 4), new Float32Array(0), Float32Array.of(9, 8, 7, 6)];
    const pooled = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9);
    for (const rate of [0.01, 0.1, 0.25, 0.5]) {
      expect(crossFittedThreshold(folds, rate)).toEqual(thresholdAtFalseAlarmRate(pooled, rate));
    }
    expect(crossFittedThreshold(folds, 0.01).attainedRate).toBeCloseTo(0.1, 12);
  });

  test("keeps the rate for the network trained on everything, which the scores of its own training images do not", () => {
    const source = random("cross-fitting");
    const draw = (count: number) => Array.from({ length: count }, () => Float64Array.from({ length: 8 }, () => source.normal()));
    const [rounds, fresh, rate] = [150, 40, 0.1];
    let [alarms, plainAlarms] = [0, 0];
    for (let round = 0; round < rounds; round++) {
      const images = draw(29);
      const foldOf = foldsOf(images.length, 5, round);
      const scoresByFold = Array.from({ length: 5 }, (_, fold) => {
        const score = trained(images.filter((_, i) => foldOf[i] !== fold));
        return Float32Array.from(images.filter((_, i) => foldOf[i] === fold).map(score));
      });
      const final = trained(images);
      const { threshold, attainedRate } = crossFittedThreshold(scoresByFold, rate);
      expect(attainedRate).toBeCloseTo(rate, 12);
      const plain = thresholdAtFalseAlarmRate(Float32Array.from(images.map(final)), rate).threshold;
      for (const image of draw(fresh)) {
        const score = Math.fround(final(image));
        if (score >= threshold) alarms++;
        if (score >= plain) plainAlarms++;
      }
    }
    // The network trained on everything fits better than those of the folds, so the rate lies a little below.
    expect(alarms / (rounds * fresh)).toBeLessThan(rate);
    expect(alarms / (rounds * fresh)).toBeGreaterThan(rate / 2);
    expect(plainAlarms / (rounds * fresh)).toBeGreaterThan(1.5 * rate);
  });

  test("names the fold of a bad score and refuses a single fold", () => {
    const good = Float32Array.of(1, 2);
    expect(() => crossFittedThreshold([good, Float32Array.of(3, NaN)], 0.1)).toThrow(/index 1 of fold 1 is NaN/);
    expect(() => crossFittedThreshold([good], 0.1)).toThrow(/scores of 1 folds/);
    expect(() => crossFittedThreshold([new Float32Array(0), new Float32Array(0)], 0.1)).toThrow(/no normal scores/);
    expect(() => crossFittedThreshold([good, good], 1)).toThrow(/rate is 1/);
  });
});
