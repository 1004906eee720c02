import { type DecodeOptions, decodeImage, readImageHeader, type Sample } from "../imaging/index.ts";
import { random } from "../random/index.ts";
import type { DetectorConfig } from "./settings.ts";

/**
 * Divides the training images: a share of the normal ones, drawn by the seed, is kept for the threshold and never trained on.
 * Groups stay whole. Fewer than five normal images are too few to spare one; with folds, none is kept.
 */
export const splitTraining = (samples: readonly Sample[], { seed, trainOn, validation }: DetectorConfig) => {
  const normal = samples.filter(({ label }) => label === 0);
  const { share, folds } = validation;
  const spared = normal.length < 5 || share === 0 || folds > 0 ? 0 : Math.max(1, Math.round(share * normal.length));
  const kept = new Set<Sample>();
  for (const index of random("validation", seed).permutation(normal.length)) {
    if (kept.size >= spared) break;
    const { group } = normal[index];
    for (const member of normal) {
      if (member === normal[index] || (group !== undefined && member.group === group)) kept.add(member);
    }
  }
  const candidates = trainOn === "all" ? samples : normal;
  return { training: candidates.filter((sample) => !kept.has(sample)), validation: normal.filter((sample) => kept.has(sample)) };
};

/** How many images are looked at to find out what all are like. */
const LOOKED_AT = 16;

/** Whether the first images are all grey: red, green and blue agree at every pixel, but for the rounding of JPEG colours. */
export const imagesAreGrey = async (samples: readonly Sample[], options: DecodeOptions = {}): Promise<boolean> => {
  let seen = 0;
  for (const { path } of samples) {
    const image = await decodeImage(path, options).catch(() => undefined);
    if (image === undefined) continue;
    const { data } = image;
    for (let i = 0; i < data.length; i += 3) {
      if (Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]) > 3) return false;
    }
    if (++seen === LOOKED_AT) break;
  }
  return true;
};

/** 16 when the first files have values of more than 8 bits, by their headers. */
export const depthOfImages = async (samples: readonly Sample[]): Promise<8 | 16> => {
  for (const { path } of samples.slice(0, LOOKED_AT)) {
    const header = await readImageHeader(path).catch(() => undefined);
    if (header !== undefined && header.bits > 8) return 16;
  }
  return 8;
};
