import sharp from "sharp";
import { expect, test } from "vitest";
import { createMask, findForeground, type Mask } from "../../../imaging/index.ts";
import { paintTissue } from "../../../imaging/testing/tissue.ts";
import { divideInCells, drawSampling, frequencies, rasterOf, sample, samplingPng, semanticDensity } from "./index.ts";

const [width, height] = [240, 160];
const slide = { width: 4 * width, height: 4 * height };
const image = paintTissue(width, height, (x) => (x < 60 ? "glass" : x < 150 ? "stroma" : "nuclei"));

const storyOf = async (foreground: Mask) => {
  const density = await semanticDensity(rasterOf(image), foreground, { step: 8 });
  const cells = divideInCells(slide, foreground, density, { pixels: 32, downsample: 4 }, 0.25);
  return { title: "A <slide> & its patches", slide, thumbnail: image, foreground, density, sampling: sample(cells) };
};

test("the picture holds everything: three images, each patch as a square, counts and thresholds", async () => {
  const story = await storyOf(findForeground(image, { micronsPerPixel: 4 }));
  const svg = await drawSampling(story);
  expect(svg.match(/<image /g)).toHaveLength(3);
  expect([...svg.matchAll(/href="([^"]{0,22})/g)].every(([, address]) => address === "data:image/jpeg;base64")).toBe(true);
  const { patches, counts, finest } = story.sampling;
  expect(svg.match(/M[\d.]+,[\d.]+h[\d.]+v[\d.]+h-[\d.]+z/g)).toHaveLength(patches.length);
  for (const frequency of frequencies)
    expect(svg).toMatch(new RegExp(`>${frequency}: density [^<]*, ${counts[frequency]} patches<`));
  expect(svg).toContain(`${patches.length} patches, `);
  expect(svg).toContain(`of the ${finest} of a grid`);
  expect(svg).toContain("A &lt;slide&gt; &amp; its patches");
});

test("as PNG, the foreground's line and the patches' colours can be seen where they belong", async () => {
  const png = await samplingPng(await drawSampling(await storyOf(findForeground(image, { micronsPerPixel: 4 }))));
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const reddish = (from: number, to: number): number => {
    let count = 0;
    for (let y = 44; y < 44 + 370; y++) {
      for (let x = from; x < to; x++) {
        const at = 3 * (y * info.width + x);
        if (data[at] > 150 && data[at + 1] < 90 && data[at + 2] < 90) count++;
      }
    }
    return count;
  };
  expect(info.width).toBeGreaterThan(1000);
  const third = 20 + 2 * (560 + 24);
  expect(reddish(third, third + 300)).toBe(0); // glass and stroma ask for no e
  expect(reddish(third + 350, third + 560)).toBeGreaterThan(200);
});

test("artefacts are marked and named with their share, and a slide without tissue is drawn, too", async () => {
  const foreground = findForeground(image, { micronsPerPixel: 4 });
  const story = await storyOf(foreground);
  const pen = createMask(2, 1, Uint8Array.of(0, 1));
  const marked = await drawSampling({ ...story, artefacts: { pen, folds: createMask(2, 1) } });
  expect(marked).toContain("marked: pen, 67 % of the tissue");
  expect(marked).not.toContain("folds");
  const empty = await drawSampling(await storyOf(createMask(2, 2)));
  expect(empty).toContain("no patches");
  expect((await samplingPng(empty)).length).toBeGreaterThan(1000);
});
