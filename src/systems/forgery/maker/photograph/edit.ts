import sharp from "sharp";
import { createImage, type ImageOf } from "../../../../imaging/index.ts";
import { random } from "../../../../random/index.ts";
import { type FloatImage, gaussianBlur, toBytes, toFloat } from "../float-image.ts";
import { sharpen } from "./camera.ts";
import { type Photograph, photograph } from "./photograph.ts";

/** What somebody innocent did to a whole picture before it was passed on. */
export interface Edit {
  /** The picture was taken at size / scale and resized by this kernel. */
  readonly scale: number;
  readonly kernel: "cubic" | "mitchell" | "lanczos3";
  /** Deviation in pixels of a Gaussian against noise. */
  readonly smoothing: number;
  readonly sharpening: number;
  /** Deviation in levels of added film grain. */
  readonly grain: number;
  /** Exponent of each channel's levels, as a share of white, and factor of saturation. */
  readonly tone: readonly [number, number, number];
  readonly saturation: number;
}

export const randomEdit = (identity: number): Edit => {
  const source = random("edit", identity);
  const happens = (probability: number, low: number, high: number, otherwise: number): number =>
    source.uniform() < probability ? source.uniform(low, high) : otherwise;
  const graded = source.uniform() < 0.4;
  const light = graded ? 2 ** source.uniform(-0.4, 0.4) : 1;
  return {
    scale: happens(0.35, 0.65, 1.35, 1),
    kernel: (["cubic", "mitchell", "lanczos3"] as const)[source.integer(0, 2)],
    smoothing: happens(0.25, 0.35, 0.9, 0),
    sharpening: happens(0.25, 0.2, 0.9, 0),
    grain: happens(0.25, 1, 5, 0),
    tone: [0, 1, 2].map(() => (graded ? light * 2 ** source.normal(0, 0.1) : light)) as unknown as Edit["tone"],
    saturation: graded ? source.uniform(0.7, 1.3) : 1,
  };
};

/**
 * A photograph as it is met: taken by `photograph`, then edited as a whole by `randomEdit` (in most cases a little, often not at all).
 * Real images and the material of forgeries are all made so; none of these edits tells one from the other.
 */
export const editedPhotograph = async (identity: number, width: number, height: number): Promise<Photograph> => {
  const edit = randomEdit(identity);
  const [takenWidth, takenHeight] = [width, height].map((side) => Math.max(16, Math.round(side / edit.scale)));
  const taken = await photograph(identity, takenWidth, takenHeight);
  const sized = edit.scale === 1 ? taken : await resized(taken, width, height, edit.kernel);
  return { image: toBytes(edited(toFloat(sized.image), edit, identity)), objects: sized.objects };
};

const edited = (picture: FloatImage, edit: Edit, identity: number): FloatImage => {
  const { width, height } = picture;
  const smooth = { width, height, data: gaussianBlur(picture.data, width, height, 3, edit.smoothing) };
  const { data } = sharpen(smooth, { amount: edit.sharpening, radius: 0.8 });
  const source = random("grain", identity);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const grain = edit.grain === 0 ? 0 : edit.grain * source.normal();
    const at = 3 * pixel;
    const grey = 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
    for (let c = 0; c < 3; c++) {
      const level = grey + edit.saturation * (data[at + c] - grey);
      const share = Math.min(1, Math.max(0, level / 255));
      data[at + c] = (edit.tone[c] === 1 ? level : 255 * share ** edit.tone[c]) + grain;
    }
  }
  return { width, height, data };
};

const resized = async (
  { image, objects }: Photograph,
  width: number,
  height: number,
  kernel: Edit["kernel"],
): Promise<Photograph> => {
  const data = await sharp(image.data, { raw: { width: image.width, height: image.height, channels: 3 } })
    .resize(width, height, { kernel, fit: "fill" })
    .raw()
    .toBuffer();
  const labels = new Uint8Array(width * height).map((_, pixel) => {
    const column = Math.floor((((pixel % width) + 0.5) * image.width) / width);
    const row = Math.floor(((Math.floor(pixel / width) + 0.5) * image.height) / height);
    return objects[row * image.width + column];
  });
  const resizedImage: ImageOf<Uint8Array> = createImage(width, height, new Uint8Array(data));
  return { image: resizedImage, objects: labels };
};
