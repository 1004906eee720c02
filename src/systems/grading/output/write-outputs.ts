import { basename, join } from "node:path";
import { writeFileAtomic } from "../../../files/index.ts";
import { encodePng, type Slide } from "../../../imaging/index.ts";
import { type Nested, type Notice, renderReport } from "../../../report/index.ts";
import type { LabelMap, SlideResult } from "../result.ts";
import { type GeoJsonOptions, LONGEST_TRACED, regionFeatures, writeGeoJson } from "./geojson.ts";
import { overviewPictures } from "./overlay.ts";
import { mapOf, reduceLabels } from "./reduced-labels.ts";
import { writeSegmentation } from "./segmentation-tiff.ts";
import { patchesCsv, slideJson } from "./slide-json.ts";
import { slideReport } from "./slide-report.ts";

export interface SlideOutputOptions {
  /** What the files are called before their endings, instead of the slide's name without its own ending. */
  readonly stem?: string;
  readonly geoJson?: Omit<GeoJsonOptions, "signal">;
  readonly notices?: readonly Notice[];
  /** Of the model and its run, for the report. */
  readonly provenance?: { readonly [key: string]: Nested };
  readonly settings?: { readonly [key: string]: Nested };
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
 * last, NAME.json, so that where it stands the others do too. Each is written whole or not at all. Memory does not grow with the slide.
 * @throws Error that names the file when one cannot be written; the signal's reason; and what the slide's and the map's `read` throw.
 */
export const writeSlideOutputs = async (
  folder: string,
  slide: Slide,
  result: SlideResult,
  labels: LabelMap,
  { stem = stemOf(result.name), geoJson, notices, provenance, settings, signal }: SlideOutputOptions = {},
): Promise<SlideOutputs> => {
  const { classes, micronsPerPixel } = result;
  const file = (ending: string): string => join(folder, `${stem}.${ending}`);
  const paths = {
    segmentation: file("segmentation.tiff"),
    geojson: file("geojson"),
    overlay: file("overlay.png"),
    patches: file("patches.csv"),
    report: file("html"),
    json: file("json"),
  };
  await writeSegmentation(paths.segmentation, labels, classes, micronsPerPixel, { signal });
  const coarse = mapOf(await reduceLabels(labels, geoJson?.longest ?? LONGEST_TRACED, signal)); // read once for both
  await writeGeoJson(paths.geojson, regionFeatures(coarse, classes, micronsPerPixel, { ...geoJson, signal }));
  const overview = await overviewPictures(slide, coarse, classes, { signal });
  await writeFileAtomic(paths.overlay, await encodePng(overview.overlay));
  await writeFileAtomic(paths.patches, patchesCsv(result));
  const report = await slideReport({ slide, result, labels, overview, notices, provenance, settings, signal });
  await writeFileAtomic(paths.report, renderReport(report));
  await writeFileAtomic(paths.json, `${JSON.stringify(slideJson(result, labels.downsample), null, 2)}\n`);
  return paths;
};

/** A slide's name without the way to it and its ending: `a/biopsy.ome.tiff` -> `biopsy`. */
export const stemOf = (name: string): string => basename(name).replace(/(?<=.)(\.ome)?\.[^.]*$/i, "");
