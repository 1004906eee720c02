import { type Dimension, type FeatureMap, input, lastOfEachStride, readFunction, type Shape } from "../graph/index.ts";
import { shown } from "./output.ts";

/** Height and width of the image that a model is asked about, where its file leaves them open. */
const SIZE = 256;

export interface FeatureMapList {
  /** Of the image, in pixels. */
  readonly height: number;
  readonly width: number;
  readonly maps: readonly FeatureMap[];
}

/**
 * The last feature map of each stride of a model that takes an image: its first float32 input [batch, channels, height, width] or
 * [batch, height, width, channels], of 1 or 3 channels. Sizes that the file fixes are kept; others are 1 image of 256 x 256 pixels.
 * Undefined where it has no such input or cannot be read: such a list is no reason to fail.
 */
export const listFeatureMaps = (bytes: Uint8Array): FeatureMapList | undefined => {
  try {
    const model = readFunction(bytes);
    const image = model.inputs.find(({ type, shape }) => type === "float32" && shape.length === 4);
    if (image === undefined) return undefined;
    const lists = imageShapes(image.shape).map(({ shape, height, width }) => ({
      height,
      width,
      maps: lastOfEachStride({ ...model, inputs: [image] }, input(image.name, shape)),
    }));
    const [longest] = lists.filter(({ maps }) => maps.length > 0).sort((a, b) => b.maps.length - a.maps.length);
    return longest;
  } catch {
    return undefined;
  }
};

/** The shapes that an image for this input may have: more than one where the file does not say which axis the channels are. */
const imageShapes = (sizes: Shape): { shape: number[]; height: number; width: number }[] => {
  const counts = (axis: number): number[] => (typeof sizes[axis] === "string" ? [3, 1] : [sizes[axis]]);
  const known = [1, 3].filter((axis) => sizes[axis] === 1 || sizes[axis] === 3);
  const open = [1, 3].filter((axis) => typeof sizes[axis] === "string");
  return (known.length > 0 ? known : open).flatMap((channelAxis) =>
    counts(channelAxis).map((channels) => {
      const otherwise = (axis: number): number => (axis === 0 ? 1 : axis === channelAxis ? channels : SIZE);
      const shape = sizes.map((size: Dimension, axis) => (typeof size === "number" ? size : otherwise(axis)));
      const [height, width] = channelAxis === 1 ? shape.slice(2) : shape.slice(1, 3);
      return { shape, height, width };
    }),
  );
};

/** The list for people. */
export const formatFeatureMaps = ({ height, width, maps }: FeatureMapList): string =>
  [
    `Feature maps (at ${height} x ${width}):`,
    ...maps.map(
      ({ stride, name, channels, shape }) =>
        `  stride ${stride}: ${shown(name)}, ${channels} channels, ${shape.slice(2).join(" x ")}`,
    ),
  ].join("\n");
