import { describe, expect, test } from "vitest";
import { balancedOrder } from "./balanced-order.ts";
import type { ForgeryImage } from "./data.ts";

const samplesOf = (counts: Readonly<Record<string, number>>): ForgeryImage[] =>
  Object.entries(counts).flatMap(([kind, count]) =>
    Array.from({ length: count }, (_, i) => ({
      path: `${kind}/${i}.png`,
      name: `${kind}/${i}.png`,
      split: "train" as const,
      kind,
      label: kind === "real" ? (0 as const) : (1 as const),
      group: `${i}`,
    })),
  );

const samples = samplesOf({ real: 10, splice: 30, swap: 3, retouch: 7 });
const times = (values: readonly (string | number)[]): Map<string | number, number> => {
  const counts = new Map<string | number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
};
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

describe("batches", () => {
  test("are half real, half forged, each real image once an epoch and each kind equally often", () => {
    const batchAt = balancedOrder(samples, { seed: 1, batch: 12 });
    const batches = numbers(15).map(batchAt);
    for (const { real, forged } of batches) {
      expect(real.map(({ index }) => samples[index].label)).toEqual(Array(6).fill(0));
      expect(forged.map(({ index }) => samples[index].label)).toEqual(Array(6).fill(1));
      expect(times(forged.map(({ index }) => samples[index].kind))).toEqual(new Map([...kinds].map((kind) => [kind, 2])));
    }
    // 15 batches of 6: nine epochs of the 10 real images; 30 turns of each kind: one epoch of splice, ten of swap.
    expect([...times(batches.flatMap(({ real }) => real.map(({ index }) => index))).values()]).toEqual(Array(10).fill(9));
    const forged = times(batches.flatMap(({ forged: rows }) => rows.map(({ index }) => index)));
    for (const [index, count] of forged) {
      if (samples[Number(index)].kind === "splice") expect(count).toBe(1);
      if (samples[Number(index)].kind === "swap") expect(count).toBe(10);
    }
    const places = batches.flatMap(({ real, forged: rows }) => [...real, ...rows]);
    expect(new Set(places.map(({ epoch, index }) => `${epoch} ${index}`)).size).toBe(places.length);
  });

  const kinds = new Set(["splice", "swap", "retouch"]);

  test("are a function of seed and number alone, in whatever order and size they are asked for", () => {
    const options = { seed: 3, batch: 8 };
    const forwards = numbers(9).map(balancedOrder(samples, options));
    const backwards = numbers(9).toReversed().map(balancedOrder(samples, options)).toReversed();
    expect(backwards).toEqual(forwards);
    expect(numbers(9).map(balancedOrder(samples, { ...options, seed: 4 }))).not.toEqual(forwards);
    const small = numbers(18).map(balancedOrder(samples, { ...options, batch: 4 }));
    for (const part of ["real", "forged", "references"] as const) {
      expect(small.flatMap((batch) => [...batch[part]])).toEqual(forwards.flatMap((batch) => [...batch[part]]));
    }
  });

  test("of equal kinds do not show the same positions at the same time", () => {
    const equal = samplesOf({ real: 20, one: 20, two: 20 });
    const forged = numbers(20).flatMap((number) => balancedOrder(equal, { seed: 0, batch: 4 })(number).forged);
    const groups = (kind: string) =>
      forged
        .map(({ index }) => equal[index])
        .filter((sample) => sample.kind === kind)
        .map(({ group }) => group);
    expect(groups("one")).not.toEqual(groups("two"));
  });
});

describe("references", () => {
  const referencesOf = (own: readonly ForgeryImage[], forgedReferences?: number) => {
    const batchAt = balancedOrder(own, { seed: 2, batch: 20, forgedReferences });
    return numbers(100).flatMap((number) => {
      const { real, references } = batchAt(number);
      return references.map((reference, row) => ({ image: real[row].index, reference }));
    });
  };

  test("are of either class and every kind, one for each real image, and never the image itself", () => {
    const drawn = referencesOf(samples);
    expect(drawn).toHaveLength(1000);
    expect(drawn.filter(({ image, reference }) => image === reference)).toEqual([]);
    const byKind = times(drawn.map(({ reference }) => samples[reference].kind));
    expect(byKind.get("real")! / 1000).toBeCloseTo(0.5, 1);
    for (const kind of ["splice", "swap", "retouch"]) expect(byKind.get(kind)! / 1000).toBeCloseTo(1 / 6, 1);
    expect(new Set(drawn.filter(({ image }) => image === 4).map(({ reference }) => reference)).size).toBeGreaterThan(15);
    expect(new Set(drawn.map(({ reference }) => reference)).size).toBe(samples.length);
  });

  test("are real alone, or forged alone, where that is asked", () => {
    expect(new Set(referencesOf(samples, 0).map(({ reference }) => samples[reference].label))).toEqual(new Set([0]));
    expect(new Set(referencesOf(samples, 1).map(({ reference }) => samples[reference].label))).toEqual(new Set([1]));
  });

  test("of a single real image are forged", () => {
    const own = samplesOf({ real: 1, swap: 2 });
    expect(new Set(referencesOf(own).map(({ reference }) => reference))).toEqual(new Set([1, 2]));
  });
});

test("without forged images all of a batch is real, with other real images as references", () => {
  const own = samplesOf({ real: 5 });
  const { real, forged, references } = balancedOrder(own, { seed: 0, batch: 5 })(1);
  expect(new Set(real.map(({ index }) => index)).size).toBe(5);
  expect(forged).toEqual([]);
  expect(references.every((reference, row) => own[reference] !== undefined && reference !== real[row].index)).toBe(true);
});

test("what cannot be balanced is said", () => {
  expect(() => balancedOrder(samplesOf({ swap: 3 }), { seed: 0, batch: 4 })).toThrow(/no real image/);
  expect(() => balancedOrder(samplesOf({ real: 1 }), { seed: 0, batch: 4 })).toThrow(/single image/);
  expect(() => balancedOrder(samples, { seed: 0, batch: 5 })).toThrow(/5 images cannot be divided/);
  expect(() => balancedOrder(samples, { seed: 0, batch: 4, forgedReferences: 2 })).toThrow(/between 0 and 1/);
});
