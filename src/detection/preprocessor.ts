import { program, type Tensor } from "../graph/index.ts";
import { type Image, imageInput, type PreprocessOptions, preprocess } from "../imaging/index.ts";
import type { Runtime } from "../runtime/index.ts";

/** How the network takes an image, and the bits of the values it is given. */
export type NetworkInput = PreprocessOptions & { readonly depth: 8 | 16 };

/**
 * Runs the model's own preprocessing on a decoded image, or on a tile of one: the flat values of `keep`, which is given the network's
 * input, [1, channels, size, size] in [0, 1]; by default that input itself.
 */
export const openPreprocessor = async (
  runtime: Runtime,
  options: NetworkInput,
  keep: (x: Tensor) => Tensor = (x) => x,
): Promise<(image: Image) => Promise<Float32Array>> => {
  const image = imageInput(options.depth);
  const loaded = await runtime.load(program({ feeds: [image], results: { x: keep(preprocess(image, options).x) } }));
  return async ({ data, height, width }) => {
    const { x } = await loaded.run({ image: { data, shape: [height, width, 3] } });
    return x.data as Float32Array;
  };
};
