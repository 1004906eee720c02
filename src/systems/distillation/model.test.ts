import { describe, expect, test } from "vitest";
import { add, gradients, input, mul, program, sum, type Tensor } from "../../graph/index.ts";
import { trainable } from "../../nn/index.ts";
import { openLocalRuntime } from "../../runtime/index.ts";
import { type Module, type StudentOptions, student } from "./model.ts";
import { compute, type Floats, firstValues, frozenWith, largestDifference, noise } from "./testing/graphs.ts";

const optionsOf = (given: Partial<StudentOptions> = {}): StudentOptions => ({
  width: 4,
  blocks: 1,
  modules: ["recall", "adaptive"],
  items: 3,
  adaptiveItems: 3,
  temperature: 0.5,
  ...given,
});
/** Features of images of 32 pixels at strides, with so many channels each. */
const shapesOf = (strides: readonly number[], channels: readonly number[], batch = 1): number[][] =>
  strides.map((stride, scale) => [batch, channels[scale], 32 / stride, 32 / stride]);
const inputsOf = (shapes: readonly number[][]): Tensor[] => shapes.map((shape, scale) => input(`f${scale}`, shape));
const declared = (shapes: readonly number[][], options: StudentOptions): string[] => {
  const p = trainable();
  student(p, inputsOf(shapes), options);
  return [...p.declarations].flatMap(([name, { trained }]) => (trained ? [name] : []));
};
const memoriesIn = (names: readonly string[]): string[] => names.filter((name) => name.includes("memory."));

const shapes = shapesOf([2, 4, 8], [3, 5, 7]);
const images = shapes.map((shape, scale) => noise(shape, "teacher", scale));
const featuresOf = async (
  options: StudentOptions,
  replaced: Record<string, Floats> = {},
  seen: readonly Floats[] = images,
): Promise<Floats[]> => {
  const at = seen.map(({ shape }) => [...shape]);
  const values = firstValues((p) => student(p, inputsOf(at), options));
  const found = await compute(seen, (...teacher) =>
    Object.fromEntries(student(frozenWith(values, replaced), teacher, options).features.map((feature, i) => [`f${i}`, feature])),
  );
  return Object.values(found);
};
const differences = (a: readonly Floats[], b: readonly Floats[]): number[] =>
  a.map(({ data }, scale) => largestDifference(data, b[scale].data));

describe("it makes features of the teacher's shapes", () => {
  test.each([
    [
      [4, 8, 16],
      [24, 32, 64],
    ],
    [
      [2, 4, 8],
      [3, 5, 7],
    ],
    [
      [4, 8],
      [9, 3],
    ],
    [
      [2, 8],
      [5, 1],
    ],
    [[16], [13]],
    [[4], [6]],
  ])("strides %j, channels %j", (strides, channels) => {
    for (const [width, blocks] of [
      [4, 1],
      [11, 3],
    ]) {
      const wanted = shapesOf(strides, channels, 2);
      const { features } = student(trainable(), inputsOf(wanted), optionsOf({ width, blocks }));
      expect(features.map(({ shape }) => shape)).toEqual(wanted);
    }
  });

  test("with channels as many as the teacher's, or the width where that is more", () => {
    const p = trainable();
    student(p, inputsOf(shapesOf([4, 8], [3, 20])), optionsOf({ width: 8, modules: ["none", "adaptive"] }));
    const shapeOf = (name: string) => p.declarations.get(name)!.tensor.shape;
    expect(shapeOf("scale0.feature.weight")).toEqual([20, 20, 1, 1]);
    expect(shapeOf("scale1.feature.weight")).toEqual([3, 8, 1, 1]);
  });
});

