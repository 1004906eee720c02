import { expect, test } from "vitest";
import { divide } from "./division.ts";

const images = (count: number, label: 0 | 1 = 0, group?: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => {
    const name = `${label}/${index}.png`;
    return { path: name, name, kind: label === 0 ? "good" : "bad", label, ...(group && { group: group(index) }) };
  });

const names = (samples: readonly { name: string }[]) => samples.map(({ name }) => name);

test("about a fifth of the normal images and all defects are for testing", () => {
  const { train, test: samples, note } = divide([...images(2000), ...images(30, 1)], 0);
  const normal = samples.filter(({ label }) => label === 0).length;
  expect(Math.abs(normal - 400)).toBeLessThan(60);
  expect(samples.length - normal).toBe(30);
  expect(train.every(({ label, split }) => label === 0 && split === "train")).toBe(true);
  expect(train.length + samples.length).toBe(2030);
  expect(note).toContain(`${normal} of 2000 normal images`);
});

test("added images move no other, and the seed draws anew", () => {
  const some = images(200).filter((_, index) => index % 3 > 0);
  const before = new Set(names(divide(some, 0).test));
  const after = new Set(names(divide(images(200), 0).test));
  for (const { name } of some) expect(after.has(name)).toBe(before.has(name));
  expect(names(divide(images(200), 1).test)).not.toEqual([...after]);
});

test("two normal images are divided, whatever is drawn, and one is for training", () => {
  for (let seed = 0; seed < 40; seed++) {
    const two = divide(images(2), seed);
    expect([two.train.length, two.test.length]).toEqual([1, 1]);
    const one = divide([...images(1), ...images(3, 1)], seed);
    expect([one.train.length, one.test.length]).toEqual([1, 3]);
  }
});

test("groups are never divided, follow a defect and what is fixed", () => {
  const grouped = [...images(300, 0, (index) => `lot ${index % 30}`), ...images(1, 1, () => "lot 7")];
  const { train, test: samples } = divide(grouped, 3, new Map([["group lot 8", "test"]]));
  const tested = new Set(samples.map(({ group }) => group));
  expect(train.filter(({ group }) => tested.has(group))).toEqual([]);
  expect(tested.has("lot 7") && tested.has("lot 8")).toBe(true);
  expect(tested.size).toBeLessThan(15);
  expect(divide([...images(4, 0, () => "lot"), ...images(1, 1, () => "lot")], 0).note).toContain("No normal image is left");
});

test("composed and decomposed letters are one name", () => {
  const split = (form: string) =>
    Array.from({ length: 40 }, (_, index) => `ä${index}.png`.normalize(form)).map((name) =>
      divide([{ path: "", name, kind: "good", label: 0 }, ...images(50)], 5).test.some((sample) => sample.name === name),
    );
  expect(split("NFD")).toEqual(split("NFC"));
  expect(split("NFC")).toContain(true);
});
