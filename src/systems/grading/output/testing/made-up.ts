import type { TissueClass } from "../../classes.ts";
import { classTables, NO_CLASS } from "../../classes.ts";
import { gradeOf, patternAreas } from "../../grade.ts";
import type { LabelMap, PatchResult, SlideResult } from "../../result.ts";
import { mapOf } from "../reduced-labels.ts";

/** A map in memory. */
export const labelMap = (width: number, height: number, data: Uint8Array, downsample = 1): LabelMap => {
  const map = mapOf({ width, height, downsample, data });
  const read: LabelMap["read"] = async (x, y, across, down) => {
    if (x < 0 || y < 0 || x + across > width || y + down > height) throw new RangeError("The region leaves the map.");
    return map.read(x, y, across, down);
  };
  return { ...map, read };
};

/** A map from a picture of one digit a pixel; "." is `NO_CLASS`. */
export const drawn = (...rows: readonly string[]): LabelMap & { readonly data: Uint8Array } => {
  const data = Uint8Array.from(rows.join(""), (sign) => (sign === "." ? NO_CLASS : Number(sign)));
  return { ...labelMap(rows[0].length, rows.length, data), data };
};

/** What is said of a slide with such a map, as if the network had seen it in patches of `patch` pixels of level 0. */
export const resultOf = async (
  labels: LabelMap,
  { patch, ...given }: Partial<SlideResult> & { readonly patch: number },
): Promise<SlideResult> => {
  const classes: readonly TissueClass[] = given.classes ?? classTables.radboud;
  const patterns = classes.map(({ pattern }) => pattern);
  const { width, height, downsample } = labels;
  const countsOf = (data: Uint8Array) => classes.map((_, label) => data.filter((value) => value === label).length);
  const all = await labels.read(0, 0, width, height);
  const patches: PatchResult[] = [];
  const side = patch / downsample;
  for (let y = 0; y < height; y += side) {
    for (let x = 0; x < width; x += side) {
      const seen = await labels.read(x, y, Math.min(side, width - x), Math.min(side, height - y));
      const areas = countsOf(seen);
      if (areas[0] === seen.length) continue;
      patches.push({
        ...{ x: x * downsample, y: y * downsample, size: patch, density: 0.3, frequency: areas[3] > 0 ? "d" : "a" },
        areas,
        gleason: gradeOf(patternAreas(seen, patterns)),
      });
    }
  }
  const map = gradeOf(patternAreas(all, patterns));
  return {
    name: "made-up.tiff",
    width: width * downsample,
    height: height * downsample,
    micronsPerPixel: 0.5,
    magnification: 20,
    classes,
    patches,
    finest: 3 * patches.length,
    areas: countsOf(all),
    grade: {
      rule: "patches",
      isup: 3,
      probabilities: [0.02, 0.08, 0.31, 0.42, 0.12, 0.05],
      proportions: [0.5, 0, 0.2, 0.2, 0.1, 0],
      map,
      set: [2, 3],
      unsure: true,
    },
    warnings: [],
    origin: {
      lynceus: "1.2.3",
      digests: { model: "a".repeat(64), slide: "b".repeat(64), settings: "c".repeat(64) },
      settings: { slide: { magnification: 10 } },
      provenance: { seed: 7 },
    },
    seconds: 12.5,
    ...given,
  };
};
