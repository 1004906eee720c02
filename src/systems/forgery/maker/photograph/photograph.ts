import { decodeImage, encodeJpeg, type ImageOf } from "../../../../imaging/index.ts";
import { random } from "../../../../random/index.ts";
import { toBytes } from "../float-image.ts";
import { randomCamera, takePicture } from "./camera.ts";
import { crop, cropLabels } from "./crop.ts";
import { defocus } from "./lens.ts";
import { render } from "./render.ts";
import { randomScene } from "./scene.ts";

/** A picture and what is where on it. */
export interface Photograph {
  readonly image: ImageOf<Uint8Array>;
  /** Which object each pixel shows, from 1 on; 0 is the background. `[height, width]` */
  readonly objects: Uint8Array;
}

/** So many pixels more on each axis are taken and cut off, so that Bayer cells and JPEG blocks begin anywhere. */
const MARGIN = 16;

/**
 * A made-up photograph: a random scene seen by a random camera (see `randomScene`, `randomCamera`), through the camera's own JPEG, cut
 * out at a random place. A pure function of `identity` and size; pictures of two identities share nothing.
 * Throws a RangeError for sides that are not whole numbers from 16 on.
 */
export const photograph = async (identity: number, width: number, height: number): Promise<Photograph> => {
  if (![width, height].every((side) => Number.isInteger(side) && side >= 16)) {
    throw new RangeError(`A photograph has sides of whole numbers from 16 on, not ${width} x ${height}.`);
  }
  const source = random("photograph", identity);
  const scene = randomScene("photograph", identity);
  const rendering = render(scene, width + MARGIN, height + MARGIN, identity);
  const camera = randomCamera(source);
  const picture = toBytes(takePicture(defocus(rendering, scene), camera, identity));
  const [left, top] = [source.integer(0, MARGIN), source.integer(0, MARGIN)];
  const taken = await decodeImage(await encodeJpeg(picture, camera.quality));
  return {
    image: crop(taken, left, top, width, height),
    objects: cropLabels(rendering.objects, width + MARGIN, left, top, width, height),
  };
};
