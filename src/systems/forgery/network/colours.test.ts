import { expect, test } from "vitest";
import { luminanceAndChrominance } from "./colours.ts";
import { evaluate } from "./testing/images.ts";

test("colours become luminance and chrominance as JFIF 1.02 has them; greys have none", async () => {
  const pixels = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
    [0.3, 0.3, 0.3],
  ];
  const x = { data: Float32Array.from([0, 1, 2].flatMap((c) => pixels.map((pixel) => pixel[c]))), shape: [1, 3, 2, 2] };
  const { y } = await evaluate((fed) => ({ y: luminanceAndChrominance(fed.x) }), { x });
  const found = y.data as Float32Array;
  const expected = pixels.map(([r, g, b]) => {
    const luminance = 0.299 * r + 0.587 * g + 0.114 * b;
    return [luminance, (b - luminance) / 1.772 + 0.5, (r - luminance) / 1.402 + 0.5];
  });
  for (const [n, values] of expected.entries()) {
    for (const [c, value] of values.entries()) expect(found[4 * c + n]).toBeCloseTo(value, 5);
  }
});
