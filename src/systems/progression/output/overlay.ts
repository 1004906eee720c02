import { columnOf, createImage, type ImageOf, type LabelVolume, type Volume } from "../../../imaging/index.ts";
import type { VesselMeasurement } from "../measurement/index.ts";
import { slicePictures } from "./slice-pictures.ts";

/** Pixels between pictures and around the sheet. */
const GAP = 6;
/** Width of a sheet over its height, at best, and the most slices that it shows. */
const PROPORTION = 1.6;
const MOST = 40;
const BIFURCATION = [60, 220, 60] as const;

/**
 * A contact sheet of a study's labelled slices from proximal to distal, row by row: each around what is labelled (the same part of all), with
 * the classes' outlines. Before the first slice at or beyond the bifurcation, to the nearest slice, stands a green bar. Of more than 40 slices it shows 40, evenly
 * chosen; where nothing is labelled, whole slices.
 * @param classes names of the labels 0, 1, ...
 * @param vessel which way blood flows, and where the bifurcation is. Default: towards the head, and unknown.
 */
export const overlayPicture = (
  reference: Volume,
  labels: LabelVolume,
  classes: readonly string[],
  vessel?: Pick<VesselMeasurement, "flow" | "bifurcation">,
): ImageOf<Uint8Array> => {
  const pictures = slicePictures(reference, labels, classes);
  const flow = vessel?.flow ?? (columnOf(labels.affine, 2)[2] < 0 ? -1 : 1);
  const all = pictures.labelled.length > 0 ? pictures.labelled : Array.from({ length: reference.slices }, (_, k) => k);
  const shown = evenly(flow > 0 ? all : all.toReversed(), MOST);
  const [across, down] = [pictures.width + GAP, pictures.height + GAP];
  const columns = Math.min(shown.length, Math.max(1, Math.round(Math.sqrt((PROPORTION * shown.length * down) / across))));
  const sheet = createImage(columns * across + GAP, Math.ceil(shown.length / columns) * down + GAP);
  const bifurcation = vessel?.bifurcation ?? undefined;
  const first = bifurcation === undefined ? -1 : shown.findIndex((slice) => flow * (slice - Math.round(bifurcation)) >= 0);
  for (const [n, slice] of shown.entries()) {
    const [left, top] = [GAP + (n % columns) * across, GAP + Math.floor(n / columns) * down];
    const { width, height, data } = pictures.outlined(slice);
    for (let y = 0; y < height; y++) {
      const at = 3 * ((top + y) * sheet.width + left);
      sheet.data.set(data.subarray(3 * y * width, 3 * (y + 1) * width), at);
      if (n === first) for (let x = 2; x <= GAP - 2; x++) sheet.data.set(BIFURCATION, at - 3 * x);
    }
  }
  return sheet;
};

/** At most so many of a list, its ends among them. */
export const evenly = <Item>(items: readonly Item[], most: number): readonly Item[] =>
  items.length <= most
    ? items
    : Array.from({ length: most }, (_, n) => items[Math.round((n * (items.length - 1)) / Math.max(1, most - 1))]);
