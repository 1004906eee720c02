import {
  type Artefact,
  findFolds,
  findForeground,
  findPen,
  type Image,
  type Mask,
  magnificationFlaws,
  magnificationOf,
  readScaled,
  type Slide,
  scaleFor,
  subtract,
} from "../../imaging/index.ts";
import type { Config } from "./config.ts";
import {
  type Cells,
  type DensityMap,
  divideInCells,
  findBlur,
  gradientEntropy,
  type Raster,
  type Sampling,
  sample,
  semanticDensity,
  stainFeature,
  uniform,
  uniformOfCount,
} from "./sampling/index.ts";

/** What of a configuration decides where a slide is looked at. */
export type PlanConfig = Pick<Config, "slide" | "patch" | "sampling">;

/** Where a slide is looked at, and from what that follows. */
export interface PatchPlan extends Sampling {
  /** Pixels of level 0 along one at the network's magnification. */
  readonly downsample: number;
  readonly thumbnail: Image;
  /** Of the thumbnail's size. */
  readonly foreground: Mask;
  readonly density: DensityMap;
  readonly cells: Cells;
  /** Pen marks, which are not looked at, and folds, which are. */
  readonly pen: Artefact;
  readonly folds: Artefact;
}

/** The thumbnail on which tissue is found has at most so many pixels along its longest side ... */
const THUMBNAIL = 1024;
/** ... and is not finer than this, in microns per pixel: finer ones show nuclei, not tissue, and take their time. */
const FINEST_THUMBNAIL = 4;
/** The density is measured this many times coarser than the network sees. */
const COARSER = 2;

/** Finds the tissue of a slide, measures its semantic density and chooses the patches that the network is to see. */
export const planPatches = async (slide: Slide, config: PlanConfig): Promise<PatchPlan> => {
  const { magnification, foreground: method } = config.slide;
  const downsample = scaleFor(slide, magnification);
  const thumbnail = await thumbnailOf(slide);
  const micronsPerPixel = slide.micronsPerPixel && (slide.micronsPerPixel * slide.width) / thumbnail.width;
  const found = findForeground(thumbnail, { method, micronsPerPixel });
  const pen = findPen(thumbnail, found, { micronsPerPixel });
  const foreground = subtract(found, pen.mask);
  const feature = config.sampling.density === "haematoxylin" ? stainFeature() : gradientEntropy;
  const density = await semanticDensity(rasterAt(slide, COARSER * downsample), foreground, { feature });
  const cells = divideInCells(slide, foreground, density, { pixels: config.patch, downsample }, config.sampling.leastTissue);
  const adaptive = sample(cells, config.sampling);
  const sampling = onGrid(config.sampling.grid, cells, adaptive);
  const folds = findFolds(thumbnail, foreground, { micronsPerPixel });
  return { ...sampling, downsample, thumbnail, foreground, density, cells, pen, folds };
};

/** More of the tissue than this is worth a warning. */
const WORTH_SAYING = 0.02;

/** What is wrong with a slide, as sentences. */
export const flawsOf = async (slide: Slide, { downsample, foreground, patches, pen, folds }: PatchPlan): Promise<string[]> => {
  const size = magnificationFlaws(slide, magnificationOf(slide) / downsample);
  if (patches.length === 0) return [...size, "No tissue was found on this slide."];
  const blur = await findBlur(rasterAt(slide, downsample), foreground);
  const percent = (share: number): string => `${Math.round(100 * share)} %`;
  return [
    ...size,
    ...(pen.share > WORTH_SAYING
      ? [`${percent(pen.share)} of the tissue seem to lie under pen marks; they are not looked at.`]
      : []),
    ...(folds.share > WORTH_SAYING
      ? [`${percent(folds.share)} of the tissue seem to be folded: grades there are doubtful.`]
      : []),
    ...(blur.share > WORTH_SAYING
      ? [`${percent(blur.share)} of the tissue seem to be out of focus: grades there are doubtful.`]
      : []),
  ];
};

/** The slide on at most so many pixels along its longest side, and not finer than so many microns per pixel. */
export const thumbnailOf = (slide: Slide, side = THUMBNAIL, finest = FINEST_THUMBNAIL): Promise<Image> => {
  const factor = Math.min(1, side / Math.max(slide.width, slide.height), (slide.micronsPerPixel ?? finest) / finest);
  const scaled = (length: number): number => Math.max(1, Math.round(length * factor));
  const whole = { x: 0, y: 0, width: slide.width, height: slide.height };
  return readScaled(slide, whole, { width: scaled(slide.width), height: scaled(slide.height) });
};

/** The slide reduced by a factor, read piece by piece. */
const rasterAt = (slide: Slide, factor: number): Raster => ({
  width: Math.max(1, Math.round(slide.width / factor)),
  height: Math.max(1, Math.round(slide.height / factor)),
  read: ({ x, y, width, height }) =>
    readScaled(slide, { x: x * factor, y: y * factor, width: width * factor, height: height * factor }, { width, height }),
});

/** Frequencies of patches on a uniform grid say what their density would ask for. */
const onGrid = (grid: Config["sampling"]["grid"], cells: Cells, adaptive: Sampling): Sampling => {
  const { thresholds, finest } = adaptive;
  if (grid === "adaptive" || adaptive.patches.length === 0) return adaptive;
  const patches =
    grid === "finest"
      ? uniform(cells, cells.side, { thresholds })
      : uniformOfCount(cells, adaptive.patches.length, { thresholds }).patches;
  const counts = { a: 0, b: 0, c: 0, d: 0, e: 0 };
  for (const { frequency } of patches) counts[frequency]++;
  return { patches, counts, thresholds, finest };
};
