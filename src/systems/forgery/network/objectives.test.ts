import { expect, test } from "vitest";
import { gradients, input, square, sum, type Tensor } from "../../../graph/index.ts";
import { adam, frozen, trainable } from "../../../nn/index.ts";
import type { Value, Values } from "../../../runtime/index.ts";
import {
  detector,
  detectorLoss,
  generator,
  generatorLoss,
  type Networks,
  type ObjectiveOptions,
  type Players,
  presets,
} from "./index.ts";
import { roundedToEightBits } from "./objectives.ts";
import { evaluate, madeUpImages, train } from "./testing/images.ts";

const shape = [4, 3, 32, 32];
const networks = {
  generator: { ...presets.tiny.generator, style: false },
  detector: { ...presets.tiny.detector, globalFrequency: false, localFrequency: false },
};

/** Real images with little noise, references with much. */
const batchOf = (step: number): Values => ({
  real: madeUpImages("real", step, { count: 4, side: 32, noise: 0.01 }),
  reference: madeUpImages("reference", step, { count: 4, side: 32, noise: 0.1 }),
});
const numbers = ({ data }: Value): number[] => Array.from(data as Float32Array);

/** First values of both networks. */
const firstValues = (seed: number, { generator: forger, detector: judge }: Networks = networks): Map<string, Value> => {
  const p = trainable({ seed });
  const [real, reference] = ["real", "reference"].map((name) => input(name, shape));
  detectorLoss(
    { generator: p.at("generator"), detector: p.at("detector") },
    { real, reference },
    { generator: forger, detector: judge },
  );
  return new Map([...p.declarations].map(([name, { initialise }]) => [name, initialise()]));
};

test("in the detector's loss no gradient reaches the generator; in the generator's it passes through the detector", async () => {
  const p = trainable();
  const players: Players = { generator: p.at("generator"), detector: p.at("detector") };
  const [real, reference] = ["real", "reference"].map((name) => input(name, shape));
  const losses = [generatorLoss(players, { real, reference }, networks), detectorLoss(players, { real, reference }, networks)];
  const weights = [...p.declarations].filter(([name]) => name.startsWith("generator.")).map(([, { tensor }]) => tensor);
  const [ofGenerator, ofDetector] = losses.map(({ loss }) => gradients(loss, weights));
  // What no loss depends on has zeros for a gradient, which are a constant expanded: no operation of the network.
  const isZero = ({ origin }: Tensor): boolean => origin.kind === "operation" && origin.operation.operator === "Expand";
  expect(ofDetector.every(isZero)).toBe(true);
  expect(ofGenerator.some(isZero)).toBe(false);
});

test("a generated image counts as much less beside a given forged one as is asked, both labels still alike", async () => {
  const values = {
    real: madeUpImages("real", 1, { count: 4, side: 32, noise: 0.01 }),
    reference: madeUpImages("reference", 1, { count: 4, side: 32, noise: 0.1 }),
    forged: madeUpImages("forged", 1, { count: 2, side: 32, noise: 0.05 }),
  };
  const losses = async (generated: number): Promise<number> => {
    const start = firstValues(3);
    const p = frozen(start);
    const players = { generator: p.at("generator"), detector: p.at("detector") };
    const { found } = await evaluate(
      ({ real, reference, forged }) => ({
        found: detectorLoss(players, { real, reference, forged }, networks, { generated }).classification,
      }),
      values,
    );
    return numbers(found)[0];
  };
  // L = real + (given 2 + g generated 4) / (2 + 4 g): with g large only the generated count, with g small only the given.
  const [none, one, all] = [await losses(1e-6), await losses(1), await losses(1e6)];
  expect(one).toBeCloseTo((2 * none + 4 * all) / 6, 5);
  expect(Math.abs(none - all)).toBeGreaterThan(1e-6);
});

