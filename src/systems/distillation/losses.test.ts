import { describe, expect, test } from "vitest";
import { constant, gradients, type Tensor } from "../../graph/index.ts";
import { gradientError } from "../../runtime/index.ts";
import { type CosineForm, cosineDistance, distillationLoss, normalityLoss, orthogonalityLoss } from "./losses.ts";
import { compute, cosine, type Floats, floats, noise, sizeOf, vectorAt } from "./testing/graphs.ts";

/** Teacher and student at two scales, and how much each position counts. */
const shapes = [
  [2, 5, 4, 6],
  [2, 3, 2, 3],
];
const teacher = shapes.map((shape, scale) => noise(shape, "teacher", scale));
const student = shapes.map((shape, scale) => noise(shape, "student", scale));
const weights = shapes.map(([batch, , height, width], scale) => {
  const shape = [batch, 1, height, width];
  return { shape, data: noise(shape, "weights", scale).data.map((value) => (value < -0.3 ? 0 : Math.abs(value))) };
});

const constantFrom = ({ shape, data }: Floats): Tensor => constant(data, shape);

const loss = async (form: CosineForm, counts?: readonly Floats[], own: readonly Floats[] = student): Promise<number> => {
  const { value } = await compute([...teacher, ...own, ...(counts ?? [])], (...x) => ({
    value: distillationLoss(x.slice(0, 2), x.slice(2, 4), form, counts && x.slice(4)),
  }));
  return value.data[0];
};

/** The student changed, strongly, wherever a position does not count. */
const elsewhere = student.map(({ shape, data }, scale) => {
  const [, channels, height, width] = shape;
  const other = noise(shape, "elsewhere", scale).data;
  const area = height * width;
  const counts = (i: number): number => weights[scale].data[Math.floor(i / (channels * area)) * area + (i % area)];
  return { shape, data: data.map((value, i) => (counts(i) === 0 ? 9 * other[i] : value)) };
});

