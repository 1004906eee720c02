import { beforeAll, describe, expect, test } from "vitest";
import { createImage, createMask, erosion, type Mask } from "../../../../imaging/index.ts";
import { random } from "../../../../random/index.ts";
import { type FloatImage, floatImage, toFloat } from "../float-image.ts";
import { editedPhotograph } from "../photograph/edit.ts";
import type { Photograph } from "../photograph/photograph.ts";
import { randomBlob, shareOf } from "../regions.ts";
import {
  inpaint,
  manipulate,
  manipulationKinds,
  membrane,
  placed,
  poissonBlend,
  resampled,
  transferColour,
  upsampled,
} from "./index.ts";

const SIZE = 80;
const painted = (colour: (x: number, y: number) => number, width = SIZE, height = SIZE): FloatImage => {
  const picture = floatImage(width, height);
  for (let at = 0; at < picture.data.length; at++) {
    const pixel = Math.floor(at / 3);
    picture.data[at] = colour(pixel % width, Math.floor(pixel / width)) + 10 * (at % 3);
  }
  return picture;
};

const box = (left: number, top: number, right: number, bottom: number, width = SIZE, height = SIZE): Mask => {
  const mask = createMask(width, height);
  for (let y = top; y < bottom; y++) mask.data.fill(1, y * width + left, y * width + right);
  return mask;
};

const meanDifference = (a: FloatImage, b: FloatImage, region: Mask): number => {
  let [sum, count] = [0, 0];
  for (let at = 0; at < a.data.length; at++) {
    if (region.data[Math.floor(at / 3)] === 0) continue;
    sum += Math.abs(a.data[at] - b.data[at]);
    count++;
  }
  return sum / count;
};

let photographs: Photograph[];
beforeAll(async () => {
  photographs = await Promise.all([11, 12, 13, 14].map((identity) => editedPhotograph(identity, SIZE, SIZE)));
});

describe.each(manipulationKinds)("%s", (kind) => {
  test("changes what its mask covers and nothing else, within the range of area, as its seed says", () => {
    for (let index = 0; index < 4; index++) {
      const [target, donor] = [photographs[index], photographs[(index + 1) % 4]];
      const options = { seed: 5, index, area: { low: 0.05, high: 0.2 } };
      const { image, mask } = manipulate(kind, target, donor, options);
      let [inside, changed, changedOutside] = [0, 0, 0];
      for (let pixel = 0; pixel < mask.data.length; pixel++) {
        const same = [0, 1, 2].every((c) => image.data[3 * pixel + c] === target.image.data[3 * pixel + c]);
        if (mask.data[pixel] !== 0) inside++;
        else if (!same) changedOutside++;
        if (!same) changed++;
      }
      expect(changedOutside).toBe(0);
      expect(changed / inside).toBeGreaterThan(0.4);
      const share = shareOf(mask);
      expect((share >= 0.05 && share <= 0.2) || (kind === "upsampling" && share === 1)).toBe(true);
      if (index > 0) continue;
      expect(manipulate(kind, target, donor, options)).toEqual({ image, mask });
      expect(manipulate(kind, target, donor, { ...options, seed: 6 }).image.data).not.toEqual(image.data);
    }
  });
});

test("pictures of two sizes and areas that are none are refused in a sentence", () => {
  const small = { image: createImage(16, 16), objects: new Uint8Array(256) };
  expect(() => manipulate("blur", photographs[0], small, { seed: 0, index: 0 })).toThrow("16 x 16 pixels but the target 80 x 80");
  const area = { low: 0.3, high: 0.2 };
  expect(() => manipulate("blur", photographs[0], photographs[0], { seed: 0, index: 0, area })).toThrow("not 0.3 and 0.2");
});

