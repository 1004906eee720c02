import { join } from "node:path";
import { random } from "../random/index.ts";
import { writeMaskPng, writePng } from "./encode.ts";
import { createImage, createMask, type Image, type Mask } from "./image.ts";
import { circuit, fabric, grille, type Pattern, tiles } from "./surface-patterns.ts";
import type { Paint, Shade } from "./surface-shapes.ts";

const patterns = { fabric, tiles, circuit, grille };

export type SurfaceCategory = keyof typeof patterns;

export const surfaceCategories = Object.keys(patterns) as SurfaceCategory[];

/** The kinds of defect that a category can have, such as "crack". */
export const surfaceDefects = (category: SurfaceCategory): string[] => Object.keys(paintPattern(category, 0, 0).defects);

export interface SurfaceOptions {
  /** Width and height in pixels; the picture is the same at every size. Default 128. */
  size?: number;
  seed: number;
  index: number;
  /** A kind of defect from `surfaceDefects`; left out, the surface is normal. */
  defect?: string;
}

/**
 * Paints one sample of a synthetic surface, `[size, size, 3]`, and the mask of its defect. It is a pure function of its
 * arguments, and outside the mask a surface with a defect equals the one without, byte for byte.
 *
 * Samples of a category differ in contrast, brightness, light, grain, a shift of at most 3 % of the size and a turn of at
 * most one degree. Strong local detail is everywhere and its contrast varies, so that "how much detail is there" tells
 * nothing; a defect breaks the pattern: an element is missing, misplaced, turned or covered.
 * Throws a RangeError for an unknown category or kind of defect, naming those that exist.
 */
export const surface = (category: SurfaceCategory, options: SurfaceOptions): { image: Image; mask: Mask } => {
  const { size = 128, seed, index, defect: kind } = options;
  const pattern = paintPattern(category, seed, index);
  if (kind !== undefined && !Object.hasOwn(pattern.defects, kind)) {
    throw new RangeError(`The surface "${category}" has no defect "${kind}", but ${Object.keys(pattern.defects).join(", ")}.`);
  }
  const defect = kind === undefined ? undefined : pattern.defects[kind](random(seed, category, index, kind));

  const pose = random(seed, category, index, "pose");
  const [shiftX, shiftY] = [pose.uniform(-4, 4), pose.uniform(-4, 4)];
  const turn = pose.uniform(-1, 1) * (Math.PI / 180);
  const [cosine, sine] = [Math.cos(turn), Math.sin(turn)];
  const contrast = pose.uniform(0.65, 1.1);
  const brightness = pose.uniform(-0.05, 0.05);
  const lightFrom = pose.uniform(0, 2 * Math.PI);
  const [lightX, lightY] = [0.12 * Math.cos(lightFrom), 0.12 * Math.sin(lightFrom)];
  const grain = random(seed, category, index, "grain");

  const image = createImage(size, size);
  const mask = createMask(size, size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const fromX = ((x + 0.5) / size - 0.5) * 128;
      const fromY = ((y + 0.5) / size - 0.5) * 128;
      const u = cosine * fromX - sine * fromY + shiftX;
      const v = sine * fromX + cosine * fromY + shiftY;
      const isDefect = defect?.covers(u, v) ?? false;
      if (isDefect) mask.data[y * size + x] = 1;
      const shade = average(isDefect ? defect!.colour : pattern.colour, u, v, 32 / size);
      const light = 1 + (lightX * fromX + lightY * fromY) / 64;
      const speck = grain.normal(0, 0.018);
      for (const channel of [0, 1, 2] as const) {
        const value = (0.45 + contrast * (shade[channel] - 0.45) + brightness) * light + speck;
        image.data[(y * size + x) * 3 + channel] = Math.round(Math.min(1, Math.max(0, value)) * 255);
      }
    }
  }
  return { image, mask };
};

export interface WriteSurfacesOptions {
  /** Default: all of `surfaceCategories`. */
  categories?: readonly SurfaceCategory[];
  /** Width and height in pixels. Default 128. */
  size?: number;
  /** Normal images for training, per category. */
  trainCount: number;
  /** Normal test images, and test images of each kind of defect, per category. */
  testPerKind: number;
  seed: number;
}

/**
 * Writes datasets in the MVTec layout that `readDataset` reads, one folder per category under `root`: `train/good`,
 * `test/good`, `test/<kind>` and `ground_truth/<kind>/<name>_mask.png`. Every image has its own index, so no test image
 * repeats a training image. Throws an Error that names the file when one cannot be written.
 */
export const writeSurfaces = async (root: string, options: WriteSurfacesOptions): Promise<void> => {
  const { categories = surfaceCategories, size, trainCount, testPerKind, seed } = options;
  for (const category of categories) {
    const folder = join(root, category);
    let index = 0;
    const write = async (split: "train" | "test", count: number, defect?: string): Promise<void> => {
      const kind = defect ?? "good";
      for (let number = 0; number < count; number++) {
        const { image, mask } = surface(category, { size, seed, index: index++, defect });
        const name = String(number).padStart(3, "0");
        await writePng(join(folder, split, kind, `${name}.png`), image);
        if (defect !== undefined) await writeMaskPng(join(folder, "ground_truth", kind, `${name}_mask.png`), mask);
      }
    };
    await write("train", trainCount);
    await write("test", testPerKind);
    for (const defect of surfaceDefects(category)) await write("test", testPerKind, defect);
  }
};

/** The mean colour of four points around the middle of a pixel, so that edges are smooth. */
const average = (colour: Paint, u: number, v: number, reach: number): Shade => {
  const sum: [number, number, number] = [0, 0, 0];
  for (let corner = 0; corner < 4; corner++) {
    const sample = colour(u + (corner & 1 ? reach : -reach), v + (corner & 2 ? reach : -reach));
    for (let channel = 0; channel < 3; channel++) sum[channel] += sample[channel] / 4;
  }
  return sum;
};

const paintPattern = (category: SurfaceCategory, seed: number, index: number): Pattern => {
  if (!Object.hasOwn(patterns, category)) {
    throw new RangeError(`There is no surface "${category}", but ${surfaceCategories.join(", ")}.`);
  }
  return patterns[category](random(seed, category, index, "pattern"));
};
