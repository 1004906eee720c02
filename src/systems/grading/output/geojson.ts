import { createFileAtomic } from "../../../files/index.ts";
import { canGrade, type TissueClass } from "../classes.ts";
import type { LabelMap } from "../result.ts";
import { reduceLabels } from "./reduced-labels.ts";
import { simplifyOutline } from "./simplify-outline.ts";
import { type Ring, traceRegions } from "./trace-regions.ts";

/** Pixels on the longest side of the map whose regions are traced. */
export const LONGEST_TRACED = 4096;

export interface GeoJsonOptions {
  /** Names of classes that are outlined beside those with a Gleason pattern, such as "benign gland". */
  readonly also?: readonly string[];
  /** The longest side of the map whose outlines are taken, in pixels: a larger one is reduced first. Default 4096. */
  readonly longest?: number;
  /**
   * Regions and holes below this are left out, in square micrometres. Default 400, a few nuclei. Where the size of a pixel is unknown, one of
   * level 0 counts as half a micrometre, as at 20x.
   */
  readonly minimumArea?: number;
  /** How far outlines may lie from the exact ones, in pixels of the map that is traced. Default 1; 0: exact, along the pixels' edges. */
  readonly tolerance?: number;
  readonly signal?: AbortSignal;
}

/** One region as QuPath reads it. */
export interface RegionFeature {
  readonly type: "Feature";
  /** In pixels of level 0; the outer ring first, counterclockwise in the sense of RFC 7946 (x turns towards y), holes clockwise. */
  readonly geometry: { readonly type: "Polygon"; readonly coordinates: readonly (readonly (readonly [number, number])[])[] };
  readonly properties: {
    readonly objectType: "annotation";
    readonly classification: { readonly name: string; readonly color: readonly [number, number, number] };
    readonly isLocked: boolean;
    /** By the pixels of the region, before its outline was simplified. */
    readonly measurements: Readonly<Record<string, number>>;
  };
}

/**
 * The regions of a slide's stitched map as polygons, by class and in reading order: those with a Gleason pattern, or, where the classes tell
 * none apart, all that have a colour. A region is what hangs together by edges. At the right and lower rim it may reach beyond the slide by less than
 * a pixel of the map. Memory is bounded by `longest`, not by the slide.
 */
export async function* regionFeatures(
  labels: LabelMap,
  classes: readonly TissueClass[],
  micronsPerPixel: number | undefined,
  { also = [], longest = LONGEST_TRACED, minimumArea = 400, tolerance = 1, signal }: GeoJsonOptions = {},
): AsyncGenerator<RegionFeature> {
  const graded = canGrade(classes);
  const outlined = classes.map(
    ({ name, pattern, colour }) => also.includes(name) || (graded ? pattern > 0 : colour !== undefined),
  );
  const { width, height, data, downsample } = await reduceLabels(labels, longest, signal);
  const side = (micronsPerPixel ?? 0.5) * downsample;
  const regions = traceRegions(data, width, height, (label) => outlined[label] === true, minimumArea / side ** 2);
  const coordinatesOf = (ring: Ring) => {
    const points = Array.from(
      { length: ring.length / 2 },
      (_, i) => [rounded(ring[2 * i] * downsample), rounded(ring[2 * i + 1] * downsample)] as const,
    );
    return [...points, points[0]];
  };
  for (const [label, { name, colour = GREY }] of classes.entries()) {
    for (const region of regions) {
      if (region.label !== label) continue;
      signal?.throwIfAborted();
      const rings = simplifyOutline([region.outer, ...region.holes], tolerance);
      yield {
        type: "Feature",
        geometry: { type: "Polygon", coordinates: rings.map(coordinatesOf) },
        properties: {
          objectType: "annotation",
          classification: { name, color: colour },
          isLocked: true,
          measurements: {
            "Area px^2": rounded(region.area * downsample ** 2),
            ...(micronsPerPixel !== undefined && { "Area µm^2": rounded(region.area * side ** 2) }),
          },
        },
      };
    }
  }
}

/** Writes the regions as a FeatureCollection (RFC 7946, but in pixels), one feature a line. @throws Error that names the file when it cannot be written. */
export const writeGeoJson = async (path: string, features: AsyncIterable<RegionFeature>): Promise<void> => {
  const file = await createFileAtomic(path);
  try {
    let position = 0;
    let pending = '{"type":"FeatureCollection","features":[\n';
    const flush = async (): Promise<void> => {
      const bytes = Buffer.from(pending);
      await file.write(bytes, position);
      position += bytes.length;
      pending = "";
    };
    let first = true;
    for await (const feature of features) {
      pending += `${first ? "" : ",\n"}${JSON.stringify(feature)}`;
      first = false;
      if (pending.length > 2 ** 20) await flush();
    }
    pending += "\n]}\n";
    await flush();
    await file.finish();
  } finally {
    await file.discard();
  }
};

const GREY = [128, 128, 128] as const;

/** Hundredths are far below a pixel. */
const rounded = (value: number): number => Math.round(100 * value) / 100;
