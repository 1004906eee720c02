import { stringify } from "csv-stringify/sync";
import type { SlideGrade, SlideResult } from "../result.ts";
import { frequencies } from "../sampling/index.ts";
import { decideGrade } from "../slide-grade.ts";
import { compositionOf, gleasonScore, RESEARCH_USE } from "./composition.ts";

/** Changes when a reader of the file would have to. */
export const SLIDE_SCHEMA = 1;

/**
 * What is said of a slide, for machines: plain values, which JSON keeps. What is unknown is null. Coordinates are pixels of level 0,
 * areas those of the stitched map, whose pixels are `downsample` of level 0 wide.
 */
export const slideJson = (result: SlideResult, downsample: number) => {
  const { name, width, height, micronsPerPixel, magnification, classes, patches, finest, grade, warnings, origin, seconds } =
    result;
  const composition = compositionOf(result, downsample);
  return {
    schemaVersion: SLIDE_SCHEMA,
    notice: RESEARCH_USE,
    slide: { name, width, height, micronsPerPixel: micronsPerPixel ?? null, magnification: magnification ?? null },
    map: {
      downsample,
      micronsPerPixel: micronsPerPixel === undefined ? null : micronsPerPixel * downsample,
    },
    grade: grade === undefined ? null : gradeJson(grade),
    origin,
    composition: {
      tissuePixels: composition.tissuePixels,
      tissueSquareMillimetres: composition.tissueSquareMillimetres ?? null,
      tumourShare: composition.tumourShare ?? null,
      patternSharesOfTumour: composition.ofTumour ?? null,
      classes: composition.classes.map((ofClass) => ({
        name: ofClass.name,
        pattern: ofClass.pattern,
        pixels: ofClass.pixels,
        squareMillimetres: ofClass.squareMillimetres ?? null,
        shareOfTissue: ofClass.ofTissue ?? null,
      })),
    },
    sampling: {
      patches: patches.length,
      byFrequency: Object.fromEntries(
        frequencies.map((wanted) => [wanted, patches.filter(({ frequency }) => frequency === wanted).length]),
      ),
      uniformAtFinestStride: finest,
      shareOfUniform: finest > 0 ? patches.length / finest : null,
    },
    warnings,
    seconds,
    patches: patches.map(({ areas, gleason, ...place }) => ({
      ...place,
      isup: gleason.isup,
      gleasonScore: gleasonScore(gleason) ?? null,
      pixels: Object.fromEntries(classes.map((ofClass, index) => [ofClass.name, areas[index]])),
    })),
  };
};

/** What is in the file. */
export type SlideJson = ReturnType<typeof slideJson>;

const gradeJson = ({ rule, isup, probabilities, proportions, map, set, unsure }: SlideGrade) => ({
  isup,
  rule,
  byPatches: {
    isup: rule === "patches" ? isup : probabilities === undefined ? null : decideGrade(probabilities),
    probabilities: probabilities ?? null,
    patchGradeShares: proportions,
  },
  byMap: { isup: map.isup, primary: map.primary, secondary: map.secondary, gleasonScore: gleasonScore(map) ?? null },
  predictionSet: set ?? null,
  unsure: unsure ?? null,
});

/** One row a patch: its place in pixels of level 0, why it was taken, its grade, and how many of its pixels each class has. */
export const patchesCsv = ({ classes, patches }: SlideResult): string => {
  const columns = ["x", "y", "size", "density", "frequency", "isup", "gleason_score", "primary", "secondary"];
  const rows = patches.map(({ x, y, size, density, frequency, areas, gleason }) => [
    ...[x, y, size, density, frequency, gleason.isup, gleasonScore(gleason) ?? ""],
    ...[gleason.primary, gleason.secondary, ...classes.map((_, index) => areas[index])],
  ]);
  const pixelColumns = classes.map(({ name }) => `pixels_${name.toLowerCase().replace(/\W+/g, "_")}`);
  return stringify([[...columns, ...pixelColumns], ...rows]);
};
