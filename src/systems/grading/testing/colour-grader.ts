import { cast, constant, conv2d, input, mul, softmax, transpose } from "../../../graph/index.ts";
import { type Config, type ConfigInput, configSchema } from "../config.ts";
import { type GraderDescription, writeGrader } from "../segmenter.ts";

/** What `paintTissue` paints, by class of the table `radboud`: glass; stroma; what does not occur; crowded tissue, and its nuclei. */
const COLOURS = [
  [244, 243, 244],
  [222, 116, 227],
  [0, 255, 0],
  [226, 147, 233],
  [77, 56, 147],
  [0, 0, 0],
];

/** The higher, the surer it is of the nearest colour. */
const SHARPNESS = 5;

/** Settings for pictures of 1 micrometre a pixel, without a network of their own. */
export const colourConfig = (given: ConfigInput = {}): Config =>
  configSchema.parse({ patch: 32, ...given, slide: { micronsPerPixel: 1, ...given.slide } });

/**
 * A grader that knows classes by colour: probabilities are softmax(-SHARPNESS |x - colour|^2), so what it says of a picture can be foretold.
 */
export const colourGrader = (
  config: Config,
  { grading, provenance = { seed: 7 } }: Partial<Pick<GraderDescription, "grading" | "provenance">> = {},
): Uint8Array => {
  const patches = input("patches", ["batch", config.patch, config.patch, 3], "uint8");
  const x = mul(cast(transpose(patches, [0, 3, 1, 2]), "float32"), 1 / 255);
  const colours = COLOURS.map((colour) => colour.map((value) => value / 255));
  const weights = constant(
    Float32Array.from(colours.flat(), (value) => 2 * SHARPNESS * value),
    [COLOURS.length, 3, 1, 1],
  );
  const bias = Float32Array.from(colours, (colour) => -SHARPNESS * colour.reduce((sum, value) => sum + value ** 2, 0));
  const logits = conv2d(x, weights, { bias: constant(bias, [COLOURS.length]) });
  return writeGrader({ patches, probabilities: softmax(logits, 1) }, { config, grading, provenance });
};
