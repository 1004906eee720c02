import type { Mask } from "../../../../imaging/index.ts";
import { type FloatImage, floatImage } from "../float-image.ts";
import { softEdge } from "../regions.ts";

/** target + alpha (source - target) with the soft edge of the region (see `softEdge`): outside the region, the target itself. */
export const alphaBlend = (target: FloatImage, source: FloatImage, region: Mask, edge: number): FloatImage => {
  const alpha = softEdge(region, edge);
  const data = target.data.map((value, at) => value + alpha[Math.floor(at / 3)] * (source.data[at] - value));
  return { width: target.width, height: target.height, data };
};

/** The picture moved by whole pixels; where nothing comes from, its border goes on. */
export const movedPicture = ({ width, height, data }: FloatImage, right: number, down: number): FloatImage => {
  const result = floatImage(width, height);
  for (let y = 0; y < height; y++) {
    const row = Math.min(height - 1, Math.max(0, y - down)) * width;
    for (let x = 0; x < width; x++) {
      const from = 3 * (row + Math.min(width - 1, Math.max(0, x - right)));
      const to = 3 * (y * width + x);
      for (let c = 0; c < 3; c++) result.data[to + c] = data[from + c];
    }
  }
  return result;
};
