import { describe, expect, test } from "vitest";
import { random } from "../random/index.ts";
import { pixelMeasures } from "./pixel-bootstrap.ts";
import { pixelMeasuresByKind, type ScoredMapOfKind } from "./pixel-kinds.ts";

/** A noisy image with raised defects in a row, squares of the given sizes with a pixel more at a corner; some pixels ignored. */
const image = (kind: string, index: number, sizes: readonly number[], raise: number): ScoredMapOfKind => {
  const side = 40;
  const source = random("kinds", kind, index);
  const mask = new Uint8Array(side * side);
  let left = 1;
  for (const size of sizes) {
    for (let y = 5; y < 5 + size; y++) for (let x = left; x < left + size; x++) mask[y * side + x] = 255;
    mask[(5 + size) * side + left + size] = 255;
    left += size + 2;
  }
  const map = Float32Array.from(mask, (inside) => source.normal() + (inside ? raise : 0));
  const ignore = index % 2 ? undefined : Uint8Array.from(mask, () => (source.uniform() < 0.1 ? 1 : 0));
  return { kind, map, width: side, height: side, ignore, ...(kind === "good" && index % 3 ? {} : { mask }) };
};

const images = [
  image("scratch", 0, [3, 9], 1),
  image("good", 0, [], 0),
  image("dent", 0, [12], 2),
  image("good", 1, [], 0),
  image("scratch", 1, [2, 2, 2], 1.5),
  image("dent", 1, [6, 4], 2),
  image("scratch", 2, [], 0),
  image("good", 2, [], 0),
  image("good", 3, [], 0),
  image("clean", 0, [], 0),
  image("dent", 2, [5], 2.5),
];

describe("pixel measures by kind", () => {
  test("are, intervals included, those of the images of a kind and the normal ones by themselves", () => {
    for (const options of [{ replicates: 60 }, { replicates: 60, seed: 3, limit: 0.05, connectivity: 4 as const }]) {
      const byKind = pixelMeasuresByKind(images, "good", options);
      expect([...byKind.keys()]).toEqual(["scratch", "dent"]);
      for (const [kind, measures] of byKind) {
        const alone = images.filter((image) => image.kind === kind || image.kind === "good");
        expect(measures).toEqual(pixelMeasures(alone, options));
      }
    }
  });

  test("the name of normality is free, and without normal images a kind stands against its own normal pixels", () => {
    const renamed = images.map((image) => ({ ...image, kind: image.kind === "good" ? "__proto__" : image.kind }));
    const options = { replicates: 20 };
    expect(pixelMeasuresByKind(renamed, "__proto__", options)).toEqual(pixelMeasuresByKind(images, undefined, options));
    const scratches = images.filter(({ kind }) => kind === "scratch");
    expect(pixelMeasuresByKind(scratches, "good", options).get("scratch")).toEqual(pixelMeasures(scratches, options));
    expect(pixelMeasuresByKind(images.filter(({ kind }) => kind === "good")).size).toBe(0);
    expect(pixelMeasuresByKind([]).size).toBe(0);
  });

  test("name the image that is wrong", () => {
    const broken = (index: number, change: Partial<ScoredMapOfKind>) => images.with(index, { ...images[index], ...change });
    expect(() => pixelMeasuresByKind(broken(4, { map: new Float32Array(3) }))).toThrow(/map of image 4 has 3 values/);
    expect(() => pixelMeasuresByKind(broken(5, { map: images[5].map.with(0, NaN) }))).toThrow(/of the kind "dent" 1 is NaN/);
    expect(() => pixelMeasuresByKind(broken(3, { mask: images[0].mask }))).toThrow(/Image 3 is of the normal kind "good"/);
  });
});
