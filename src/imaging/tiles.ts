import type { Image, Mask } from "./image.ts";

/** How an image is cut. */
export interface TileOptions {
  /** Side of a tile, in the image's own pixels. */
  readonly pixels: number;
  /** The least share of a tile that it has in common with its neighbour, 0 .. 0.5. */
  readonly overlap: number;
}

/** The share that neighbours have in common where nothing else is said. */
export const TILE_OVERLAP = 0.25;

/** A rectangle of an image, in pixels. */
export interface Tile {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Tiles of at most `pixels` x `pixels` that cover an image, row by row. Along an axis of `length` pixels neighbours must share
 * s = ceil(overlap pixels); so there are n = 1 + ceil((length - pixels) / (pixels - s)) tiles, and tile i begins at
 * floor(i (length - pixels) / (n - 1)): evenly spaced, the first at 0, the last at the end. An axis no longer than a tile has one, of
 * the axis's own length. Without options the whole image is the only tile.
 */
export const planTiles = (
  width: number,
  height: number,
  options: TileOptions = { pixels: Math.max(width, height), overlap: 0 },
): Tile[] => {
  const columns = stretchesOf(width, options);
  return stretchesOf(height, options).flatMap((row) =>
    columns.map((column) => ({ left: column.start, top: row.start, width: column.length, height: row.length })),
  );
};

/** The part of an image, or of a mask, that a tile shows; the picture itself where it shows all of it. */
export const cutTile = <Picture extends Image | Mask>(picture: Picture, { left, top, width, height }: Tile): Picture => {
  if (width === picture.width && height === picture.height) return picture;
  const values = picture.data.length / (picture.width * picture.height);
  const data = picture.data.slice(0, width * height * values);
  for (let row = 0; row < height; row++) {
    const from = ((top + row) * picture.width + left) * values;
    data.set(picture.data.subarray(from, from + width * values), row * width * values);
  }
  return { ...picture, width, height, data };
};

/**
 * Puts the maps of tiles together to one of the image's size, [height, width], where neighbours overlap as their weighted mean. A
 * tile's weight at a pixel is w(column) w(row); along an axis, with l pixels shared with the tile before and r with the one after,
 * w(x) = min(1, (x - start + 1/2) / l, (end - x - 1/2) / r), divided by the sum of that over all tiles, so that the weights are 1
 * together everywhere. The tiles are those of `planTiles`; each is added once, in any order.
 */
export const blendTiles = (width: number, height: number, tiles: readonly Tile[]) => {
  const columns = weightsOf(
    tiles.map(({ left, width: length }) => ({ start: left, length })),
    width,
  );
  const rows = weightsOf(
    tiles.map(({ top, height: length }) => ({ start: top, length })),
    height,
  );
  const map = new Float32Array(width * height);
  return {
    /** Complete when every tile was added. */
    map,
    /** Adds the map of one tile, [tile height, tile width]. */
    add: (tile: Tile, values: Float32Array): void => {
      const across = columns.get(tile.left)!;
      const down = rows.get(tile.top)!;
      for (let row = 0; row < tile.height; row++) {
        const to = (tile.top + row) * width + tile.left;
        const from = row * tile.width;
        for (let column = 0; column < tile.width; column++)
          map[to + column] += down[row] * across[column] * values[from + column];
      }
    },
  };
};

/** A part of an axis. */
interface Stretch {
  readonly start: number;
  readonly length: number;
}

const stretchesOf = (length: number, { pixels, overlap }: TileOptions): Stretch[] => {
  if (length <= pixels) return [{ start: 0, length }];
  const step = Math.max(1, pixels - Math.ceil(overlap * pixels));
  const last = Math.ceil((length - pixels) / step);
  return Array.from({ length: last + 1 }, (_, i) => ({ start: Math.floor((i * (length - pixels)) / last), length: pixels }));
};

/** The weights of each stretch along its axis of `length` pixels, by its start. */
const weightsOf = (given: readonly Stretch[], length: number): ReadonlyMap<number, Float32Array> => {
  const stretches = [...new Map(given.map((stretch) => [stretch.start, stretch])).values()].sort((a, b) => a.start - b.start);
  const sums = new Float64Array(length);
  const ramps = stretches.map(({ start, length: own }, i) => {
    const before = i === 0 ? 0 : stretches[i - 1].start + stretches[i - 1].length - start;
    const after = i === stretches.length - 1 ? 0 : start + own - stretches[i + 1].start;
    return Float64Array.from({ length: own }, (_, x) => {
      const weight = Math.min(1, (x + 0.5) / before, (own - x - 0.5) / after);
      sums[start + x] += weight;
      return weight;
    });
  });
  return new Map(stretches.map(({ start }, i) => [start, Float32Array.from(ramps[i], (weight, x) => weight / sums[start + x])]));
};
