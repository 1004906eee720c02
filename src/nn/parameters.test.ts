import { describe, expect, test } from "vitest";
import { add, GraphError, input, program, square, sub, sum } from "../graph/index.ts";
import { random } from "../random/index.ts";
import { openLocalRuntime } from "../runtime/index.ts";
import { fill, frozen, glorotUniform, heNormal, ones, trainable, zeros } from "./index.ts";

const meanOf = (values: Float32Array): number => values.reduce((total, value) => total + value, 0) / values.length;
const varianceOf = (values: Float32Array): number => {
  const mean = meanOf(values);
  return values.reduce((total, value) => total + (value - mean) ** 2, 0) / values.length;
};

describe("initialisers", () => {
  const shape = [200, 100];

  test("heNormal: normal around 0 with variance 2 / fan in, or gain^2 / fan in", () => {
    const values = heNormal(50)(shape, random("he"));
    expect(meanOf(values)).toBeCloseTo(0, 2);
    expect(varianceOf(values) / (2 / 50)).toBeCloseTo(1, 1);
    expect(varianceOf(heNormal(50, 3)(shape, random("he"))) / (9 / 50)).toBeCloseTo(1, 1);
    // A share of 0.3173 of a normal distribution lies beyond its standard deviation; of a uniform one 0.4226.
    expect(values.filter((value) => Math.abs(value) > 0.2).length / values.length).toBeCloseTo(0.3173, 1.5);
  });

  test("glorotUniform: fills +-sqrt(6 / (fan in + fan out))", () => {
    const bound = Math.sqrt(6 / 80);
    const values = glorotUniform(50, 30)(shape, random("glorot"));
    expect(Math.max(...values)).toBeLessThanOrEqual(bound);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(-bound);
    expect(Math.max(...values)).toBeGreaterThan(0.99 * bound);
    expect(Math.min(...values)).toBeLessThan(-0.99 * bound);
    expect(varianceOf(values) / (bound ** 2 / 3)).toBeCloseTo(1, 1);
  });

  test("fill, zeros and ones", () => {
    expect([...fill(3)([2, 2], random())]).toEqual([3, 3, 3, 3]);
    expect([...zeros([2], random()), ...ones([1], random())]).toEqual([0, 0, 1]);
    expect(fill(2)([], random())).toHaveLength(1);
  });

  test("first values depend on the seed and the parameter's name alone", () => {
    const first = (seed: number, name: string, before: string[] = []) => {
      const p = trainable({ seed });
      for (const other of before) p.weight(other, [4], heNormal(1));
      p.weight(name, [4], heNormal(1));
      return [...p.declarations.get(name)!.initialise().data];
    };
    expect(first(1, "a", ["b", "c"])).toEqual(first(1, "a"));
    expect(first(1, "b")).not.toEqual(first(1, "a"));
    expect(first(2, "a")).not.toEqual(first(1, "a"));
  });
});

describe("parameters", () => {
  test("scopes join names, and the same name gives the same tensor", () => {
    const p = trainable();
    const inner = p.at("encoder0").at("conv");
    const weight = inner.weight("weight", [2, 3], zeros);
    expect(inner.weight("weight", [2, 3], ones)).toBe(weight);
    p.at("encoder0").state("running_mean", [2], zeros);
    expect([...p.declarations].map(([name, { trained }]) => [name, trained])).toEqual([
      ["encoder0.conv.weight", true],
      ["encoder0.running_mean", false],
    ]);
  });

  test("a scope's updates carry its full name", () => {
    const p = trainable();
    const inner = p.at("norm");
    const mean = inner.state("running_mean", [2], zeros);
    inner.update("running_mean", add(mean, 1));
    expect([...p.updates.keys()]).toEqual(["norm.running_mean"]);
  });

  test("one name with two shapes is an error that names both", () => {
    const p = trainable().at("a");
    p.weight("weight", [2, 3], zeros);
    expect(() => p.weight("weight", [3, 2], zeros)).toThrow(
      new GraphError('The parameter "a.weight" is used with the shapes [2, 3] and [3, 2].'),
    );
  });

  test("frozen parameters are constants, and a missing or misshapen value is an error that names it", async () => {
    const p = frozen(new Map([["a.weight", { data: Float32Array.of(1, 2), shape: [2] }]]));
    expect([trainable().training, p.training]).toEqual([true, false]);
    const x = input("x", [2]);
    const runtime = openLocalRuntime({ threads: 1 });
    const y = sum(square(sub(x, p.at("a").weight("weight", [2], zeros))));
    const loaded = await runtime.load(program({ feeds: [x], results: { y } }));
    const found = await loaded.run({ x: { data: Float32Array.of(4, 6), shape: [2] } });
    expect(found.y.data[0]).toBe(25);
    await runtime.close();

    expect(() => p.weight("bias", [2], zeros)).toThrow(new GraphError('There is no trained value for the parameter "bias".'));
    const narrow = frozen(new Map([["w", { data: new Float32Array(2), shape: [2] }]]));
    expect(() => narrow.weight("w", [3], zeros)).toThrow(
      new GraphError('The parameter "w" needs the shape [3], but was trained with [2].'),
    );
  });
});