describe("L_KD", () => {
  test("position by position it is the sum over scales of the mean of 1 - cos, weighted where weights are given", async () => {
    const expected = (weighted: boolean): number =>
      teacher.reduce((total, map, scale) => {
        const area = sizeOf(map.shape.slice(2));
        let [sum, count] = [0, 0];
        for (let position = 0; position < 2 * area; position++) {
          const [image, place] = [Math.floor(position / area), position % area];
          const weight = weighted ? weights[scale].data[position] : 1;
          sum += weight * (1 - cosine(vectorAt(map, image, place), vectorAt(student[scale], image, place)));
          count += weight;
        }
        return total + sum / count;
      }, 0);
    expect(Math.abs((await loss("position")) - expected(false))).toBeLessThan(1e-5);
    expect(Math.abs((await loss("position", weights)) - expected(true))).toBeLessThan(1e-5);
    expect(Math.abs(expected(true) - expected(false))).toBeGreaterThan(1e-3);
  });

  test("of flattened maps it is the sum over scales of the mean over images of 1 - cos, each position counted by its weight", async () => {
    const expected = (weighted: boolean): number =>
      teacher.reduce((total, map, scale) => {
        const [, channels, ...sides] = map.shape;
        const area = sizeOf(sides);
        const whole = ({ data }: Floats, image: number): number[] =>
          Array.from({ length: channels * area }, (_, i) => {
            const weight = weighted ? weights[scale].data[image * area + (i % area)] : 1;
            return Math.sqrt(weight) * data[image * channels * area + i];
          });
        const each = [0, 1].map((image) => 1 - cosine(whole(map, image), whole(student[scale], image)));
        return total + (each[0] + each[1]) / 2;
      }, 0);
    expect(Math.abs((await loss("flattened")) - expected(false))).toBeLessThan(1e-5);
    expect(Math.abs((await loss("flattened", weights)) - expected(true))).toBeLessThan(1e-5);
    expect(Math.abs(expected(true) - expected(false))).toBeGreaterThan(1e-3);
  });

  test.each(["position", "flattened"] as const)(
    "%s: 0 for the teacher's own features at any length, 2 for the opposite",
    async (form) => {
      const scaled = (factor: number) => teacher.map(({ shape, data }) => ({ shape, data: data.map((value) => factor * value) }));
      expect(Math.abs(await loss(form, undefined, scaled(3)))).toBeLessThan(1e-5);
      expect(Math.abs((await loss(form, undefined, scaled(-0.1))) - 4)).toBeLessThan(1e-5);
    },
  );

  test.each(["position", "flattened"] as const)(
    "%s: what is ignored changes nothing, neither loss nor gradient",
    async (form) => {
      expect(Math.abs((await loss(form, weights, elsewhere)) - (await loss(form, weights)))).toBeLessThan(1e-6);
      expect(Math.abs((await loss(form, undefined, elsewhere)) - (await loss(form)))).toBeGreaterThan(1e-2);
      const { slope } = await compute([...teacher, ...elsewhere, ...weights], (...x) => ({
        slope: gradients(distillationLoss(x.slice(0, 2), x.slice(2, 4), form, x.slice(4)), [x[2]])[0],
      }));
      const ignored = Array.from({ length: 48 }, (_, i) => i).filter((i) => weights[0].data[i] === 0);
      expect(ignored.length).toBeGreaterThan(5);
      for (const i of ignored) expect(new Set(vectorAt(slope, Math.floor(i / 24), i % 24).map(Math.abs))).toEqual(new Set([0]));
      expect(slope.data.some((value) => value !== 0)).toBe(true);
    },
  );

  test.each(["position", "flattened"] as const)(
    "%s: gradients against finite differences, with and without weights",
    async (form) => {
      for (const seed of [1, 2]) {
        const plain = (...x: Tensor[]) => distillationLoss(x.slice(0, 2), x.slice(2), form);
        expect(await gradientError(plain, [...teacher, ...student], { seed, step: 3e-3 })).toBeLessThan(5e-3);
        // A loss is a number; its weights are given, not learnt.
        const weighted = (...x: Tensor[]) => {
          return distillationLoss(x.slice(0, 2), x.slice(2), form, weights.map(constantFrom));
        };
        expect(await gradientError(weighted, [...teacher, ...student], { seed, step: 3e-3 })).toBeLessThan(5e-3);
      }
    },
  );

  test("the distance at each position is what the map shows: [batch, 1, height, width], in [0, 2]", async () => {
    const { map } = await compute([teacher[0], student[0]], (t, s) => ({ map: cosineDistance(t, s) }));
    expect(map.shape).toEqual([2, 1, 4, 6]);
    for (const [i, value] of map.data.entries()) {
      const [image, position] = [Math.floor(i / 24), i % 24];
      const expected = 1 - cosine(vectorAt(teacher[0], image, position), vectorAt(student[0], image, position));
      expect(Math.abs(value - expected)).toBeLessThan(1e-6);
    }
  });
});

