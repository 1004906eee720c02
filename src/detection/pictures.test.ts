import { describe, expect, it } from "vitest";
import { createImage, createMask, decodeImage, type Image, type Mask } from "../imaging/index.ts";
import type { DetectorDescription } from "./contract.ts";
import type { Detection } from "./detector.ts";
import { explain, heatOverlay, heatScale, outlined } from "./pictures.ts";

const description = (threshold: DetectorDescription["threshold"]): DetectorDescription => ({
  system: "test",
  config: {},
  preprocess: { size: 8, channels: 3, aspect: "stretch", depth: 8 },
  imageScore: { kind: "max" },
  threshold,
  provenance: {},
});
const usual = description({ value: 0.4, normalLevel: 0.2 });
const detection = (map: Float32Array): Detection => ({
  score: 1,
  anomalous: true,
  map,
  ignored: undefined,
  restored: undefined,
});
const grey = (width: number, height: number, value = 90): Image =>
  createImage(width, height, new Uint8Array(width * height * 3).fill(value));
const pixel = ({ data, width }: Image, x: number, y: number) => [...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
const rectangle = (width: number, height: number, [left, top, right, bottom]: readonly number[]): Mask => {
  const mask = createMask(width, height);
  for (let y = top; y <= bottom; y++) mask.data.fill(1, y * width + left, y * width + right + 1);
  return mask;
};

describe("heatOverlay", () => {
  it("leaves the image as it is up to halfway between normal and threshold, and grows to full colour as far above it", () => {
    const values = [-5, 0.2, 0.3, 0.4, 0.6, 99];
    const shown = heatOverlay(grey(6, 1), detection(Float32Array.from(values)), usual);
    const changes = values.map((_, x) => Math.max(...pixel(shown, x, 0).map((part) => Math.abs(part - 90))));
    expect(changes.slice(0, 3)).toEqual([0, 0, 0]);
    expect(changes[3]).toBeGreaterThan(0);
    expect(changes[4]).toBeGreaterThan(2 * changes[3]);
    expect(pixel(shown, 5, 0)).toEqual(pixel(shown, 4, 0));
  });

  it("keeps two fifths of the image's contrast under the highest colour, and stays far from white on white", () => {
    const image = createImage(2, 1, Uint8Array.of(0, 0, 0, 255, 255, 255));
    const [black, white] = [0, 1].map((x) => pixel(heatOverlay(image, detection(Float32Array.of(9, 9)), usual), x, 0));
    for (const channel of [0, 1, 2]) expect(white[channel] - black[channel]).toBeGreaterThan(0.4 * 255);
    expect(Math.max(...white) - Math.min(...white)).toBeGreaterThan(100);
  });

  it("colours large images and those of 16 bits pixel by pixel, from the first row to the last", () => {
    const [width, height] = [3, 150];
    const image = createImage(
      width,
      height,
      Uint16Array.from({ length: width * height * 3 }, (_, i) => 257 * (i % 251)),
    );
    const map = Float32Array.from({ length: width * height }, (_, i) => 0.3 + (0.3 * ((i * 7) % 11)) / 11);
    const shown = heatOverlay(image, detection(map), usual);
    expect(shown.data).toBeInstanceOf(Uint8Array);
    for (const [x, y] of [
      [0, 0],
      [2, 63],
      [0, 64],
      [1, 149],
    ]) {
      const at = y * width + x;
      const alone = createImage(1, 1, image.data.slice(3 * at, 3 * at + 3));
      const expected = heatOverlay(alone, detection(map.slice(at, at + 1)), usual);
      expect(pixel(shown, x, y)).toEqual(pixel(expected, 0, 0));
    }
  });

  it.each([
    ["no threshold", undefined],
    ["a threshold whose normal level is not known", { value: 0.4 }],
    ["a threshold below the normal level", { value: 0.4, normalLevel: 0.5 }],
  ])("uses the upper half of the map's own range with %s", (_, threshold) => {
    const shown = heatOverlay(grey(3, 1), detection(Float32Array.of(1, 2, 3)), description(threshold));
    expect(pixel(shown, 1, 0)).toEqual([90, 90, 90]);
    expect(pixel(shown, 2, 0)).not.toEqual([90, 90, 90]);
  });
});

describe("heatScale", () => {
  it("has the colours that heatOverlay gives over grey, and the threshold at a third", () => {
    const { colours, ticks } = heatScale(usual);
    const values = Float32Array.of(0.3, 0.45, 0.6);
    const shown = heatOverlay(grey(3, 1, 140), detection(values), usual);
    for (const [x, step] of [0, 12, 24].entries()) {
      for (const channel of [0, 1, 2]) expect(Math.abs(pixel(shown, x, 0)[channel] - colours[step][channel])).toBeLessThan(2);
    }
    expect(ticks.map(({ at }) => at)).toEqual([0, expect.closeTo(1 / 3), 1]);
    expect(ticks.map(({ label }) => label)).toEqual(["0.3", "threshold 0.4", "0.6 and above"]);
  });

  it("names the threshold only where colours have a common scale, and hatching where there is any", () => {
    expect(JSON.stringify(heatScale(description(undefined)))).not.toContain("threshold");
    expect(heatScale(usual).note).not.toContain("Hatched");
    expect(heatScale(usual).outline).toBeUndefined();
    expect(heatScale(usual, { masked: true }).outline?.label).toBe("the true defect");
    expect(heatScale(usual, { hatched: true }).note).toContain("Hatched");
  });
});

describe("outlined", () => {
  const isLine = (colour: readonly number[]) => colour[2] > 200 && colour[0] < 60;

  it("draws the line around the defect and leaves the defect itself visible", () => {
    const shown = outlined(grey(400, 400), 400, rectangle(400, 400, [100, 100, 200, 200]));
    expect(pixel(shown, 100, 150)).toEqual([90, 90, 90]);
    expect(pixel(shown, 99, 150)).toEqual([0, 0, 0]);
    expect(isLine(pixel(shown, 98, 150))).toBe(true);
    expect(isLine(pixel(shown, 97, 150))).toBe(true);
    expect(pixel(shown, 96, 150)).toEqual([0, 0, 0]);
    expect(pixel(shown, 95, 150)).toEqual([90, 90, 90]);
  });

  it("still shows a crack of one pixel in an image that is much reduced", () => {
    const shown = outlined(grey(3000, 1500), 300, rectangle(3000, 1500, [1503, 200, 1503, 1200]));
    expect([shown.width, shown.height]).toEqual([300, 150]);
    expect(isLine(pixel(shown, 148, 75))).toBe(true);
    expect(pixel(shown, 150, 75)).toEqual([90, 90, 90]);
  });

  it("averages when reducing and enlarges small images by a whole number", () => {
    const image = createImage(4, 1, Uint8Array.of(0, 0, 0, 100, 100, 100, 200, 200, 200, 250, 250, 250));
    expect([...outlined(image, 2).data]).toEqual([50, 50, 50, 225, 225, 225]);
    const enlarged = outlined(image, 11);
    expect([enlarged.width, enlarged.height]).toEqual([8, 2]);
    expect([0, 1, 2, 7].map((x) => pixel(enlarged, x, 1)[0])).toEqual([0, 0, 100, 250]);
  });

  it("shows images of 16 bits", () => {
    expect([...outlined(createImage(1, 1, Uint16Array.of(0, 32896, 65535)), 1).data]).toEqual([0, 128, 255]);
  });

  it("hatches what counts nowhere", () => {
    const shown = outlined(grey(100, 100, 10), 100, undefined, rectangle(100, 100, [50, 0, 99, 99]));
    expect(pixel(shown, 49, 10)).toEqual([10, 10, 10]);
    const values = new Set(Array.from({ length: 50 }, (_, x) => pixel(shown, 50 + x, 10)[0]));
    expect(values.size).toBe(2);
    expect(values.has(10)).toBe(false);
  });
});

describe("explain", () => {
  it("shows the heat map first, then the image, both with the defect outlined, then the restored image", async () => {
    const image = grey(64, 64);
    const restored = { data: new Float32Array(3 * 8 * 8).fill(0.5), shape: [3, 8, 8], type: "float32" } as Detection["restored"];
    const found = { ...detection(new Float32Array(64 * 64)), restored };
    const pictures = await explain(image, found, usual, rectangle(64, 64, [20, 20, 40, 40]));
    expect(pictures.map(({ caption }) => caption)).toEqual(["heat map", "image", "restored"]);
    expect(pictures.map(({ alternative }) => alternative?.includes("true defect"))).toEqual([true, true, undefined]);
    for (const { bytes } of pictures.slice(0, 2)) {
      const drawn = await decodeImage(Buffer.from(bytes));
      const scale = drawn.width / 64;
      expect(scale).toBe(6);
      const beside = pixel(drawn, Math.round(20 * scale) - 3, 30 * scale);
      expect(beside[2] - beside[0]).toBeGreaterThan(60);
      expect(Math.abs(pixel(drawn, 30 * scale, 30 * scale)[0] - 90)).toBeLessThan(4);
    }
  });

  it("shows two pictures without masks where the system restores nothing", async () => {
    const pictures = await explain(grey(32, 16), detection(new Float32Array(32 * 16)), usual);
    expect(pictures.map(({ caption, alternative }) => [caption, alternative])).toEqual([
      ["heat map", undefined],
      ["image", undefined],
    ]);
  });
});
