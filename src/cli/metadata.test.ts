import { expect, test } from "vitest";
import { formatMetadata, readMetadata } from "./metadata.ts";

test("entries of Lynceus are read, damaged ones and those of others are text", () => {
  expect(readMetadata({ "lynceus.config": '{"seed":0}', "lynceus.threshold": "{", author: "7" })).toEqual({
    "lynceus.config": { seed: 0 },
    "lynceus.threshold": "{",
    author: "7",
  });
});

test("people get a line for each entry and each group of settings", () => {
  const config = {
    seed: 0,
    image: { size: 64, aspect: "fit", range: { low: 0, high: 0.1 } },
    trainOn: "normal",
    augmentation: { turns: [1, 2], flip: false, roi: null },
  };
  const text = formatMetadata({ system: "denoising", config, threshold: { value: 3.373072385787964 }, note: "two\nlines" });
  expect(text.split("\n")).toEqual([
    "  system: denoising",
    "  config: seed 0, trainOn normal",
    "    image: size 64, aspect fit, range {low 0, high 0.1}",
    "    augmentation: turns [1, 2], flip false, roi null",
    "  threshold: value 3.37307",
    "  note: two\\x0alines",
  ]);
});

test("an entry that consists of groups has its name alone, and a long line is cut", () => {
  const [name, group] = formatMetadata({ files: { one: { names: "x".repeat(1000) } } }).split("\n");
  expect(name).toBe("  files:");
  expect(group).toMatch(/^ {4}one: names x+ \.\.\.$/);
  expect(group).toHaveLength(320);
});
