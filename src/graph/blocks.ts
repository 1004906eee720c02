import { apply, type Dimension, formatShape, GraphError, requireRank, type Tensor } from "./tensor.ts";

/**
 * Moves every block of `size` x `size` pixels into channels: `y[n, (a size + b) C + c, i, j] = x[n, c, i size + a, j size + b]`.
 * x: [batch, C, height, width] -> [batch, size^2 C, height / size, width / size]. @throws GraphError when the sides do not divide.
 */
export const spaceToDepth = (x: Tensor, size: number): Tensor => {
  requireRank("SpaceToDepth", x, 4, "an image batch [batch, channels, height, width]");
  const [batch, channels, height, width] = x.shape;
  const divided = (side: Dimension): Dimension => {
    if (typeof side === "string") return `${side} / ${size}`;
    if (side % size !== 0) throw new GraphError(`SpaceToDepth: the sides of ${formatShape(x.shape)} do not divide by ${size}.`);
    return side / size;
  };
  return apply("SpaceToDepth", [x], {
    shape: [batch, knownChannels("SpaceToDepth", channels) * size * size, divided(height), divided(width)],
    attributes: { blocksize: size },
    gradient: (dy) => [depthToSpace(dy, size)],
  });
};

/** The inverse of `spaceToDepth`: [batch, size^2 C, height, width] -> [batch, C, size height, size width]. */
export const depthToSpace = (x: Tensor, size: number): Tensor => {
  requireRank("DepthToSpace", x, 4, "an image batch [batch, channels, height, width]");
  const [batch, channels, height, width] = x.shape;
  const fewer = knownChannels("DepthToSpace", channels) / (size * size);
  if (!Number.isInteger(fewer)) {
    throw new GraphError(`DepthToSpace: the channels of ${formatShape(x.shape)} do not divide by ${size * size}.`);
  }
  const multiplied = (side: Dimension): Dimension => (typeof side === "string" ? `${size} ${side}` : side * size);
  return apply("DepthToSpace", [x], {
    shape: [batch, fewer, multiplied(height), multiplied(width)],
    attributes: { blocksize: size, mode: "DCR" },
    gradient: (dy) => [spaceToDepth(dy, size)],
  });
};

const knownChannels = (operator: string, channels: Dimension): number => {
  if (typeof channels === "string")
    throw new GraphError(`${operator}: needs a number of channels known when the graph is built.`);
  return channels;
};
