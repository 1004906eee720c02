import { expect, test } from "vitest";
import { applyAffine } from "../volumes/index.ts";
import { itkTransform, parseItkTransform } from "./index.ts";

const file = (kind: string, parameters: string, centre: string): string =>
  `#Insight Transform File V1.0\n#Transform 0\nTransform: ${kind}\nParameters: ${parameters}\nFixedParameters: ${centre}\n`;

test("a transform about a centre keeps the centre but for its shift", () => {
  const transform = parseItkTransform(file("MatrixOffsetTransformBase_double_3_3", "0 -1 0 1 0 0 0 0 2 5 6 7", "10 20 30"));
  expect(applyAffine(transform, [10, 20, 30])).toEqual([15, 26, 37]);
  expect(applyAffine(transform, [11, 20, 31])).toEqual([15, 27, 39]);
});

test("what is written is read back exactly", () => {
  const transform = [1.01, 0.1, -0.2, 3.25, -0.1, 0.99, 1 / 3, -4, 0.2, -0.3, 1, 1e-7] as const;
  expect(parseItkTransform(itkTransform(transform))).toEqual(transform);
});

test.each([
  ["hello", "it is no ITK transform file"],
  [file("BSplineTransform_double_3_3", "1 2", "3"), 'a transform of the kind "BSplineTransform_double_3_3" is not an affine one'],
  [file("AffineTransform_double_3_3", "1 0 0 0 1 0 0 0 1 0 0", "0 0 0"), 'its "Parameters" are not 12 numbers'],
  [file("AffineTransform_double_3_3", "1 0 0 0 1 0 0 0 1 0 0 0", "0 0 x"), 'its "FixedParameters" are not 3 numbers'],
  ["#Insight Transform File V1.0\n", "it holds 0 transforms, not one"],
])("another file is refused: %s", (text, problem) => {
  expect(() => parseItkTransform(text, "patient.txt")).toThrow(`patient.txt cannot be read: ${problem}`);
});
