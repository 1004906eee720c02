import { rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { exists, writeFileAtomic } from "../../../files/index.ts";
import { encodePng, type Slide } from "../../../imaging/index.ts";
import { renderReport } from "../../../report/index.ts";
import { readJson } from "../../../training/index.ts";
import { type Origin, sameOrigin } from "../origin.ts";
import type { LabelMap, SlideResult } from "../result.ts";
import { type GeoJsonOptions, LONGEST_TRACED, regionFeatures, writeGeoJson } from "./geojson.ts";
import { overviewPictures } from "./overlay.ts";
import { mapOf, reduceLabels } from "./reduced-labels.ts";
import { writeSegmentation } from "./segmentation-tiff.ts";
import { patchesCsv, SLIDE_SCHEMA, type SlideJson, slideJson } from "./slide-json.ts";
import { slideReport } from "./slide-report.ts";

export interface SlideOutputOptions {
  /** What the files are called before their endings, instead of the slide's name without its own ending. */
  readonly stem?: string;
  readonly geoJson?: Omit<GeoJsonOptions, "signal">;
  readonly signal?: AbortSignal;
}

/** The files of a slide. */
export interface SlideOutputs {
  readonly segmentation: string;
  readonly geojson: string;
  readonly overlay: string;
  readonly patches: string;
  readonly report: string;
  readonly json: string;
}

/**
 * Writes all that is said of a slide to a folder: NAME.segmentation.tiff, NAME.geojson, NAME.overlay.png, NAME.patches.csv, NAME.html and,
 * last, NAME.json, so that where it stands the others do too. Each is written whole or not at all. Beside the table of patches, memory
 * does not grow with the slide.
 * @throws Error that names the file when one cannot be written; the signal's reason; and what the slide's and the map's `read` throw.
 */
export const writeSlideOutputs = async (
  folder: string,
  slide: Slide,
  result: SlideResult,
  labels: LabelMap,
  { stem = stemOf(result.name), geoJson, signal }: SlideOutputOptions = {},
): Promise<SlideOutputs> => {
  const { classes, micronsPerPixel } = result;
  const paths = outputPaths(folder, stem);
  await rm(paths.json, { force: true }); // an earlier one says nothing of the files that follow
  await writeSegmentation(paths.segmentation, labels, classes, micronsPerPixel, { signal });
  const coarse = mapOf(await reduceLabels(labels, geoJson?.longest ?? LONGEST_TRACED, signal)); // read once for both
  await writeGeoJson(paths.geojson, regionFeatures(coarse, classes, micronsPerPixel, { ...geoJson, signal }));
  const overview = await overviewPictures(slide, coarse, classes, { signal });
  await writeFileAtomic(paths.overlay, await encodePng(overview.overlay));
  await writeFileAtomic(paths.patches, patchesCsv(result));
  const report = await slideReport({ slide, result, labels, overview, signal });
  await writeFileAtomic(paths.report, renderReport(report));
  await writeFileAtomic(paths.json, `${JSON.stringify(slideJson(result, labels.downsample), null, 2)}\n`);
  return paths;
};

/**
 * What NAME.json says, where all files of a slide stand in the folder and come from the same model, slide and settings; undefined where
 * anything is missing or differs.
 */
export const readSlideOutputs = async (
  folder: string,
  stem: string,
  origin: Origin,
): Promise<{ readonly json: SlideJson; readonly files: SlideOutputs } | undefined> => {
  const files = outputPaths(folder, stem);
  for (const path of Object.values(files)) if (!(await exists(path))) return undefined;
  const json = (await readJson(files.json).catch(() => undefined)) as SlideJson | undefined;
  return json?.schemaVersion === SLIDE_SCHEMA && sameOrigin(origin, json.origin) ? { json, files } : undefined;
};

const outputPaths = (folder: string, stem: string): SlideOutputs => {
  const file = (ending: string): string => join(folder, `${stem}.${ending}`);
  return {
    segmentation: file("segmentation.tiff"),
    geojson: file("geojson"),
    overlay: file("overlay.png"),
    patches: file("patches.csv"),
    report: file("html"),
    json: file("json"),
  };
};

/** A slide's name without the way to it and its ending: `a/biopsy.ome.tiff` -> `biopsy`. */
export const stemOf = (name: string): string => basename(name).replace(/(?<=.)(\.ome)?\.[^.]*$/i, "");
