import {
  add,
  cast,
  concat,
  constant,
  div,
  input,
  less,
  abs as magnitude,
  matmul,
  maximum,
  mul,
  positionsOf,
  type ResizeSide,
  reshape,
  resizeMatrix,
  type Span,
  separable,
  sizeOf,
  slice,
  sub,
  sum,
  type Tensor,
  transpose,
} from "../graph/index.ts";
import { TILE_OVERLAP, type TileOptions } from "./tiles.ts";

/**
 * What becomes of an image whose shape is not the network's: `stretch` distorts it, `fit` keeps its proportions and repeats its edges
 * around it. `tile` looks at it in tiles, all at one scale: the graph takes one tile (see `planTiles`).
 */
export type AspectPolicy = "stretch" | "fit" | "tile";

export interface PreprocessOptions {
  /** Height and width of the network's input, in pixels. */
  readonly size: number;
  /** 1: luminance; 3: red, green and blue. */
  readonly channels: 1 | 3;
  readonly aspect: AspectPolicy;
  /** How `tile` cuts; by default tiles of `size` pixels, so that nothing is resized. */
  readonly tile?: Partial<TileOptions>;
}

/** How images are cut, with its defaults; undefined where they are not. */
export const tilesOf = ({ size, aspect, tile }: Omit<PreprocessOptions, "channels">): TileOptions | undefined =>
  aspect === "tile" ? { pixels: tile?.pixels ?? size, overlap: tile?.overlap ?? TILE_OVERLAP } : undefined;

export interface Preprocessed {
  /** The network's input, [1, channels, size, size], in [0, 1]. */
  readonly x: Tensor;
  /** 1 where x shows the image, 0 where it only repeats its edge, [1, 1, size, size]. */
  readonly content: Tensor;
  /** A map at the network's size, [1, 1, size, size], back at the image's own, [height, width]. */
  toImage(map: Tensor): Tensor;
}

/** The input of every model: an RGB image of 8 or 16 bits and any size, [height, width, 3]. */
export const imageInput = (bits: 8 | 16 = 8): Tensor => input("image", ["height", "width", 3], bits === 16 ? "uint16" : "uint8");

/** Luminance of ITU-R BT.601, as in greyscale JPEG. */
const LUMINANCE = Float32Array.of(0.299, 0.587, 0.114);

/**
 * From an image's pixels, uint8 or uint16, to the network's input, and from its map back: antialiased linear resizing as two matrix products whose
 * weights are computed in the graph from the image's size. It is part of every model file, and training runs the same graph,
 * so there is no second implementation that could drift.
 *
 * With aspect `tile` the image is one tile, of at most `pixels` x `pixels`: scaled by size / pixels along both axes, in the middle (to
 * whole positions, so that it is not blurred), and its edges repeated around it where it is smaller.
 */
export const preprocess = (image: Tensor, options: PreprocessOptions): Preprocessed => {
  const { size, channels, aspect } = options;
  const network = constant(new Float32Array(size * size), [size, size]);
  const [height, width] = [sizeOf(image, 0), sizeOf(image, 1)];
  const tile = tilesOf(options);
  const frame = tile?.pixels ?? maximum(height, width);
  const spanOf = (length: Tensor): Span | undefined => {
    if (aspect === "stretch") return undefined;
    const covered = div(mul(length, size), frame);
    const margin = div(sub(size, covered), 2);
    return { length: covered, start: tile ? cast(cast(margin, "int64"), "float32") : margin };
  };
  const side = (axis: 0 | 1): { image: ResizeSide; network: ResizeSide } => ({
    image: { of: image, axis },
    network: { of: network, axis, span: spanOf([height, width][axis]) },
  });
  const [rows, columns] = [side(0), side(1)];

  // Made float only here, one colour after another, and scaled only when small: at an image's own size every value takes memory.
  const down = resizeMatrix(rows.image, rows.network);
  const planes = [0, 1, 2].map((colour) => cast(transpose(slice(image, 2, colour, colour + 1), [2, 0, 1]), "float32"));
  const short = concat(
    planes.map((plane) => matmul(down, plane)),
    0,
  );
  const small = matmul(short, resizeMatrix(columns.image, columns.network), { transposeB: true });
  const grey = channels === 1 ? sum(mul(small, constant(LUMINANCE, [3, 1, 1])), [0], { keepAxes: true }) : small;
  const resized = mul(grey, 1 / (image.type === "uint16" ? 65535 : 255));
  return {
    x: reshape(resized, [1, channels, size, size]),
    content: reshape(mul(inside(rows.network, size, [size, 1]), inside(columns.network, size, [1, size])), [1, 1, size, size]),
    toImage: (map) =>
      separable(reshape(map, [size, size]), resizeMatrix(rows.network, rows.image), resizeMatrix(columns.network, columns.image)),
  };
};

/** 1 for the positions of a line that lie in its span; a span thinner than a position still gets the nearest ones. */
const inside = ({ of, axis, span }: ResizeSide, size: number, shape: readonly number[]): Tensor => {
  const { start, length } = span ?? { start: 0, length: size };
  const fromCentre = magnitude(sub(add(positionsOf(of, axis), 0.5), add(start, div(length, 2))));
  return reshape(cast(less(fromCentre, maximum(div(length, 2), 0.75)), "float32"), shape);
};