describe("its memory", () => {
  const kinds: Module[] = ["recall", "adaptive", "none"];
  const weightsOf = {
    recall: ["keys", "values", "query.weight"],
    adaptive: ["projection"],
    none: [],
  };

  test.each(kinds.flatMap((a) => kinds.flatMap((b) => kinds.map((c) => [a, b, c] as [Module, Module, Module]))))(
    "%s, %s, %s from coarse to fine: each scale has its module's weights and no more",
    (...modules) => {
      const names = declared(shapes, optionsOf({ modules }));
      const expected = modules.flatMap((module, scale) => weightsOf[module].map((name) => `scale${scale}.memory.${name}`));
      expect(memoriesIn(names).sort()).toEqual(expected.sort());
      const { features, recollections } = student(trainable(), inputsOf(shapes), optionsOf({ modules }));
      expect(features.map(({ shape }) => shape)).toEqual(shapes);
      expect(recollections).toHaveLength(modules.filter((module) => module === "recall").length);
    },
  );

  test("the last module named stands for all further scales, and further ones than there are scales stay unused", () => {
    expect(declared(shapes, optionsOf({ modules: ["recall", "adaptive"] }))).toEqual(
      declared(shapes, optionsOf({ modules: ["recall", "adaptive", "adaptive"] })),
    );
    expect(memoriesIn(declared(shapes, optionsOf({ modules: ["none"] })))).toEqual([]);
    expect(declared(shapes.slice(2), optionsOf({ modules: ["none", "recall"] }))).toEqual(
      declared(shapes.slice(2), optionsOf({ modules: ["none"] })),
    );
  });

  test.each([
    ["scale0.memory.keys", [0, 1, 2]],
    ["scale0.memory.values", [0, 1, 2]],
    ["scale1.memory.projection", [0, 1]],
    ["scale2.memory.projection", [0]],
  ] as const)("another %s makes other features, from its scale to the finest", async (name, changed) => {
    const before = await featuresOf(optionsOf());
    const values = firstValues((p) => student(p, inputsOf(shapes), optionsOf()));
    const other = noise(values.get(name)!.shape, "other memory");
    const after = differences(before, await featuresOf(optionsOf(), { [name]: other }));
    for (const [scale, difference] of after.entries()) {
      if ((changed as readonly number[]).includes(scale)) expect(difference).toBeGreaterThan(1e-4);
      else expect(difference).toBe(0);
    }
  });

  test("what it answers is all that the feature of its scale is made of", async () => {
    // An answer that is the same everywhere makes a feature that is the same everywhere, whatever the image shows.
    const flat = (values: Floats): boolean => {
      const [, channels, height, width] = values.shape;
      return Array.from({ length: channels * height * width }, (_, i) => i).every(
        (i) => values.data[i] === values.data[i - (i % (height * width))],
      );
    };
    for (const [scale, modules] of [
      [2, ["recall", "none"]],
      [1, ["none", "recall", "none"]],
    ] as [number, Module[]][]) {
      const own = firstValues((p) => student(p, inputsOf(shapes), optionsOf({ modules })));
      const name = `scale${2 - scale}.memory.values`;
      const { shape } = own.get(name)!;
      const found = await featuresOf(optionsOf({ modules }), { [name]: { shape, data: new Float32Array(shape[0] * shape[1]) } });
      expect(found.map(flat)).toEqual([0, 1, 2].map((index) => index === scale));
    }
  });

  test("its answer at the coarsest scale is joined to what the finer scales are decoded from", async () => {
    const p = trainable();
    student(p, inputsOf(shapes), optionsOf({ modules: ["recall", "none"] }));
    const plain = trainable();
    student(plain, inputsOf(shapes), optionsOf({ modules: ["none"] }));
    const joined = (from: typeof p) => from.declarations.get("embedding.block0.conv1.weight")!.tensor.shape[1] as number;
    expect(joined(p) - joined(plain)).toBe(3 + 5 + 7);
  });
});

describe("it sees the teacher through one embedding alone", () => {
  test("every scale of the student depends on every scale of the teacher", async () => {
    for (const changed of [0, 1, 2]) {
      const seen = images.map((own, scale) => (scale === changed ? noise(own.shape, "changed") : own));
      for (const difference of differences(await featuresOf(optionsOf()), await featuresOf(optionsOf(), {}, seen))) {
        expect(difference).toBeGreaterThan(1e-4);
      }
    }
  });

  test("and through its memory: with the embedding's last block silent, only a recall at the coarsest scale still sees", async () => {
    const names = ["norm2", "shortcut.norm"].map((norm) => `embedding.block0.${norm}.weight`);
    const values = firstValues((p) => student(p, inputsOf(shapes), optionsOf()));
    const silent = Object.fromEntries(
      names.map((name) => [name, { shape: values.get(name)!.shape, data: new Float32Array(values.get(name)!.data.length) }]),
    );
    const others = images.map(({ shape }) => noise(shape, "another image"));
    const [one, other] = [await featuresOf(optionsOf(), silent), await featuresOf(optionsOf(), silent, others)];
    const [finest, middle, coarsest] = differences(one, other);
    expect([finest, middle]).toEqual([0, 0]);
    expect(coarsest).toBeGreaterThan(1e-3);
    const [plain, elsewhere] = [await featuresOf(optionsOf()), await featuresOf(optionsOf(), {}, others)];
    expect(Math.min(...differences(plain, elsewhere))).toBeGreaterThan(1e-3);
  });

  test("a recall at the coarsest scale is asked with the features of all scales, at the coarsest size", () => {
    const { recollections } = student(trainable(), inputsOf(shapes), optionsOf());
    expect(recollections[0].asked.shape).toEqual([1, 15, 4, 4]);
  });
});

test("every weight has a gradient: keys, values and projections too", async () => {
  const wanted = shapesOf([2, 4, 8], [3, 5, 7], 2);
  const options = optionsOf({ modules: ["recall", "adaptive", "recall"], width: 6 });
  const p = trainable();
  const teacher = inputsOf(wanted);
  const { features } = student(p, teacher, options);
  const weights = [...p.declarations].filter(([, { trained }]) => trained);
  const slopes = gradients(
    features.map((feature, scale) => sum(mul(feature, teacher[scale]))).reduce((total, term) => add(total, term)),
    weights.map(([, { tensor }]) => tensor),
  );
  const runtime = openLocalRuntime({ threads: 1 });
  await runtime.writeState(new Map([...p.declarations].map(([name, { initialise }]) => [name, initialise()])));
  const loaded = await runtime.load(
    program({
      feeds: teacher,
      state: [...p.declarations.values()].map(({ tensor }) => tensor),
      results: Object.fromEntries(weights.map(([name], i) => [name.replaceAll(".", " "), slopes[i]])),
    }),
  );
  const found = await loaded.run(Object.fromEntries(wanted.map((shape, scale) => [`f${scale}`, noise(shape, "seen", scale)])));
  await runtime.close();
  for (const [name, { data }] of Object.entries(found)) {
    expect(
      (data as Float32Array).some((value) => Math.abs(value) > 1e-6),
      name,
    ).toBe(true);
    expect((data as Float32Array).every(Number.isFinite), name).toBe(true);
  }
  expect(Object.keys(found)).toEqual(
    expect.arrayContaining(["scale0 memory keys", "scale2 memory values", "scale1 memory projection"]),
  );
});
