import { describe, expect, test } from "vitest";
import type { z } from "zod";
import { configSchema, presets } from "./config.ts";

const problemsOf = (given: unknown): string[] => {
  const { error } = configSchema.safeParse(given);
  return (error?.issues ?? []).map((issue: z.core.$ZodIssue) => `${issue.path.join(".")}: ${issue.message}`);
};

describe("the configuration", () => {
  test("is complete when nothing is given, and parses to itself", () => {
    const config = configSchema.parse({});
    expect(config).toMatchObject({
      seed: 0,
      image: { size: 128, channels: "auto", aspect: "stretch" },
      network: { architecture: "unet", width: 8, depth: 4 },
      corruption: { kind: "occlusion", shape: "rectangles" },
      augmentation: { flipHorizontal: false, shift: 0 },
      loss: { l1: 1, ssim: 0.5, maskWeight: 0 },
      score: { sigma: 3, image: "max", passes: 0 },
      training: { steps: 1500, batch: 8, accumulate: 1, average: 0, optimiser: "adamw" },
      validation: { share: 0.1, falseAlarmRate: 0.05 },
    });
    expect(configSchema.parse(config)).toEqual(config);
    expect(configSchema.parse(JSON.parse(JSON.stringify(config)))).toEqual(config);
  });

  test.each([
    ["", "sead", { sead: 1 }],
    ["image", "sise", { image: { sise: 64 } }],
    ["network", "widht", { network: { widht: 4 } }],
    ["augmentation", "flipHorizontl", { augmentation: { flipHorizontl: true } }],
    ["corruption", "opacty", { corruption: { kind: "occlusion", opacty: { min: 0, max: 1 } } }],
    ["corruption.area", "minimum", { corruption: { kind: "occlusion", area: { minimum: 0.1 } } }],
    ["corruption.noises.gaussian", "sgma", { corruption: { kind: "occlusion", noises: { gaussian: { sgma: 1 } } } }],
    ["corruption", "sgma", { corruption: { kind: "gaussian", sgma: 0.1 } }],
    ["loss", "L2", { loss: { L2: 1 } }],
    ["score", "sgma", { score: { sgma: 1 } }],
    ["training", "step", { training: { step: 10 } }],
    ["validation", "shares", { validation: { shares: 0.1 } }],
  ])("an unknown field of %j is an error that names it: %s", (path, field, given) => {
    expect(problemsOf(given)).toEqual([`${path}: Unrecognized key: "${field}"`]);
  });

  test("an image that cannot be halved so often is refused with the numbers", () => {
    const sentence = (size: number, depth: number) => problemsOf({ image: { size }, network: { depth } });
    expect(sentence(100, 3)).toEqual([
      "network.depth: an image of 100 pixels cannot be halved 3 times; its size must be a multiple of 8, and at least twice that",
    ]);
    expect(sentence(16, 4)[0]).toContain("an image of 16 pixels cannot be halved 4 times");
    expect(sentence(16, 3)).toEqual([]);
    expect(sentence(96, 5)).toEqual([]);
  });

  test("needs a residual in the loss and in the score", () => {
    const { loss, score } = configSchema.parse({});
    const without = (weights: object) => Object.fromEntries(Object.keys(weights).map((name) => [name, 0]));
    const { l1, l2, ssim, msgms } = loss;
    const { sigma, image, topShare, passes, standardise, ...residuals } = score;
    const problems = problemsOf({ loss: without({ l1, l2, ssim, msgms }), score: without(residuals) });
    expect(problems.map((problem) => problem.split(":")[0])).toEqual(["loss", "score"]);
    for (const problem of problems) expect(problem).toContain("must have a positive weight");
    for (const name of Object.keys(residuals)) expect(problemsOf({ score: { ...without(residuals), [name]: 0.1 } })).toEqual([]);
  });

  test("allows corrupted passes only after training with occlusion", () => {
    const message = "score.passes: corrupted passes need a network trained with corruption.kind=occlusion";
    expect(problemsOf({ score: { passes: 4 }, corruption: { kind: "gaussian" } })).toEqual([message]);
    expect(problemsOf({ score: { passes: 4 }, corruption: { kind: "none" } })).toEqual([message]);
    expect(problemsOf({ score: { passes: 4 } })).toEqual([]);
  });

  test.each([
    ["image.size", { image: { size: 8 }, network: { depth: 1 } }],
    ["image.size", { image: { size: 4096 } }],
    ["image.channels", { image: { channels: 2 } }],
    ["training.steps", { training: { steps: 0 } }],
    ["training.learningRate", { training: { learningRate: 0 } }],
    ["training.accumulate", { training: { accumulate: 0 } }],
    ["training.average", { training: { average: 1 } }],
    ["score.topShare", { score: { topShare: 0 } }],
    ["validation.falseAlarmRate", { validation: { falseAlarmRate: 1 } }],
    ["augmentation.shift", { augmentation: { shift: 0.6 } }],
    ["seed", { seed: "one" }],
  ])("a value of %s out of range is refused at its place", (path, given) => {
    const problems = problemsOf(given);
    expect(problems).toHaveLength(1);
    expect(problems[0].startsWith(`${path}: `)).toBe(true);
  });

  test.each(Object.entries(presets))("the preset %s parses and says what it says", (_, preset) => {
    const config = configSchema.parse(preset);
    expect(config).toMatchObject(preset);
  });
});
