import { abs, filterMatrix, gaussianKernel, max, mean, separable, sub } from "../graph/index.ts";
import { imageInput, preprocess } from "../imaging/index.ts";
import type { RuntimeOptions } from "../runtime/index.ts";
import { type DetectorDescription, writeDetector } from "./contract.ts";
import type { EvaluationOptions } from "./evaluate.ts";

/** A detector to hold others against, which needs no training but may be fitted in seconds. */
export interface Baseline {
  readonly name: string;
  /** Its model file, for the normal training images of a data set. */
  model(data: string, options: RuntimeOptions & EvaluationOptions): Promise<Uint8Array>;
}

/**
 * A detector without learning, for comparison: how far each pixel is from its blurred surroundings,
 * `G2 * |x - G4 * x|` (Gaussians of 2 and 4 pixels), score = the largest value. It finds specks on plain surfaces
 * and fails where normal texture is as strong as the defects.
 */
export const blurredDifference = (size: number): Uint8Array => {
  const options = { size, channels: 1, aspect: "stretch", depth: 8 } as const;
  const image = imageInput();
  const { x, toImage } = preprocess(image, options);
  const blur = (sigma: number) => filterMatrix(size, gaussianKernel(sigma));
  const difference = abs(sub(x, separable(x, blur(4), blur(4))));
  const map = mean(separable(difference, blur(2), blur(2)), [1], { keepAxes: true });
  const description: DetectorDescription = {
    system: "blurred difference",
    preprocess: options,
    imageScore: { kind: "max" },
    config: { size },
    threshold: undefined,
    provenance: {},
  };
  return writeDetector({ image, map: toImage(map), score: max(map) }, description);
};
