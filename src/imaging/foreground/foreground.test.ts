import { expect, test } from "vitest";
import { random } from "../../random/index.ts";
import { createImage, createMask, defectPixels, type Image, type Mask } from "../image.ts";
import { paintTissue } from "../testing/tissue.ts";
import { findForeground, grabCut, otsuForeground } from "./index.ts";

const plain = (width: number, height: number, colourAt: (x: number, y: number) => ArrayLike<number>, noise = 2): Image => {
  const numbers = random(3, "plain");
  const image = createImage(width, height);
  for (let at = 0; at < image.data.length; at++) {
    const pixel = Math.floor(at / 3);
    const value = colourAt(pixel % width, Math.floor(pixel / width))[at % 3] + numbers.normal(0, noise);
    image.data[at] = Math.min(255, Math.max(0, Math.round(value)));
  }
  return image;
};

const maskWhere = (width: number, height: number, inside: (x: number, y: number) => boolean): Mask =>
  createMask(
    width,
    height,
    Uint8Array.from({ length: width * height }, (_, pixel) => (inside(pixel % width, Math.floor(pixel / width)) ? 1 : 0)),
  );

const overlapOf = (a: Mask, b: Mask): number => {
  let [both, either] = [0, 0];
  for (let pixel = 0; pixel < a.data.length; pixel++) {
    both += a.data[pixel] & b.data[pixel];
    either += a.data[pixel] | b.data[pixel];
  }
  return both / either;
};

const share = (mask: Mask): number => defectPixels(mask) / mask.data.length;
const inDisc = (x: number, y: number): boolean => Math.hypot(x - 80, y - 70) < 50;

test("Otsu: a disc of tissue on glass, pale or dark", () => {
  const truth = maskWhere(160, 140, inDisc);
  for (const kind of ["stroma", "nuclei"] as const) {
    const slide = paintTissue(160, 140, (x, y) => (inDisc(x, y) ? kind : "glass"));
    expect(overlapOf(otsuForeground(slide), truth)).toBeGreaterThan(0.97);
  }
  const pale = plain(160, 140, (x, y) => (inDisc(x, y) ? [236, 212, 224] : [244, 243, 244]));
  expect(overlapOf(findForeground(pale), truth)).toBeGreaterThan(0.97);
});

test("Otsu: a slide full of tissue has no background, an empty one no tissue, even with dust and noise", () => {
  const full = paintTissue(160, 140, (x) => (x < 60 ? "nuclei" : "stroma"));
  expect(share(otsuForeground(full))).toBeGreaterThan(0.99);
  expect(share(findForeground(full))).toBe(1);
  const empty = plain(160, 140, (x, y) => (x % 50 === 0 && y % 40 === 0 ? [90, 80, 90] : [240, 239, 241]));
  expect(share(findForeground(empty))).toBe(0);
});

test("Otsu: black borders are no tissue", () => {
  const slide = paintTissue(160, 140, (x, y) => (inDisc(x, y) ? "stroma" : "glass"));
  const bordered = plain(160, 140, (x, y) =>
    x < 20 || y > 125 ? [3, 2, 3] : slide.data.subarray(3 * (y * 160 + x), 3 * (y * 160 + x) + 3),
  );
  expect(overlapOf(otsuForeground(bordered), maskWhere(160, 140, inDisc))).toBeGreaterThan(0.97);
});

test("Otsu: in grey scans the object is what the rim does not show", () => {
  const truth = maskWhere(160, 140, inDisc);
  const bright = plain(160, 140, (x, y) => (inDisc(x, y) ? [150, 150, 150] : [12, 12, 12]), 0);
  const dark = plain(160, 140, (x, y) => (inDisc(x, y) ? [90, 90, 90] : [250, 250, 250]), 0);
  expect(overlapOf(otsuForeground(bright), truth)).toBe(1);
  expect(overlapOf(otsuForeground(dark), truth)).toBe(1);
  expect(share(otsuForeground(plain(40, 40, () => [230, 230, 230], 0)))).toBe(0);
});

test("sizes are in microns: the same speck goes or stays with the resolution, lumina are filled, shreds go", () => {
  const slide = paintTissue(200, 160, (x, y) => {
    const [fromCentre, fromSpeck] = [Math.hypot(x - 80, y - 80), Math.hypot(x - 180, y - 20)];
    if (fromSpeck < 6 || (x > 140 && y > 80 && y < 83)) return "stroma";
    return fromCentre < 50 && fromCentre > 8 ? "stroma" : "glass";
  });
  const inside = (mask: Mask, x: number, y: number): boolean => mask.data[y * 200 + x] === 1;
  const fine = findForeground(slide, { micronsPerPixel: 5 });
  const coarse = findForeground(slide, { micronsPerPixel: 16, detail: 80 });
  expect([inside(fine, 180, 20), inside(coarse, 180, 20)]).toEqual([false, true]);
  expect([inside(fine, 80, 80), inside(coarse, 80, 80)]).toEqual([true, false]);
  expect([inside(fine, 190, 81), inside(coarse, 190, 81)]).toEqual([false, false]);
  expect(share(findForeground(slide, { method: "none" }))).toBe(1);
});

/** A ring with a hole: pink on greenish glass, of nearly the same saturation beside the noise. */
const inRing = (x: number, y: number): boolean => Math.hypot(x - 80, y - 70) < 55 && Math.hypot(x - 95, y - 70) > 20;
const faint = (): Image => plain(160, 140, (x, y) => (inRing(x, y) ? [236, 208, 226] : [236, 240, 226]), 6);

test("GrabCut finds a shape that Otsu gets wrong: it is hardly more saturated than the ground, but has another colour", () => {
  const truth = maskWhere(160, 140, inRing);
  const slide = faint();
  const otsu = otsuForeground(slide);
  const cut = grabCut(slide, otsu);
  expect(overlapOf(otsu, truth)).toBeLessThan(0.7);
  expect(overlapOf(cut, truth)).toBeGreaterThan(0.98);
  expect(overlapOf(findForeground(slide, { method: "grabCut" }), truth)).toBeGreaterThan(0.95);
});

test("GrabCut's borders cost: without them, noise leaves more of them", () => {
  const slide = faint();
  const start = otsuForeground(slide);
  const truth = maskWhere(160, 140, inRing);
  expect(overlapOf(grabCut(slide, start, { smoothness: 0 }), truth)).toBeLessThan(overlapOf(grabCut(slide, start), truth) - 0.1);
});

test("GrabCut leaves empty and full masks alone, works on large thumbnails, and asks for a mask that fits", () => {
  const slide = faint();
  const [empty, full] = [createMask(160, 140), maskWhere(160, 140, () => true)];
  expect(grabCut(slide, empty)).toEqual(empty);
  expect(grabCut(slide, full)).toEqual(full);
  const large = paintTissue(900, 700, (x, y) => (Math.hypot(x - 400, y - 350) < 300 ? "stroma" : "glass"));
  const truth = maskWhere(900, 700, (x, y) => Math.hypot(x - 400, y - 350) < 300);
  expect(overlapOf(findForeground(large, { method: "grabCut" }), truth)).toBeGreaterThan(0.97);
  expect(() => grabCut(slide, createMask(3, 4))).toThrow("A mask of 3 x 4");
});
