import { describe, expect, test } from "vitest";
import { growBody } from "./body.ts";
import { createCanvas } from "./canvas.ts";
import { isupGrade } from "./isup.ts";
import { nucleusFields } from "./nuclei.ts";
import { paintTissue } from "./paint-tissue.ts";
import { phantomClasses } from "./patterns.ts";
import { type Phantom, phantom } from "./phantom.ts";

/** The slide put together from tiles of a size that divides nothing. */
const fromTiles = (slide: Phantom, side: number): { image: Uint8Array; mask: Uint8Array } => {
  const image = new Uint8Array(slide.width * slide.height * 3);
  const mask = new Uint8Array(slide.width * slide.height);
  for (let y = 0; y < slide.height; y += side) {
    for (let x = 0; x < slide.width; x += side) {
      const tile = slide.paint(x, y, Math.min(side, slide.width - x), Math.min(side, slide.height - y));
      for (let row = 0; row < tile.height; row++) {
        const to = (y + row) * slide.width + x;
        image.set(tile.image.subarray(row * tile.width * 3, (row + 1) * tile.width * 3), to * 3);
        mask.set(tile.mask.subarray(row * tile.width, (row + 1) * tile.width), to);
      }
    }
  }
  return { image, mask };
};

const countsOf = (mask: Uint8Array): number[] => {
  const counts = [0, 0, 0, 0, 0, 0];
  for (const value of mask) counts[value]++;
  return counts;
};

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe("phantom", () => {
  test("has the same pixels however it is divided, and when it is made again", { timeout: 60_000 }, () => {
    const cases = [
      { seed: 3, options: { width: 400, height: 330, grade: 5, micronsPerPixel: 1.3 } },
      { seed: 5, options: { width: 300, height: 390, grade: 2, micronsPerPixel: 2 } },
    ];
    for (const { seed, options } of cases) {
      const whole = phantom(seed, options).paint(0, 0, options.width, options.height);
      const slide = phantom(seed, options);
      const tiled = fromTiles(slide, 97);
      expect(Buffer.compare(tiled.image, whole.image)).toBe(0);
      expect(Buffer.compare(tiled.mask, whole.mask)).toBe(0);
      expect(Buffer.compare(slide.paintMask(0, 0, options.width, options.height), whole.mask)).toBe(0);
    }
  });

  test("differs from seed to seed; slides of a patient share the stain, not the tissue", () => {
    const region = (seed: number, patient?: number): Uint8Array =>
      phantom(seed, { width: 512, height: 512, grade: 0, patient }).paint(200, 200, 64, 64).image;
    expect(Buffer.compare(region(1), region(2))).not.toBe(0);
    expect(Buffer.compare(region(1, 7), region(2, 7))).not.toBe(0);
  });

  test("has the grade that was asked for, by the areas of its mask", { timeout: 120_000 }, () => {
    for (let grade = 0; grade <= 5; grade++) {
      for (let seed = 0; seed < 3; seed++) {
        const slide = phantom(40 + seed, { width: 360, height: 400, micronsPerPixel: 2.5, grade });
        const counts = countsOf(slide.paintMask(0, 0, 360, 400));
        expect(isupGrade({ 3: counts[3], 4: counts[4], 5: counts[5] }), `grade ${grade}, seed ${seed}`).toBe(grade);
        expect(counts[phantomClasses.stroma]).toBeGreaterThan(0.05 * 360 * 400);
        expect(counts[phantomClasses.background]).toBeGreaterThan(0.1 * 360 * 400);
        if (grade === 0) expect(counts[3] + counts[4] + counts[5]).toBe(0);
      }
    }
  });

  test("shows glass near white, stroma pink, and lumina in Gleason 3 but hardly in Gleason 5", { timeout: 60_000 }, () => {
    /** Mean colour, and share of pixels nearly as bright as the glass, of a class over a few slides. */
    const look = (grade: number, classIndex: number): { colour: number[]; bright: number } => {
      const colours: number[][] = [[], [], []];
      let [bright, count] = [0, 0];
      for (const seed of [61, 62]) {
        const { image, mask } = phantom(seed, { width: 400, height: 400, micronsPerPixel: 1.5, grade }).paint(0, 0, 400, 400);
        for (let index = 0; index < mask.length; index++) {
          if (mask[index] !== classIndex) continue;
          count++;
          if (Math.min(image[3 * index], image[3 * index + 1], image[3 * index + 2]) > 215) bright++;
          for (let channel = 0; channel < 3; channel++) colours[channel].push(image[3 * index + channel]);
        }
      }
      return { colour: colours.map(mean), bright: bright / count };
    };
    expect(Math.min(...look(0, phantomClasses.background).colour)).toBeGreaterThan(205);
    const [red, green, blue] = look(0, phantomClasses.stroma).colour;
    expect(red).toBeGreaterThan(blue);
    expect(blue).toBeGreaterThan(green + 10);
    const [three, five] = [look(1, phantomClasses.gleason3), look(5, phantomClasses.gleason5)];
    expect(three.bright).toBeGreaterThan(2 * five.bright);
  });

  test("paints haematoxylin where nuclei are", () => {
    const body = growBody(8, { width: 512, height: 512, grade: 1, patient: 8, tissue: "piece" });
    const canvas = createCanvas(0, 0, 512, 512, 1);
    paintTissue(canvas, body, 8, []);
    const atNuclei: number[] = [];
    for (const gland of body.glands(0, 0, 512, 512)) {
      for (let at = 0; at < gland.nuclei.length; at += nucleusFields) {
        const [x, y] = [Math.floor(gland.nuclei[at]), Math.floor(gland.nuclei[at + 1])];
        const index = y * 512 + x;
        if (x >= 0 && y >= 0 && x < 512 && y < 512 && canvas.depth[index] > 2) atNuclei.push(canvas.haematoxylin[index]);
      }
    }
    const everywhere = [...canvas.haematoxylin].filter((_, index) => canvas.depth[index] > 2);
    expect(atNuclei.length).toBeGreaterThan(100);
    expect(mean(atNuclei)).toBeGreaterThan(3 * mean(everywhere));
  });

  test("says what is wrong with options and regions", () => {
    expect(() => phantom(1, { width: 100 })).toThrow(/width of a phantom .* not 100/);
    expect(() => phantom(1, { grade: 6 })).toThrow(/ISUP grade .* not 6/);
    expect(() => phantom(1, { micronsPerPixel: 0 })).toThrow(/um wide, not 0/);
    const slide = phantom(1, { width: 512, height: 512, grade: 0 });
    expect(() => slide.paint(500, 0, 20, 10)).toThrow(/20 x 10 pixels from \(500, 0\) is not on the slide of 512 x 512/);
    expect(() => slide.paintMask(-1, 0, 20, 10)).toThrow(RangeError);
  });

  test("a slide of 40000 x 40000 pixels is painted where it is asked for", () => {
    const slide = phantom(9, { width: 40_000, height: 40_000, grade: 4, tissue: "piece" });
    const region = slide.paint(20_000, 20_000, 256, 256);
    expect(countsOf(region.mask)[phantomClasses.background]).toBe(0);
    const { image } = slide.paint(0, 0, 64, 64);
    expect(Math.min(...image)).toBeGreaterThan(190);
  });
});
