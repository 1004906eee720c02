import { cast, input, mul, softmax, type Tensor, transpose } from "../../graph/index.ts";
import type { Parameters } from "../../nn/index.ts";
import { classesOf } from "./classes.ts";
import type { Config } from "./config.ts";
import { type SegmentationOptions, segmentation } from "./network/index.ts";
import { presets } from "./network/presets.ts";

/** The network that a configuration asks for. */
export const networkOptions = ({ network, classes }: Pick<Config, "network" | "classes">): SegmentationOptions => ({
  ...presets.small.network,
  ...network,
  auxiliaryChannels: network.auxiliaryChannels ?? network.channels,
  classes: classesOf(classes).length,
});

/**
 * The network as it is exported: `patches`, 8-bit RGB [batch, size, size, 3] at the magnification of the configuration -> `probabilities`
 * [batch, classes, size, size], which sum to 1 over the classes.
 */
export const grader = (p: Parameters, config: Config): { readonly patches: Tensor; readonly probabilities: Tensor } => {
  const patches = input("patches", ["batch", config.patch, config.patch, 3], "uint8");
  const x = mul(cast(transpose(patches, [0, 3, 1, 2]), "float32"), 1 / 255);
  return { patches, probabilities: softmax(segmentation(p, x, networkOptions(config)).logits, 1) };
};
