import { describe, expect, test } from "vitest";
import { random } from "../random/index.ts";
import { gradientError, openLocalRuntime } from "../runtime/index.ts";
import {
  cast,
  constant,
  type DataType,
  gradients,
  input,
  mul,
  program,
  type ResizeMode,
  reshape,
  resize2d,
  sum,
  type Tensor,
} from "./index.ts";

const modes: ResizeMode[] = ["nearest", "bilinear", "antialiased"];
const sizes: [from: readonly [number, number], to: readonly [number, number]][] = [
  [
    [3, 2],
    [6, 6],
  ],
  [
    [4, 5],
    [7, 3],
  ],
  [
    [7, 6],
    [2, 5],
  ],
  [
    [1, 4],
    [5, 4],
  ],
  [
    [5, 1],
    [5, 3],
  ],
];

const evaluate = async (
  y: Tensor,
  feeds: Tensor[] = [],
  shape: readonly number[] = [],
  data: Float32Array = new Float32Array(),
) => {
  const runtime = openLocalRuntime({ threads: 1 });
  const loaded = await runtime.load(program({ feeds, results: { y } }));
  const found = (await loaded.run(feeds.length > 0 ? { x: { data, shape } } : {})).y;
  await runtime.close();
  return { shape: found.shape, values: Array.from(found.data, Number) };
};

const noise = (...shape: number[]): Float32Array => {
  const rng = random("resize", ...shape);
  return Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, () => rng.normal());
};

describe.each(modes)("%s", (mode) => {
  test.each(sizes)("gradient from %j to %j against finite differences, also of the gradient", async (from, to) => {
    const resize = (x: Tensor) => resize2d(x, to, mode);
    const slope = (x: Tensor) => gradients(sum(mul(resize(x), resize(x))), [x])[0];
    for (const shape of [[2, 3, ...from], [2, ...from], [...from]]) {
      expect(await gradientError(resize, [{ shape }])).toBeLessThan(5e-3);
    }
    expect(await gradientError(slope, [{ shape: [1, 2, ...from] }])).toBeLessThan(5e-3);
  });

  test.each(sizes)("from %j to %j is the same when the size is known only at run time", async (from, to) => {
    const shape = [2, 1, ...from];
    const [known, open] = [input("x", shape), input("x", ["batch", 1, "height", "width"])];
    const data = noise(...shape);
    const expected = await evaluate(resize2d(known, to, mode), [known], shape, data);
    const found = await evaluate(resize2d(open, to, mode), [open], shape, data);
    expect(found.shape).toEqual([2, 1, ...to]);
    for (const [i, value] of expected.values.entries()) expect(found.values[i]).toBeCloseTo(value, 5);
  });

  test.each(sizes)(
    "from %j to %j a constant image stays one, and every pixel is used as often as it is seen",
    async (from, to) => {
      const shape = [1, 1, ...from];
      const x = input("x", shape);
      const image = new Float32Array(from[0] * from[1]).fill(0.75);
      const y = resize2d(x, to, mode);
      for (const value of (await evaluate(y, [x], shape, image)).values) expect(value).toBeCloseTo(0.75, 6);
      const { values } = await evaluate(gradients(sum(y), [x])[0], [x], shape, image);
      expect(values.reduce((total, value) => total + value)).toBeCloseTo(to[0] * to[1], 4);
    },
  );

  test("an image of the wanted size is returned as it is", () => {
    const x = input("x", [1, 3, 4, 5]);
    expect(resize2d(x, [4, 5], mode)).toBe(x);
  });
});

test.each<DataType>(["float32", "int64", "uint8", "uint16", "bool"])(
  "nearest keeps the type %s, for whole factors and others",
  async (type) => {
    const x = cast(reshape(constant(Float32Array.of(0, 1, 2, 3, 4, 0), [6]), [1, 1, 2, 3]), type);
    const flags = (values: number[]) => (type === "bool" ? values.map((value) => Number(value !== 0)) : values);
    const [doubled, other] = [resize2d(x, [4, 3], "nearest"), resize2d(x, [3, 2], "nearest")];
    expect([doubled.type, other.type]).toEqual([type, type]);
    expect((await evaluate(doubled)).values).toEqual(flags([0, 1, 2, 0, 1, 2, 3, 4, 0, 3, 4, 0]));
    expect((await evaluate(other)).values).toEqual(flags([0, 1, 0, 1, 3, 4]));
  },
);

test("nearest looks at floor(i size / new size) exactly, where float32 would round to a neighbour", async () => {
  for (const [from, to] of [
    [2, 82],
    [4, 94],
  ]) {
    const line = Float32Array.from({ length: from }, (_, i) => i);
    const expected = Array.from({ length: to }, (_, i) => Math.floor((i * from) / to));
    const shape = [1, 1, from, 1];
    for (const x of [input("x", shape), input("x", [1, 1, "height", "width"])]) {
      expect((await evaluate(resize2d(x, [to, 1], "nearest"), [x], shape, line)).values).toEqual(expected);
    }
  }
});

test("reduced: bilinear sees two neighbours, antialiased all", async () => {
  const impulse = constant(Float32Array.of(0, 0, 0, 1, 0, 0, 0, 0), [1, 8]);
  expect((await evaluate(resize2d(impulse, [1, 2], "bilinear"))).values).toEqual([0, 0]);
  const { values } = await evaluate(resize2d(impulse, [1, 2], "antialiased"));
  expect(values[0]).toBeGreaterThan(0.1);
});

test("mistakes name the operator and the shapes", () => {
  expect(() => resize2d(input("x", [4]), [2, 2], "nearest")).toThrow("resize2d: cannot bring the shape [4] to 2 x 2.");
  expect(() => resize2d(input("x", [4, 4]), [2, 0.5], "bilinear")).toThrow("resize2d: cannot bring the shape [4, 4] to 2 x 0.5.");
});
