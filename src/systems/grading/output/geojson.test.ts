import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { classTables, NO_CLASS } from "../classes.ts";
import { type GeoJsonOptions, type RegionFeature, regionFeatures, writeGeoJson } from "./geojson.ts";
import { reduceLabels } from "./reduced-labels.ts";
import { temporaryFolder } from "./testing/folder.ts";
import { drawn, labelMap } from "./testing/made-up.ts";

const featuresOf = async (map: Parameters<typeof regionFeatures>[0], options: GeoJsonOptions, microns?: number) => {
  const features: RegionFeature[] = [];
  for await (const feature of regionFeatures(map, classTables.radboud, microns, options)) features.push(feature);
  return features;
};

const map = drawn("2233", "2244", "2244", "....");
const exact = { tolerance: 0, minimumArea: 0 };

test("regions of classes with a pattern, by class, in pixels of level 0", async () => {
  const features = await featuresOf({ ...map, downsample: 2.5 }, exact, 0.4);
  expect(features).toEqual([
    {
      type: "Feature",
      geometry: {
        type: "Polygon",
        coordinates: [
          [
            [5, 0],
            [10, 0],
            [10, 2.5],
            [5, 2.5],
            [5, 0],
          ],
        ],
      },
      properties: {
        objectType: "annotation",
        classification: { name: "Gleason 3", color: [250, 210, 60] },
        isLocked: true,
        measurements: { "Area px^2": 12.5, "Area µm^2": 2 },
      },
    },
    expect.objectContaining({
      properties: expect.objectContaining({ measurements: { "Area px^2": 25, "Area µm^2": 4 } }),
    }),
  ]);
});

test("further classes on demand, and specks by their area in micrometres", async () => {
  const names = (features: readonly RegionFeature[]) => features.map(({ properties }) => properties.classification.name);
  expect(names(await featuresOf(map, { ...exact, also: ["benign gland"] }))).toEqual(["benign gland", "Gleason 3", "Gleason 4"]);
  expect(names(await featuresOf(map, { ...exact, minimumArea: 3 }, 1))).toEqual(["Gleason 4"]);
  expect(names(await featuresOf(map, { ...exact, minimumArea: 3 }, 2))).toEqual(["Gleason 3", "Gleason 4"]);
});

test("where classes tell no patterns apart, those with a colour", async () => {
  const names: string[] = [];
  for await (const { properties } of regionFeatures(drawn("0122"), classTables.karolinska, undefined, exact)) {
    names.push(properties.classification.name);
  }
  expect(names).toEqual(["benign tissue", "cancer"]);
});

test("a large map is reduced by the majority, read within its borders", async () => {
  const [width, height] = [4501, 403];
  const data = new Uint8Array(width * height);
  for (let p = 0; p < data.length; p++) {
    const [x, y] = [p % width, Math.floor(p / width)];
    data[p] = x >= 3000 ? NO_CLASS : x >= 1500 || y >= 300 ? 0 : (x * 7 + y * 3) % 5 === 0 ? 1 : 4;
  }
  const reduced = await reduceLabels(labelMap(width, height, data, 2), 500);
  expect([reduced.width, reduced.height, reduced.downsample]).toEqual([451, 41, 20]);
  expect(reduced.data.filter((label) => label === 4)).toHaveLength(150 * 30);
  expect(reduced.data.filter((label) => label === NO_CLASS)).toHaveLength(151 * 41);
  const [feature] = await featuresOf(labelMap(width, height, data, 2), { ...exact, longest: 500 });
  expect(feature.geometry.coordinates).toEqual([
    [
      [0, 0],
      [3000, 0],
      [3000, 600],
      [0, 600],
      [0, 0],
    ],
  ]);
});

test("of equally frequent classes the lowest", async () => {
  const reduced = await reduceLabels(drawn("33115", "44112"), 3);
  expect([...reduced.data]).toEqual([3, 1, 2]);
});

test("the file is one collection, written in pieces", async () => {
  const path = join(await temporaryFolder(), "regions.geojson");
  const features = await featuresOf(map, exact);
  const many = Array.from({ length: 2500 }, () => features).flat();
  await writeGeoJson(path, yielded(many));
  expect(JSON.parse(await readFile(path, "utf8"))).toEqual({ type: "FeatureCollection", features: many });
  await writeGeoJson(path, yielded([]));
  expect(JSON.parse(await readFile(path, "utf8"))).toEqual({ type: "FeatureCollection", features: [] });
});

async function* yielded<Item>(items: readonly Item[]): AsyncGenerator<Item> {
  yield* items;
}