describe("L_NM", () => {
  const [asked, recalled] = [noise([3, 4, 2, 2], "asked"), noise([3, 4, 2, 2], "recalled")];

  test("is the mean of 1 - cos between what was asked and what was recalled, summed over memories", async () => {
    const { one, two } = await compute([asked, recalled, teacher[0], student[0]], (a, r, t, s) => ({
      one: normalityLoss([{ asked: a, recalled: r }]),
      two: normalityLoss([
        { asked: a, recalled: r },
        { asked: t, recalled: s },
      ]),
    }));
    const expected = (a: Floats, r: Floats): number => {
      const [images, , height, width] = a.shape;
      const each = Array.from({ length: images * height * width }, (_, i) => {
        const [image, position] = [Math.floor(i / (height * width)), i % (height * width)];
        return 1 - cosine(vectorAt(a, image, position), vectorAt(r, image, position));
      });
      return each.reduce((total, value) => total + value, 0) / each.length;
    };
    expect(Math.abs(one.data[0] - expected(asked, recalled))).toBeLessThan(1e-6);
    expect(Math.abs(two.data[0] - expected(asked, recalled) - expected(teacher[0], student[0]))).toBeLessThan(1e-5);
  });

  test("counts each position as its weight says", async () => {
    const weights = noise([3, 1, 2, 2], "weights");
    const counts = { ...weights, data: weights.data.map((value) => (value > 0 ? 1 : 0)) };
    const { weighted } = await compute([asked, recalled, counts], (a, r, w) => ({
      weighted: normalityLoss([{ asked: a, recalled: r }], [w]),
    }));
    const counted = Array.from(counts.data.keys()).filter((i) => counts.data[i] === 1);
    const distances = counted.map((i) => {
      const [image, position] = [Math.floor(i / 4), i % 4];
      return 1 - cosine(vectorAt(asked, image, position), vectorAt(recalled, image, position));
    });
    expect(weighted.data[0]).toBeCloseTo(distances.reduce((total, value) => total + value, 0) / counted.length, 5);
  });

  test("draws the recollection to what was asked, and not what was asked to the recollection", async () => {
    const { ofAsked, ofRecalled } = await compute([asked, recalled], (a, r) => {
      const [da, dr] = gradients(normalityLoss([{ asked: a, recalled: r }]), [a, r]);
      return { ofAsked: da, ofRecalled: dr };
    });
    expect(new Set(ofAsked.data)).toEqual(new Set([0]));
    expect(ofRecalled.data.every((value) => value !== 0)).toBe(true);
    const error = await gradientError((r) => normalityLoss([{ asked: constantFrom(asked), recalled: r }]), [recalled], {
      step: 3e-3,
    });
    expect(error).toBeLessThan(5e-3);
  });
});

describe("L_ORTH", () => {
  const value = async (...memories: Floats[]): Promise<number> =>
    (await compute(memories, (...items) => ({ value: orthogonalityLoss(items) }))).value.data[0];

  test("is 0 for rows at right angles, and 1 for rows of one line", async () => {
    const right = floats([3, 4], [5, 0, 0, 0, 0, 0, 0.1, 0, 0, -2, 0, 0]);
    expect(Math.abs(await value(right))).toBeLessThan(1e-6);
    const { data } = noise([4], "row");
    const equal = floats([3, 4], [...data, ...data.map((x) => 7 * x), ...data.map((x) => -x)]);
    expect(Math.abs((await value(equal)) - 1)).toBeLessThan(1e-5);
  });

  test("is the mean of squared cosines over pairs of a memory, summed over memories", async () => {
    const [first, second] = [noise([5, 6], "first"), noise([3, 4], "second")];
    const expected = ({ shape: [count, width], data }: Floats): number => {
      const row = (i: number) => data.subarray(i * width, (i + 1) * width);
      let total = 0;
      for (let i = 0; i < count; i++) for (let j = 0; j < count; j++) if (i !== j) total += cosine(row(i), row(j)) ** 2;
      return total / (count * (count - 1));
    };
    expect(Math.abs((await value(first)) - expected(first))).toBeLessThan(1e-6);
    expect(Math.abs((await value(first, second)) - expected(first) - expected(second))).toBeLessThan(1e-6);
  });

  test("gradients against finite differences; descending them, items turn away from each other", async () => {
    const items = noise([5, 6], "descent");
    expect(await gradientError((x) => orthogonalityLoss([x]), [items], { step: 3e-3 })).toBeLessThan(5e-3);
    const { slope } = await compute([items], (x) => ({ slope: gradients(orthogonalityLoss([x]), [x])[0] }));
    const moved = { shape: items.shape, data: items.data.map((x, i) => x - slope.data[i]) };
    expect(await value(moved)).toBeLessThan(await value(items));
  });
});
