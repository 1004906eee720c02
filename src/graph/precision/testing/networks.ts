import { random } from "../../../random/index.ts";
import * as graph from "../../index.ts";
import { constant, type Tensor } from "../../index.ts";

const count = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** Normal numbers of a standard deviation, the same for the same keys. */
export const normal = (shape: readonly number[], deviation: number, ...keys: (string | number)[]): Float32Array => {
  const rng = random("precision", ...keys);
  return Float32Array.from({ length: count(shape) }, () => deviation * rng.normal());
};

/** A weight as networks begin with: He et al. 2015. */
export const weight = (...shape: number[]): Tensor =>
  constant(normal(shape, Math.sqrt(2 / count(shape.slice(1))), "weight", ...shape), shape);

export const bias = (channels: number): Tensor => constant(normal([channels], 0.1, "bias", channels), [channels]);

/** What is left of batch normalisation in a frozen network: a scale and a shift for each channel, computed from constants. */
const normalised = (x: Tensor): Tensor => {
  const channels = x.shape[1] as number;
  const perChannel = (tensor: Tensor) => graph.reshape(tensor, [1, channels, 1, 1]);
  const variance = constant(
    normal([channels], 1, "variance").map((value) => value * value + 0.5),
    [channels],
  );
  const scale = graph.div(graph.add(bias(channels), 1), graph.sqrt(graph.add(variance, 1e-5)));
  return graph.add(graph.mul(x, perChannel(scale)), perChannel(graph.sub(bias(channels), graph.mul(bias(channels), scale))));
};

/** An encoder and decoder with a skip connection, pooling, and all kinds of layers: [batch, 3, 16, 16] -> [batch, 3, 16, 16]. */
export const network = (x: Tensor, width = 8): Tensor => {
  const wide = 2 * width;
  const top = graph.relu(normalised(graph.conv2d(x, weight(width, 3, 3, 3), { padding: 1 })));
  const skip = graph.leakyRelu(graph.conv2d(top, weight(width, width, 3, 3), { padding: 1, bias: bias(width) }), 0.1);
  const down = graph.relu(normalised(graph.conv2d(graph.maxPool2d(skip, 2), weight(wide, width, 3, 3), { padding: 1 })));
  const joined = graph.relu(graph.add(graph.conv2d(down, weight(wide, wide, 1, 1), { bias: bias(wide) }), down));
  const deep = graph.relu(graph.conv2d(joined, weight(wide, 1, 3, 3), { padding: 1, groups: wide, bias: bias(wide) }));
  const up = graph.relu(normalised(graph.convTranspose2d(deep, weight(wide, width, 2, 2), { stride: 2 })));
  const both = graph.concat([skip, up], 1);
  const last = graph.relu(graph.conv2d(both, weight(width, wide, 3, 3), { padding: 1, bias: bias(width) }));
  return graph.conv2d(last, weight(3, width, 3, 3), { padding: 1, bias: bias(3) });
};
