import { describe, expect, test } from "vitest";
import { createVolume, type LabelVolume } from "../../../imaging/volumes/index.ts";
import { random } from "../../../random/index.ts";
import { fitIntensityClassifier, type LabelledStudy } from "./intensity-classifier.ts";

const grid = { width: 40, height: 40, slices: 2, affine: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0] } as const;

/** Class 0 and 1 differ in spread alone on the first channel; class 4 is apart where both channels rise together. */
const made = (number: number, scale: number): LabelledStudy => {
  const stream = random("made", number);
  const labels = Uint8Array.from({ length: 3200 }, () => [0, 1, 4][stream.integer(0, 2)]);
  const channels = [new Float32Array(3200), new Float32Array(3200)];
  for (const [n, label] of labels.entries()) {
    const common = stream.normal(0, 20);
    channels[0][n] = scale * (100 + (label === 1 ? stream.normal(0, 30) : label === 4 ? common : stream.normal(0, 3)));
    channels[1][n] = 100 + (label === 4 ? common + stream.normal(0, 2) : stream.normal(0, 20));
  }
  return { channels: channels.map((data) => createVolume(grid, data)), labels: createVolume(grid, labels) };
};

const accuracy = (a: LabelVolume, b: LabelVolume): number =>
  a.data.filter((label, n) => label === b.data[n]).length / a.data.length;

describe("intensity classifier", () => {
  test("tells classes by spread and correlation, whatever the scanner's scale", () => {
    const classifier = fitIntensityClassifier([made(1, 1), made(2, 3)]);
    const test1 = made(3, 1);
    const found = classifier.classify(test1.channels);
    expect(accuracy(found, test1.labels)).toBeGreaterThan(0.7);
    const scaled = classifier.classify([
      createVolume(
        grid,
        test1.channels[0].data.map((value) => 7 * value),
      ),
      test1.channels[1],
    ]);
    expect(accuracy(scaled, found)).toBeGreaterThan(0.999);
  });

  test("says what does not fit", () => {
    expect(() => fitIntensityClassifier([])).toThrow(/there are none/);
    const classifier = fitIntensityClassifier([made(1, 1)]);
    expect(() => classifier.classify([made(1, 1).channels[0]])).toThrow(/has 2 channels, but 1/);
  });
});