test("against a detector that has learnt a little the masks give way; the mask-area term keeps them in the band, and they are not one grey", async () => {
  const start = firstValues(1);
  const batch = { real: shape, reference: shape };
  const judge = await train(
    {
      batch,
      objective: (p, { real, reference }) =>
        detectorLoss({ generator: frozen(start).at("generator"), detector: p.at("detector") }, { real, reference }, networks),
      optimiser: adam(),
      from: start,
    },
    { steps: 20, rate: 3e-3, batchOf },
  );
  const forge = async (area: number) => {
    const { found } = await train(
      {
        batch,
        objective: (p, { real, reference }) =>
          generatorLoss(
            { generator: p.at("generator"), detector: frozen(judge.state).at("detector") },
            { real, reference },
            networks,
            {
              area,
              maskArea: [0.48, 0.9],
            },
          ),
        optimiser: adam(),
        from: start,
      },
      { steps: 20, rate: 0.2, batchOf },
    );
    return found;
  };
  const free = await forge(0);
  expect(free[0].mask_mean).toBeGreaterThan(0.4);
  expect(free[19].mask_mean).toBeLessThan(0.38);

  const held = await forge(1);
  for (const { mask_mean } of held.slice(5)) {
    expect(mask_mean).toBeGreaterThan(0.43);
    expect(mask_mean).toBeLessThan(0.95);
  }
  expect(held[19].mask_area).toBeLessThan(0.2);
  // Nor are they one grey, in which no place is forged more than another.
  for (const { mask_deviation } of held) expect(mask_deviation).toBeGreaterThan(0.15);
  // It is an adversary none the less: regions are harder to find than they were.
  expect(held[19].similarity).toBeGreaterThan(1.1 * held[0].similarity);
});

/** Values of a loss of both players with the same first values, for 4 real images and 2 forged ones. */
const valuesOf = (
  of: (players: Players, fed: Readonly<Record<string, Tensor>>) => Readonly<Record<string, Tensor>>,
  fed: Values = {},
  own: Networks = networks,
): Promise<Values> => {
  const p = frozen(firstValues(2, own));
  return evaluate((given) => of({ generator: p.at("generator"), detector: p.at("detector") }, given), {
    ...batchOf(7),
    forged: madeUpImages("forged", 7, { count: 2, side: 32, noise: 0.2 }),
    ...fed,
  });
};
const region: Value = { data: new Float32Array(2 * 32 * 32).fill(1, 300, 1500), shape: [2, 1, 32, 32] };

test("generated images are judged in 8 bits, as those of files are, and learn as if they were not", async () => {
  const p = frozen(firstValues(5));
  const players = { generator: p.at("generator"), detector: p.at("detector") };
  const found = await evaluate(({ real, reference }) => {
    const { blend } = generator(players.generator, real, reference, networks.generator);
    const seen = roundedToEightBits(blend!.image);
    return { made: blend!.image, seen, slope: gradients(sum(square(roundedToEightBits(real))), [real])[0] };
  }, batchOf(1));
  const [made, seen] = [numbers(found.made), numbers(found.seen)];
  expect(seen.every((value) => Math.abs(255 * value - Math.round(255 * value)) < 1e-3)).toBe(true);
  expect(made.filter((value) => Math.abs(255 * value - Math.round(255 * value)) < 1e-3).length).toBeLessThan(made.length / 10);
  expect(Math.max(...seen.map((value, i) => Math.abs(value - made[i])))).toBeLessThan(0.5 / 255 + 1e-6);
  expect(Math.max(...numbers(found.slope))).toBeGreaterThan(0.1);
});

test("both labels count alike, however many images there are of each", async () => {
  const found = await valuesOf(({ detector: p, generator: q }, { real, reference, forged }) => {
    const { classification } = detectorLoss({ detector: p, generator: q }, { real, reference, forged }, networks, {
      eightBits: false,
    });
    const { blend } = generator(q, real, reference, networks.generator);
    const logits = [real, blend!.image, forged].map((x) => detector(p, x, networks.detector).logit);
    return { classification, ofReal: logits[0], ofBlended: logits[1], ofForged: logits[2] };
  });
  const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b) / values.length;
  const softplus = (z: number): number => Math.log(1 + Math.exp(z));
  const real = meanOf(numbers(found.ofReal).map(softplus));
  const simulated = meanOf([...numbers(found.ofBlended), ...numbers(found.ofForged)].map((z) => softplus(-z)));
  expect(found.classification.data[0]).toBeCloseTo((real + simulated) / 2, 5);
});

