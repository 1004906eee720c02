import { createImage, cutTile, type Image } from "../../../imaging/index.ts";

/** A rectangle, in pixels of the raster that it belongs to. */
export interface Region {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The pixels of a slide at one resolution, read piece by piece. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  /** The pixels of a region that lies inside the raster. */
  readonly read: (region: Region) => Promise<Image>;
}

/** An image that lies in memory, as a raster. */
export const rasterOf = (image: Image): Raster => ({
  width: image.width,
  height: image.height,
  read: async ({ x, y, width, height }) => {
    const { data } = cutTile(image, { left: x, top: y, width, height });
    return createImage(width, height, data);
  },
});
