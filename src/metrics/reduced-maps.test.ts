import { expect, test } from "vitest";
import { pixelAuroc } from "./pixel-measures.ts";
import { reduceMap } from "./reduced-maps.ts";

test("blocks are means of what counts, thin defects stay, edges are blocks of what is left", () => {
  const map = Float32Array.from([1, 3, 10, 5, 7, 20, 100, 200, 30]);
  const mask = Uint8Array.from([0, 0, 0, 0, 1, 0, 0, 0, 0]);
  const ignore = Uint8Array.from([0, 0, 1, 0, 0, 1, 1, 0, 0]);
  expect(reduceMap({ map, width: 3, height: 3, mask, ignore }, 2)).toEqual({
    map: Float32Array.from([4, 0, 200, 30]),
    width: 2,
    height: 2,
    mask: Uint8Array.from([1, 0, 0, 0]),
    ignore: Uint8Array.from([0, 1, 0, 0]),
  });
  expect(reduceMap({ map, width: 3, height: 3 }, 2)).toMatchObject({ mask: undefined, ignore: undefined });
  expect(reduceMap({ map, width: 3, height: 3 }, 1).map).toBe(map);
  expect(() => reduceMap({ map, width: 3, height: 3 }, 1.5)).toThrow("whole number");
});

test("a smooth map measures nearly the same at half its size", () => {
  const side = 64;
  const bump = (x: number, y: number) => Math.exp(-((x - 30) ** 2 + (y - 28) ** 2) / 120) + 0.3 * Math.sin(x / 9) ** 2;
  const map = Float32Array.from({ length: side * side }, (_, i) => bump(i % side, Math.floor(i / side)));
  const mask = Uint8Array.from({ length: side * side }, (_, i) =>
    Math.hypot((i % side) - 31, Math.floor(i / side) - 28) < 12 ? 1 : 0,
  );
  const whole = { map, mask, width: side, height: side };
  expect(Math.abs(pixelAuroc([whole]) - pixelAuroc([reduceMap(whole, 2)]))).toBeLessThan(0.01);
});
