import { decodeImage, decodeMask, type Image, type Mask, type Sample } from "../imaging/index.ts";
import type { DetectorDescription } from "./contract.ts";

/** An image with its masks. */
export interface LabelledImage {
  readonly image: Image;
  /** The true defect. */
  readonly mask: Mask | undefined;
  /** What counts nowhere. */
  readonly ignore: Mask | undefined;
}

/** Decodes a file with the depth and range that the model was trained with. @throws ImageError */
export const readImage = (path: string, { preprocess }: DetectorDescription): Promise<Image> =>
  decodeImage(path, { depth: preprocess.depth, range: preprocess.range });

/** The image of a sample and its masks. @throws ImageError, also when a mask has another size. */
export const readSample = async (
  { path, maskPath, ignorePath }: Sample,
  description: DetectorDescription,
): Promise<LabelledImage> => {
  const image = await readImage(path, description);
  const read = async (mask: string | undefined) => (mask === undefined ? undefined : decodeMask(mask, image.width, image.height));
  return { image, mask: await read(maskPath), ignore: await read(ignorePath) };
};
