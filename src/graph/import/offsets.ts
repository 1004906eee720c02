import { operationsOf } from "../gradients.ts";
import type { Operation, Tensor } from "../tensor.ts";

/** Of the positions of a map: where the first one looks, and how far apart two are, in pixels down and to the right. */
interface Grid {
  readonly first: readonly [number, number];
  readonly step: readonly [number, number];
}

/**
 * How far the middle of what a position of a feature map sees lies from the middle of the square of pixels that stands for it when the map
 * is laid over the image, in pixels [down, right]. With windows of k pixels, s apart, of which the first begins p before the edge, positions
 * lie at `first + ((k - 1) d / 2 - p) step`, and `step s` apart. A network that pads both sides alike looks up and to the left of its squares, by
 * (stride - 1) / 2; one with TensorFlow's padding, down and to the right.
 */
export const offsetOf = (image: Tensor, map: Tensor): readonly [number, number] => {
  const grids = new Map<Operation, Grid>();
  const gridOf = (tensor: Tensor): Grid | undefined => {
    if (tensor === image) return { first: [0, 0], step: [1, 1] };
    return tensor.origin.kind === "operation" ? grids.get(tensor.origin.operation) : undefined;
  };
  for (const operation of operationsOf([map])) {
    const seen = operation.inputs.map(gridOf).find((grid) => grid !== undefined);
    if (seen !== undefined) grids.set(operation, after(operation, seen));
  }
  const { first, step } = gridOf(map) ?? { first: [0, 0], step: [1, 1] };
  return [first[0] - (step[0] - 1) / 2, first[1] - (step[1] - 1) / 2];
};

const after = ({ operator, attributes, inputs }: Operation, { first, step }: Grid): Grid => {
  const numbers = (name: string): readonly number[] | undefined => attributes[name] as readonly number[] | undefined;
  const each = (of: (axis: 0 | 1) => number): readonly [number, number] => [of(0), of(1)];
  if (operator === "Conv" || operator === "MaxPool" || operator === "AveragePool") {
    const kernel = numbers("kernel_shape") ?? [1, 1];
    const [strides, pads, dilations] = [numbers("strides") ?? [1, 1], numbers("pads") ?? [0, 0], numbers("dilations") ?? [1, 1]];
    return {
      first: each((axis) => first[axis] + (((kernel[axis] - 1) * dilations[axis]) / 2 - pads[axis]) * step[axis]),
      step: each((axis) => step[axis] * strides[axis]),
    };
  }
  const amounts = inputs[1]?.origin;
  if (operator === "Pad" && inputs[0].rank === 4 && amounts?.kind === "constant") {
    return { first: each((axis) => first[axis] - Number(amounts.data[2 + axis]) * step[axis]), step };
  }
  return { first, step };
};
