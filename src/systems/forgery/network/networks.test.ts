import { describe, expect, test } from "vitest";
import { input, readModel, type Tensor, toOnnx } from "../../../graph/index.ts";
import { adam, frozen, type Parameters, trainable } from "../../../nn/index.ts";
import { openLocalRuntime, type Value } from "../../../runtime/index.ts";
import {
  type Detection,
  type DetectorOptions,
  detector,
  type GeneratorOptions,
  generator,
  presets,
  randomPerception,
  regionMap,
  styleLosses,
  styleTransfer,
} from "./index.ts";
import { evaluate, madeUpImages, train } from "./testing/images.ts";

const { tiny } = presets;
const images = (name: string, count: number, side = 32): Value => madeUpImages(name, 0, { count, side, noise: 0.05 });
const floats = ({ data }: Value): number[] => Array.from(data as Float32Array);
const furthest = (a: readonly number[], b: readonly number[]): number => Math.max(...a.map((x, i) => Math.abs(x - b[i])));
const part = ({ data, shape: [, ...rest] }: Value, index: number): Value => {
  const size = rest.reduce((a, b) => a * b, 1);
  return { data: (data as Float32Array).slice(index * size, (index + 1) * size), shape: [1, ...rest] };
};
const countOf = (p: Parameters, prefix: string): number =>
  [...p.declarations]
    .filter(([name]) => name.startsWith(prefix))
    .reduce((total, [, { tensor }]) => total + (tensor.shape as number[]).reduce((a, b) => a * b, 1), 0);

/** Parameters with first values, as constants. */
const constants = (network: (p: Parameters, x: Tensor) => unknown): Parameters => {
  const p = trainable({ seed: 5 });
  network(p, input("x", [1, 3, 32, 32]));
  return frozen(new Map([...p.declarations].map(([name, { initialise }]) => [name, initialise()])));
};

describe("the detector", () => {
  const branches = (globalFrequency: boolean, localFrequency: boolean): DetectorOptions => ({
    ...tiny.detector,
    globalFrequency,
    localFrequency,
  });
  const declared = (options: DetectorOptions): string[] => {
    const p = trainable();
    detector(p, input("x", [2, 3, 32, 32]), options);
    return [...new Set([...p.declarations.keys()].map((name) => name.split(".")[0]))].sort();
  };
  const operators = (options: DetectorOptions) => {
    const x = input("x", ["batch", 3, 32, 32]);
    const { logit, regions } = detector(
      constants((p, x) => detector(p, x, options)),
      x,
      options,
    );
    const model = toOnnx({ inputs: [x], outputs: { logit, regions } });
    return { ...readModel(model), text: Buffer.from(model).toString("latin1") };
  };

  test("each frequency branch is there or not, and without it nothing of it is", () => {
    expect(declared(branches(true, true))).toEqual(["classifier", "fusion", "global", "local", "regions", "spatial"]);
    expect(declared(branches(true, false))).toEqual(["classifier", "global", "regions", "spatial"]);
    expect(declared(branches(false, true))).toEqual(["classifier", "local", "regions", "spatial"]);
    expect(declared(branches(false, false))).toEqual(["classifier", "regions", "spatial"]);
    expect(operators(branches(true, false)).operators.SpaceToDepth).toBeUndefined();
    expect(operators(branches(false, false)).operators.Asinh).toBe(1); // of the residuals
  });

  test("is exported with operators of ai.onnx, opset 17, alone, for any number of images", async () => {
    const model = operators(branches(true, true));
    expect(model.opset).toBe(17);
    expect(model.text).not.toContain("com.microsoft");
    expect(model.operators.SpaceToDepth).toBe(1);
    expect(model.results.map(({ name, shape }) => [name, shape])).toEqual([
      ["logit", ["batch"]],
      ["regions", ["batch", 2, 4, 4]],
    ]);
    const runtime = openLocalRuntime({ threads: 1 });
    const loaded = await runtime.load(model);
    for (const count of [1, 3]) expect((await loaded.run({ x: images("any", count) })).regions.shape).toEqual([count, 2, 4, 4]);
    await runtime.close();
  });

  test("judges each image on its own, whatever its company; the local branch has a say", async () => {
    const options = branches(true, true);
    const p = constants((p, x) => detector(p, x, options));
    const both = images("judged", 2);
    const judge = async (x: Value, options: DetectorOptions, parameters = p): Promise<number[]> => {
      const found = await evaluate(({ x }) => detector(parameters, x, options) as Detection & Record<string, Tensor>, { x });
      return [...floats(found.logit), ...floats(found.regions)];
    };
    const together = await judge(both, options);
    const alone = [await judge(part(both, 0), options), await judge(part(both, 1), options)];
    expect(furthest(together.slice(0, 2), [alone[0][0], alone[1][0]])).toBeLessThan(1e-5);
    expect(furthest(together.slice(2), [...alone[0].slice(1), ...alone[1].slice(1)])).toBeLessThan(1e-5);
    expect(together.slice(2).every((place) => place > 0 && place < 1)).toBe(true);
    // The maps come from the spatial features alone; the answer does not.
    const denoised = await judge(both, { ...options, lowRank: { rank: 1 } });
    expect(furthest(denoised.slice(2), together.slice(2))).toBe(0);
    expect(furthest(denoised.slice(0, 2), together.slice(0, 2))).toBeGreaterThan(1e-6);
  });

  test("its region map has the image's size", () => {
    const regions = input("regions", ["batch", 4, 16, 16]);
    expect(regionMap({ regions }, [128, 128]).shape).toEqual(["batch", 1, 128, 128]);
  });

  test("mistakes are named", () => {
    const build = (shape: (number | string)[], options: Partial<DetectorOptions> = {}) =>
      detector(trainable(), input("x", shape), { ...tiny.detector, ...options });
    expect(() => build([1, 3, 30, 32])).toThrow(
      "detector: needs float32 images [batch, 3, height, width] whose sides are multiples of 8, got float32 [1, 3, 30, 32].",
    );
    expect(() => build([1, 1, 32, 32])).toThrow("got float32 [1, 1, 32, 32]");
    expect(() => build([1, 3, "height", 32])).toThrow("detector: needs images");
    expect(() => build([1, 3, 32, 32], { depths: [1, 1] })).toThrow("needs depths of 3 stages with at least one block each");
  });
});