test("a forged image teaches regions where its mask is known, and only there", async () => {
  const alone = { detector: networks.detector };
  const similarity = async (known: readonly number[] | undefined, polarity: ObjectiveOptions["maskPolarity"] = "forged") => {
    const regionKnown: Value = { data: Float32Array.from(known ?? [1, 1]), shape: [2] };
    const found = await valuesOf(
      (players, { real, reference, forged, region, regionKnown }) => {
        const given = { real, reference, forged };
        const of = (batch: Parameters<typeof detectorLoss>[1]) => detectorLoss(players, batch, alone, { maskPolarity: polarity });
        return {
          given: of({ ...given, forgedRegion: region, regionKnown }).similarity,
          unmarked: of(given).similarity,
          ofReal: detector(players.detector, real, alone.detector).regions,
        };
      },
      { region, regionKnown },
    );
    const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b) / values.length;
    return { given: Number(found.given.data[0]), unmarked: Number(found.unmarked.data[0]), real: meanOf(numbers(found.ofReal)) };
  };
  const none = await similarity([0, 0]);
  expect(none.given).toBeCloseTo(none.real, 5); // F = 0: the mean of P
  expect(none.unmarked).toBeCloseTo(none.real, 5);
  const [first, both] = [await similarity([1, 0]), await similarity([1, 1])];
  expect(Math.abs(first.given - none.real)).toBeGreaterThan(1e-3);
  expect(Math.abs(first.given - both.given)).toBeGreaterThan(1e-3);
  const kept = await similarity([0, 0], "kept");
  expect(kept.given).toBeCloseTo(1 - none.real, 5); // F = 1
});

test("the generator climbs what the detector descends, either way of being its adversary", async () => {
  const found = await valuesOf((players, { real, reference }) => {
    const of = (options: ObjectiveOptions) =>
      generatorLoss(players, { real, reference }, networks, {
        similarity: 2,
        diversity: 0,
        area: 0,
        eightBits: false,
        ...options,
      });
    const { loss, classification, similarity, diversity, mask_area } = of({});
    const { blend } = generator(players.generator, real, reference, networks.generator);
    return {
      loss,
      classification,
      similarity,
      nonSaturating: of({ adversary: "nonSaturating" }).loss,
      held: of({ diversity: 3, area: 5, maskArea: [0.8, 0.9] }).loss,
      diversity: diversity!,
      area: of({ maskArea: [0.8, 0.9] }).mask_area!,
      unused: mask_area!,
      logit: detector(players.detector, blend!.image, networks.detector).logit,
    };
  });
  const value = (name: string): number => Number(found[name].data[0]);
  expect(value("loss")).toBeCloseTo(-value("classification") - 2 * value("similarity"), 5);
  const logits = numbers(found.logit);
  const fooled = logits.reduce((total, z) => total + Math.log(1 + Math.exp(z)), 0) / logits.length;
  expect(value("nonSaturating")).toBeCloseTo(fooled - 2 * value("similarity"), 5);
  expect(value("area")).toBeGreaterThan(0.01);
  expect(value("held")).toBeCloseTo(value("loss") + 3 * value("diversity") + 5 * value("area"), 4);
});

test("with both branches both kinds of images are judged, and the style branch is held to its own losses", () => {
  const p = trainable();
  const players: Players = { generator: p.at("generator"), detector: p.at("detector") };
  const [real, reference] = ["real", "reference"].map((name) => input(name, shape));
  const of = (branches: { blend: boolean; style: boolean }, styleLoss = 1) =>
    generatorLoss(
      players,
      { real, reference },
      { ...networks, generator: { ...networks.generator, ...branches } },
      { styleLoss },
    );
  const terms = (losses: object) => Object.keys(losses).sort();
  const common = ["classification", "loss", "similarity"];
  const ofBlend = ["diversity", "mask_area", "mask_deviation", "mask_mean"];
  expect(terms(of({ blend: true, style: true }))).toEqual([...common, ...ofBlend, "style"].sort());
  expect(terms(of({ blend: true, style: false }))).toEqual([...common, ...ofBlend].sort());
  expect(terms(of({ blend: false, style: true }))).toEqual([...common, "style"].sort());
  expect(terms(of({ blend: false, style: true }, 0))).toEqual(common);
  const uneven = { ...networks, detector: { ...networks.detector, kernels: 3 } };
  expect(() => generatorLoss(players, { real, reference }, uneven)).toThrow();
});