describe("Poisson blending", () => {
  const neighbours = (pixel: number): number[] => [
    ...(pixel % SIZE > 0 ? [pixel - 1] : []),
    ...(pixel % SIZE < SIZE - 1 ? [pixel + 1] : []),
    ...(pixel >= SIZE ? [pixel - SIZE] : []),
    ...(pixel < SIZE * (SIZE - 1) ? [pixel + SIZE] : []),
  ];

  test.each(["source", "mixed"] as const)(
    "solves its equation with %s gradients, with the target at its boundary",
    (guidance) => {
      const [target, source] = [toFloat(photographs[0].image), toFloat(photographs[1].image)];
      for (let index = 0; index < 5; index++) {
        const region = randomBlob(random("poisson", index), SIZE, SIZE, 1500);
        const { data: f } = poissonBlend(target, source, region, guidance);
        let worst = 0;
        for (let pixel = 0; pixel < region.data.length; pixel++) {
          for (let c = 0; c < 3; c++) {
            const at = 3 * pixel + c;
            if (region.data[pixel] === 0) {
              expect(f[at]).toBe(target.data[at]);
              continue;
            }
            const residual = neighbours(pixel).reduce((sum, other) => {
              const own = source.data[at] - source.data[3 * other + c];
              const kept = target.data[at] - target.data[3 * other + c];
              return sum + f[at] - f[3 * other + c] - (guidance === "mixed" && Math.abs(kept) > Math.abs(own) ? kept : own);
            }, 0);
            worst = Math.max(worst, Math.abs(residual));
          }
        }
        expect(worst).toBeLessThan(2e-3);
      }
    },
  );

  test("of the target with other light changes nothing, and without a boundary is refused", () => {
    const target = toFloat(photographs[0].image);
    const brighter = { ...target, data: target.data.map((value) => value + 40) };
    const region = randomBlob(random("light"), SIZE, SIZE, 1200);
    expect(meanDifference(poissonBlend(target, brighter, region), target, region)).toBeLessThan(0.05);
    const everything = createMask(SIZE, SIZE, new Uint8Array(SIZE * SIZE).fill(1));
    expect(() => poissonBlend(target, brighter, everything)).toThrow("covers the whole picture");
  });

  test("without gradients continues a plane as a plane", () => {
    const plane = painted((x, y) => 30 + x + 0.5 * y);
    const hole = box(20, 30, 50, 60);
    const holed = { ...plane, data: plane.data.map((value, at) => (hole.data[Math.floor(at / 3)] ? 0 : value)) };
    expect(meanDifference(membrane(holed, hole), plane, hole)).toBeLessThan(0.5);
  });
});

describe("a copied piece", () => {
  test("moved by whole pixels is an exact copy", () => {
    const from = randomBlob(random("copy"), SIZE, SIZE, 300);
    const placement = { middle: [30, 30], right: 17, down: -9, angle: 0, scale: 1 } as const;
    const picture = toFloat(photographs[2].image);
    const { picture: there, region } = placed(picture, from, placement);
    let copied = 0;
    for (let pixel = 0; pixel < region.data.length; pixel++) {
      const source = pixel - 17 + 9 * SIZE;
      if (region.data[pixel] === 0) continue;
      copied++;
      expect(from.data[source]).toBe(1);
      for (let c = 0; c < 3; c++) expect(there.data[3 * pixel + c]).toBe(picture.data[3 * source + c]);
    }
    expect(copied).toBeGreaterThan(100);
  });

  test("turned and scaled shows the same colours at the turned places, and its area grows with the square", () => {
    const smooth = painted((x, y) => 100 + 40 * Math.sin(x / 9) + 40 * Math.cos(y / 7));
    const from = box(25, 30, 45, 50);
    const placement = { middle: [35, 40], right: 10, down: 5, angle: Math.PI / 6, scale: 1.3 } as const;
    const { picture: there, region } = placed(smooth, from, placement);
    expect(shareOf(region) / shareOf(from)).toBeCloseTo(1.69, 1);
    const [x, y] = [45 + 7, 45 - 3];
    const fromX = 35 + (Math.cos(Math.PI / 6) * 7 - Math.sin(Math.PI / 6) * 3) / 1.3;
    const fromY = 40 + (-Math.cos(Math.PI / 6) * 3 - Math.sin(Math.PI / 6) * 7) / 1.3;
    expect(there.data[3 * (y * SIZE + x)]).toBeCloseTo(100 + 40 * Math.sin(fromX / 9) + 40 * Math.cos(fromY / 7), 0);
  });
});

