import { GraphError } from "../tensor.ts";
import type { Layer } from "./layers.ts";
import type { Range } from "./ranges.ts";
import { roundToEven } from "./rounding.ts";

/** The numbers scale (q - zero) for q = 0 .. 255. */
export interface Grid {
  readonly scale: number;
  readonly zero: number;
}

/** The smallest scale: smaller float32 numbers lose digits, and 0 is none. */
const SMALLEST_SCALE = 2 ** -126;

/** The grid over a range, widened to hold 0, so that padding and what was cut off by a Relu are exact. @throws GraphError without a finite range. */
export const uint8Grid = (name: string, range: Range | undefined): Grid => {
  if (range === undefined) {
    throw new GraphError(
      `The range of the value "${name}" is missing: give one for each of \`quantisableValues\` of this very model.`,
    );
  }
  const [low, high] = [Math.min(range.low, 0), Math.max(range.high, 0)];
  if (!Number.isFinite(high - low)) {
    throw new GraphError(
      `The range of the value "${name}", ${range.low} to ${range.high}, is not finite: the model overflows on these images.`,
    );
  }
  const scale = Math.max(Math.fround((high - low) / 255), SMALLEST_SCALE);
  return { scale, zero: Math.min(roundToEven(Math.abs(low) / scale), 255) };
};

/**
 * A weight as whole numbers -127 .. 127 with a scale for each output channel, the largest magnitude / 127. Where a bias comes in
 * units of this scale times that of what the layer takes, the scale is at least so large that 31 bits hold it.
 */
export const quantisedWeight = ({ weight: { data, shape }, axis, bias = [] }: Layer, inputScale?: number) => {
  const inner = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const channelAt = (index: number) => Math.floor(index / inner) % shape[axis];
  const largest = new Float64Array(shape[axis]);
  for (const [index, value] of data.entries()) largest[channelAt(index)] = Math.max(largest[channelAt(index)], Math.abs(value));
  const scales = Float32Array.from(largest, (magnitude, channel) => {
    const forBias = inputScale === undefined ? 0 : Math.abs(bias[channel] ?? 0) / inputScale / 2 ** 30;
    return Math.max(magnitude / 127, forBias, SMALLEST_SCALE);
  });
  const nearest = (value: number, index: number) => Math.max(-127, Math.min(127, roundToEven(value / scales[channelAt(index)])));
  return { integers: Int8Array.from(data, nearest), scales };
};
