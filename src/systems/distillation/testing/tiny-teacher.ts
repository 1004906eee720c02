import { createHash } from "node:crypto";
import { constant, conv2d, input, relu, type Tensor, toOnnx, transpose } from "../../../graph/index.ts";
import type { TeacherFile } from "../teachers/index.ts";
import { noise } from "./graphs.ts";

// For tests alone: left out of the package.

export interface TinyTeacherOptions {
  /** Channels of the maps of strides 2, 4, 8, ... Default 4, 5, 6, 7. */
  readonly channels?: readonly number[];
  /** Its images are [batch, height, width, channels]. Default false. */
  readonly channelsLast?: boolean;
  /** Colours of its images. Default 3. */
  readonly colours?: number;
  /** Without padding, maps are smaller than the image divided by the stride. Default 1. */
  readonly padding?: number;
  readonly seed?: number;
}

/** An ONNX model of a few convolutions that each halve the size, for images of 64 x 64 pixels, or any size where that is not insisted on. Its maps are named `stride2`, `stride4`, ... */
export const tinyTeacher = (options: TinyTeacherOptions = {}): Uint8Array => {
  const { channels = [4, 5, 6, 7], channelsLast = false, colours = 3, padding = 1, seed = 0 } = options;
  const image = input("image", channelsLast ? [1, 64, 64, colours] : [1, colours, 64, 64]);
  let x: Tensor = channelsLast ? transpose(image, [0, 3, 1, 2]) : image;
  const outputs: Record<string, Tensor> = {};
  for (const [level, filters] of channels.entries()) {
    const before = level === 0 ? colours : channels[level - 1];
    const { shape, data } = noise([filters, before, 3, 3], "tiny teacher", seed, level);
    const weight = data.map((value) => value * Math.sqrt(2 / (9 * before)));
    const bias = noise([filters], "tiny teacher's bias", seed, level).data.map((value) => 0.1 * value);
    x = relu(conv2d(x, constant(weight, shape), { stride: 2, padding, bias: constant(bias, [filters]) }));
    outputs[`stride${2 ** (level + 1)}`] = x;
  }
  return toOnnx({ inputs: [image], outputs, name: "tiny" });
};

export const teacherFile = (bytes: Uint8Array, scaling: TeacherFile["scaling"] = "imagenet"): TeacherFile => ({
  name: "tiny.onnx",
  bytes,
  digest: createHash("sha256").update(bytes).digest("hex"),
  scaling,
});