test("inpainting continues a texture that smooth filling does not", () => {
  const texture = painted((x, y) => (Math.floor(x / 4) % 2 === Math.floor(y / 6) % 2 ? 60 : 180), 64, 64);
  const hole = box(24, 22, 42, 40, 64, 64);
  const holed = { ...texture, data: texture.data.map((value, at) => (hole.data[Math.floor(at / 3)] ? 0 : value)) };
  const filled = inpaint(holed, hole, random("inpainting"));
  expect(meanDifference(filled, texture, hole)).toBeLessThan(12);
  expect(meanDifference(membrane(holed, hole), texture, hole)).toBeGreaterThan(40);
  const rest = createMask(
    64,
    64,
    hole.data.map((inside) => 1 - inside),
  );
  expect(meanDifference(filled, holed, rest)).toBe(0);
  expect(() => inpaint(texture, box(1, 1, 64, 64, 64, 64), random(0))).toThrow("no patch of 5 x 5");
});

test("colour transfer takes on the other region's mean colour, and none from itself", () => {
  const [target, source] = [toFloat(photographs[0].image), toFloat(photographs[3].image)];
  const region = randomBlob(random("colour"), SIZE, SIZE, 800);
  const like = randomBlob(random("donor"), SIZE, SIZE, 800);
  const inside = erosion(region, 1);
  expect(meanDifference(transferColour(target, region, target, region, 1), target, inside)).toBeLessThan(0.5);
  const meanOf = (picture: FloatImage, mask: Mask) =>
    [0, 1, 2].map((c) => {
      const values = picture.data.filter((_, at) => at % 3 === c && mask.data[Math.floor(at / 3)] === 1);
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    });
  const distance = (a: number[], b: number[]) => Math.hypot(...a.map((value, c) => value - b[c]));
  const wanted = meanOf(source, like);
  const before = distance(meanOf(target, region), wanted);
  expect(before).toBeGreaterThan(20);
  expect(distance(meanOf(transferColour(target, region, source, like, 1), region), wanted)).toBeLessThan(0.25 * before);
});

describe("up-sampling", () => {
  const everything = createMask(SIZE, SIZE, new Uint8Array(SIZE * SIZE).fill(1));

  test("leaves a checkerboard of the imbalance on a plain picture", () => {
    const { data } = upsampled(
      painted(() => 100),
      everything,
      { imbalance: 0.02, detail: 0.5 },
    );
    const at = (x: number, y: number) => data[3 * (y * SIZE + x)];
    expect(at(40, 40)).toBeCloseTo(100 * 0.98 * 0.98, 3);
    expect(at(41, 40)).toBeCloseTo(100 * 1.02 * 0.98, 3);
    expect(at(41, 41)).toBeCloseTo(100 * 1.02 * 1.02, 3);
  });

  test("keeps the energy of fine detail, and puts copies of the coarse spectrum into it", () => {
    const wave = painted((x) => 128 + 40 * Math.cos((2 * Math.PI * x) / 8));
    const made = upsampled(wave, everything, { imbalance: 0, detail: 0 });
    /** Amplitude at `cycles` per picture along the middle row. */
    const amplitude = ({ data }: FloatImage, cycles: number): number => {
      let [cosine, sine] = [0, 0];
      for (let x = 0; x < SIZE; x++) {
        cosine += data[3 * (40 * SIZE + x)] * Math.cos((2 * Math.PI * cycles * x) / SIZE);
        sine += data[3 * (40 * SIZE + x)] * Math.sin((2 * Math.PI * cycles * x) / SIZE);
      }
      return (2 * Math.hypot(cosine, sine)) / SIZE;
    };
    expect(amplitude(wave, 10)).toBeCloseTo(40, 0);
    expect(amplitude(wave, 30)).toBeLessThan(0.01);
    expect(amplitude(made, 30)).toBeGreaterThan(1);
  });
});

test("resampling without a change of size or turn changes nothing, and else nothing at the rim", () => {
  const picture = toFloat(photographs[1].image);
  const region = randomBlob(random("warp"), SIZE, SIZE, 900);
  const still = { scale: 1, angle: 0, interpolation: "bicubic" } as const;
  expect(meanDifference(resampled(picture, region, still, 4), picture, region)).toBeLessThan(1e-3);
  const inner = erosion(region, 1);
  const rim = createMask(
    SIZE,
    SIZE,
    region.data.map((inside, p) => inside - inner.data[p]),
  );
  const turned = resampled(picture, region, { ...still, scale: 1.2 }, 6);
  expect(meanDifference(turned, picture, rim)).toBeLessThan(meanDifference(turned, picture, erosion(region, 5)) + 1);
});
