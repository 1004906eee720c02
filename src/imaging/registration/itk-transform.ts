import { type Affine, affineOf } from "../volumes/index.ts";

/** ITK's classes whose parameters are a matrix by rows and a translation, and whose fixed parameters are a centre. */
const CLASSES = /^(MatrixOffsetTransformBase|AffineTransform)_(double|float)_3_3$/;

/**
 * The transform of an ITK text file (.txt, .tfm), as ITK, ANTs and 3D Slicer write them: matrix M by rows, translation t, centre c;
 * x -> M (x - c) + c + t, patient coordinates in mm, LPS+, from the fixed volume to the moving one. `name` is what an error calls it.
 * @throws RangeError when it is no such file, holds other than one transform, or one that is not affine.
 */
export const parseItkTransform = (text: string, name = "The transform"): Affine => {
  const fail = (problem: string): never => {
    throw new RangeError(`${name} cannot be read: ${problem}`);
  };
  if (!text.startsWith("#Insight Transform File V1"))
    fail('it is no ITK transform file, which begins with "#Insight Transform File V1.0".');
  const lines = (key: string): string[] =>
    text
      .split(/\r?\n/)
      .filter((line) => line.startsWith(`${key}:`))
      .map((line) => line.slice(key.length + 1).trim());
  const numbers = (key: string, count: number): number[] => {
    const values = (lines(key)[0] ?? "").split(/\s+/).filter(Boolean).map(Number);
    if (values.length !== count || !values.every(Number.isFinite)) fail(`its "${key}" are not ${count} numbers.`);
    return values;
  };
  const kinds = lines("Transform");
  if (kinds.length !== 1) fail(`it holds ${kinds.length} transforms, not one.`);
  if (!CLASSES.test(kinds[0])) fail(`a transform of the kind "${kinds[0]}" is not an affine one in 3 dimensions.`);
  const [a, b, c, d, e, f, g, h, i, tx, ty, tz] = numbers("Parameters", 12);
  const [x, y, z] = numbers("FixedParameters", 3);
  return affineOf(
    [
      [a, b, c],
      [d, e, f],
      [g, h, i],
    ],
    [tx + x - (a * x + b * y + c * z), ty + y - (d * x + e * y + f * z), tz + z - (g * x + h * y + i * z)],
  );
};

/** The same file of a transform, which ITK, ANTs and 3D Slicer read. */
export const itkTransform = (t: Affine): string =>
  [
    "#Insight Transform File V1.0",
    "#Transform 0",
    "Transform: AffineTransform_double_3_3",
    `Parameters: ${[0, 1, 2, 4, 5, 6, 8, 9, 10, 3, 7, 11].map((at) => t[at]).join(" ")}`,
    "FixedParameters: 0 0 0",
    "",
  ].join("\n");
