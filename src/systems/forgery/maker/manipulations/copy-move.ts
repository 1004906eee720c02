import { createMask, type Mask } from "../../../../imaging/index.ts";
import { colourAt, type FloatImage } from "../float-image.ts";

/** Where a copied piece goes: turned by `angle` (radians) and scaled about its middle, which then lies `right` and `down` further. */
export interface Placement {
  readonly middle: readonly [number, number];
  readonly right: number;
  readonly down: number;
  readonly angle: number;
  readonly scale: number;
}

/**
 * The picture with every colour read from where a placement takes it from, and the region's place there. Without turn and scale, moves by
 * whole pixels are exact copies; else colours are read between pixels by cubic convolution.
 */
export const placed = (picture: FloatImage, region: Mask, placement: Placement): { picture: FloatImage; region: Mask } => {
  const { width, height } = picture;
  const { middle, right, down, angle, scale } = placement;
  const [cosine, sine] = [Math.cos(angle) / scale, Math.sin(angle) / scale];
  const result = new Float32Array(picture.data.length);
  const there = createMask(width, height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [dx, dy] = [x - middle[0] - right, y - middle[1] - down];
      const fromX = middle[0] + cosine * dx + sine * dy;
      const fromY = middle[1] + cosine * dy - sine * dx;
      const [column, row] = [Math.round(fromX), Math.round(fromY)];
      if (column < 0 || row < 0 || column >= width || row >= height || region.data[row * width + column] === 0) continue;
      there.data[y * width + x] = 1;
      // A turn of nothing is exact up to rounding: then the pixel itself is taken.
      const exact = Math.abs(column - fromX) + Math.abs(row - fromY) < 1e-6;
      const at = 3 * (row * width + column);
      result.set(exact ? picture.data.subarray(at, at + 3) : colourAt(picture, fromX, fromY), 3 * (y * width + x));
    }
  }
  return { picture: { width, height, data: result }, region: there };
};
