import sharp from "sharp";
import { expect, test } from "vitest";
import { random } from "../random/index.ts";
import { findFolds, findPen, LEAST_SHARPNESS, sharpness } from "./artefacts.ts";
import { findForeground, sharedPart } from "./foreground/index.ts";
import { createImage, createMask, defectPixels, type Image, type ImageOf, type Mask } from "./image.ts";
import { colourOfStains } from "./stains/index.ts";
import { paintTissue } from "./testing/tissue.ts";

const [WIDTH, HEIGHT] = [240, 200];
const inTissue = (x: number, y: number): boolean => Math.hypot((x - 120) / 1.3, y - 100) < 80;

/** A thumbnail at 10 microns per pixel: stroma with a broad area of nuclei, on glass. */
const painted = paintTissue(WIDTH, HEIGHT, (x, y) =>
  !inTissue(x, y) ? "glass" : Math.hypot(x - 80, y - 100) < 40 ? "nuclei" : "stroma",
);
const slide = (): ImageOf<Uint8Array> => createImage(WIDTH, HEIGHT, painted.data.slice());

const where = (inside: (x: number, y: number) => boolean): Mask =>
  createMask(
    WIDTH,
    HEIGHT,
    Uint8Array.from({ length: WIDTH * HEIGHT }, (_, pixel) => (inside(pixel % WIDTH, Math.floor(pixel / WIDTH)) ? 1 : 0)),
  );

const tissue = where(inTissue);

/** The slide with what `colourAt` gives inside the mask: the light through both. */
const marked = (mask: Mask, through: readonly [number, number, number]): Image => {
  const image = slide();
  for (let at = 0; at < image.data.length; at++) {
    if (mask.data[Math.floor(at / 3)] === 1) image.data[at] = Math.round((image.data[at] * through[at % 3]) / 255);
  }
  return image;
};

const stroke = where((x, y) => Math.abs(y - 0.4 * x - 40) < 6 && x > 30 && x < 200);

test.each<[string, [number, number, number]]>([
  ["blue", [40, 70, 200]],
  ["green", [30, 150, 70]],
  ["red", [235, 35, 30]],
  ["black", [25, 25, 28]],
])("a stroke of a %s pen is found, on tissue and on glass, and nothing else", (_, ink) => {
  const { mask, share } = findPen(marked(stroke, ink), tissue);
  expect(sharedPart(stroke, mask)).toBeGreaterThan(0.8); // red ink over crowded nuclei looks as these do
  expect(sharedPart(mask, stroke)).toBeGreaterThan(0.7);
  expect(share).toBeCloseTo(sharedPart(tissue, stroke), 1);
});

test("stained tissue is no ink, whatever its stains, and specks of dye are no strokes", () => {
  expect(findPen(slide(), tissue).share).toBe(0);
  for (const haematoxylin of [
    [0.55, 0.75, 0.36],
    [0.67, 0.68, 0.3],
  ] as const) {
    const other = paintTissue(120, 100, () => "nuclei", { stains: { haematoxylin, eosin: [0.1, 0.85, 0.5] } });
    expect(defectPixels(findPen(other, createMask(120, 100)).mask)).toBe(0);
  }
  const speck = where((x, y) => Math.hypot(x - 150, y - 100) < 4);
  expect(defectPixels(findPen(marked(speck, [30, 150, 70]), tissue).mask)).toBe(0);
});

/** Two further layers of the same stroma. */
const layer = colourOfStains(0.12, 0.6);

test("a fold is found: a narrow strip through which light passes more layers", () => {
  const fold = where((x, y) => Math.abs(x - 150 - 0.3 * (y - 100)) < 4 && Math.abs(y - 100) < 45);
  const { mask, share } = findFolds(marked(fold, [...layer]), tissue);
  expect(sharedPart(fold, mask)).toBeGreaterThan(0.8);
  expect(sharedPart(mask, fold)).toBeGreaterThan(0.7);
  expect(share).toBeCloseTo(sharedPart(tissue, fold), 1);
});

test("no folds: tissue with a broad dense area, a dark spot, a grey hair, no tissue at all", () => {
  expect(findFolds(slide(), tissue).share).toBe(0);
  const spot = where((x, y) => Math.hypot(x - 150, y - 100) < 14);
  expect(findFolds(marked(spot, [...layer]), tissue).share).toBe(0);
  const hair = where((x, y) => Math.abs(x - 150) < 4 && Math.abs(y - 100) < 45);
  const grey = slide();
  for (let at = 0; at < grey.data.length; at++) if (hair.data[Math.floor(at / 3)] === 1) grey.data[at] = 60;
  expect(findFolds(grey, tissue).share).toBe(0);
  expect(findFolds(slide(), createMask(WIDTH, HEIGHT)).share).toBe(0);
});

const blurred = async (image: Image, sigma: number): Promise<Image> => {
  const { width, height, data } = image;
  const blurring = sharp(data, { raw: { width, height, channels: 3 } }).blur(sigma);
  return createImage(width, height, new Uint8Array(await blurring.raw().toBuffer()));
};

test("sharpness tells focus from blur for sparse and for crowded tissue, pale or strongly stained", async () => {
  for (const kind of ["stroma", "nuclei"] as const) {
    const sharpest = paintTissue(128, 128, () => kind);
    const pale = createImage(
      128,
      128,
      sharpest.data.map((value) => Math.round(255 - 0.5 * (255 - value))),
    );
    for (const patch of [sharpest, pale]) {
      expect(sharpness(patch)).toBeGreaterThan(1.5 * LEAST_SHARPNESS);
      expect(sharpness(await blurred(patch, 2.5))).toBeLessThan(LEAST_SHARPNESS);
    }
  }
});

test("sharpness does not depend on contrast, and is 0 without detail", () => {
  const numbers = random(2, "texture");
  const texture = new Float64Array(64 * 64).map(() => numbers.uniform(-1, 1));
  const withContrast = (contrast: number): Image =>
    createImage(
      64,
      64,
      new Uint8Array(64 * 64 * 3).map((_, at) => Math.round(128 + contrast * texture[Math.floor(at / 3)])),
    );
  expect(sharpness(withContrast(100))).toBeCloseTo(sharpness(withContrast(50)), 0);
  expect(sharpness(withContrast(0))).toBe(0);
  expect(sharpness(createImage(2, 2))).toBe(0);
});

test("what is inked is not tissue: the pen's mask is taken off the foreground", () => {
  const onGlass = where((x, y) => Math.abs(y - 10) < 6 && x > 20 && x < 200);
  const image = marked(onGlass, [40, 70, 200]);
  const foreground = findForeground(image, { micronsPerPixel: 10 });
  expect(sharedPart(onGlass, foreground)).toBeGreaterThan(0.9);
  expect(sharedPart(onGlass, findPen(image, foreground).mask)).toBeGreaterThan(0.9);
});