describe("the generator", () => {
  const build = (options: Partial<GeneratorOptions>) => {
    const p = trainable();
    const made = generator(p, input("s", [2, 3, 32, 32]), input("r", [2, 3, 32, 32]), { ...tiny.generator, ...options });
    return { made, scopes: [...new Set([...p.declarations.keys()].map((name) => name.split(".")[0]))] };
  };

  test("each branch works alone, and both together", () => {
    expect(build({ style: false })).toMatchObject({ made: { blend: { image: { shape: [2, 3, 32, 32] } } }, scopes: ["blend"] });
    expect(build({ style: false }).made.styled).toBeUndefined();
    expect(build({ blend: false })).toMatchObject({ made: { styled: { shape: [2, 3, 32, 32] } }, scopes: ["style"] });
    expect(build({ blend: false }).made.blend).toBeUndefined();
    const { made } = build({});
    expect(made.blend?.masks.shape).toEqual([2, 2, 4, 4]);
    expect(made.blend?.mask.shape).toEqual([2, 1, 32, 32]);
    expect(made.blend?.kernels.shape).toEqual([2, 32, 3, 3]);
    expect(made.styled?.shape).toEqual([2, 3, 32, 32]);
    expect(() => build({ blend: false, style: false })).toThrow("both branches are off");
  });

  test("blended images are the mask's mixture, the mask being a mixture of the masks M_i", async () => {
    const options = { ...tiny.generator, style: false };
    const p = constants((p, x) => generator(p, x, x, options));
    const [real, reference] = [images("real", 2), images("reference", 2)];
    const { mask, image, masks } = await evaluate(
      ({ real, reference }) => {
        const { mask, image, masks } = generator(p, real, reference, options).blend!;
        return { mask, image, masks };
      },
      { real, reference },
    );
    const [m, a, b] = [mask, real, reference].map(floats);
    const expected = a.map((x, i) => {
      const share = m[Math.floor(i / 3072) * 1024 + (i % 1024)];
      return share * x + (1 - share) * b[i];
    });
    expect(furthest(floats(image), expected)).toBeLessThan(1e-6);
    expect(Math.max(...m)).toBeLessThanOrEqual(Math.max(...floats(masks)));
    expect(Math.min(...m)).toBeGreaterThanOrEqual(Math.min(...floats(masks)));
    expect(Math.max(...m) - Math.min(...m)).toBeGreaterThan(0.01);
  });

  test("mistakes are named", () => {
    const [s, r] = [input("s", [1, 3, 32, 32]), input("r", [1, 3, 32, 40])];
    expect(() => generator(trainable(), s, r, tiny.generator)).toThrow(
      "generator: image and reference must have one shape, but have [1, 3, 32, 32] and [1, 3, 32, 40].",
    );
  });
});

test("a few steps teach the style branch to reconstruct, and to give an image another's statistics", async () => {
  const [real, reference] = [images("content", 2), madeUpImages("style", 0, { count: 2, side: 32, noise: 0.2 })];
  const shape = [2, 3, 32, 32];
  const { found, state } = await train(
    {
      batch: { real: shape, reference: shape },
      objective: (p, fed) => styleLosses(p, { real: fed.real, reference: fed.reference }, tiny.generator),
      optimiser: adam(),
    },
    { steps: 60, rate: 4e-3, batchOf: () => ({ real, reference }) },
  );
  const [first, last] = [found[0], found[59]];
  expect(last.reconstruction).toBeLessThan(0.75 * first.reconstruction);
  expect(last.style).toBeLessThan(0.2 * first.style);

  const trained = frozen(state);
  const { styled, itself } = await evaluate(
    ({ real, reference }) => ({
      styled: styleTransfer(trained, real, reference, tiny.generator),
      itself: styleTransfer(trained, real, real, tiny.generator),
    }),
    { real, reference },
  );
  expect(furthest(floats(styled), floats(itself))).toBeGreaterThan(0.02);
  expect(floats(styled).every((x) => x >= 0 && x <= 1)).toBe(true);
});

test("random perception is the same every time, and has no weights of its own", () => {
  const x = input("x", [1, 3, 16, 16]);
  const models = [0, 0, 1].map((seed) => {
    const [fine, , coarse] = randomPerception({ width: 4, seed })(x);
    return Buffer.from(toOnnx({ inputs: [x], outputs: { fine, coarse } }));
  });
  expect(models[0].equals(models[1])).toBe(true);
  expect(models[0].equals(models[2])).toBe(false);
});

test("the presets grow, and the generator stays the smaller one", () => {
  const sizes = Object.values(presets).map(({ image, ...networks }) => {
    const p = trainable();
    const x = input("x", [1, 3, image, image]);
    detector(p.at("detector"), x, networks.detector);
    generator(p.at("generator"), x, x, networks.generator);
    return [countOf(p, "detector."), countOf(p, "generator.")];
  });
  expect(sizes).toEqual([
    [191_111, 61_616],
    [993_165, 99_252],
    [5_867_545, 429_724],
  ]);
});
