import { readFileSync } from "node:fs";
import { describe, test } from "vitest";
import { type ResidualName, weightedMean, weightedResidual } from "../../nn/index.ts";
import { expectSameExport, expectSameStep, type FirstValues, type ReferenceStep, unpack } from "../../nn/testing/reference.ts";
import { type NetworkOptions, restore } from "./model.ts";

type Step = ReferenceStep & {
  normalisation: "batch" | "group";
  objective: Partial<Record<ResidualName, number>>;
  residual: boolean;
};
/** Made by scripts/reference/networks.py: steps in float64 PyTorch. */
type Reference = {
  options: Omit<NetworkOptions, "normalisation" | "residual">;
  shape: number[];
  x: string;
  target: string;
  values: FirstValues;
  steps: Step[];
};

describe.each(["unet", "bottleneck"] as const)("%s agrees with float64 PyTorch", (architecture) => {
  const file = new URL(`./fixtures/${architecture}.json`, import.meta.url);
  const { options, shape, values, steps, ...images }: Reference = JSON.parse(readFileSync(file, "utf8"));
  const [x, target] = [images.x, images.target].map((data) => unpack({ shape, data }));
  const cases = steps.map((step) => [step.normalisation, Object.keys(step.objective).join(" + "), step] as const);

  test.each(cases)("%s normalisation, %s: loss, every gradient, running statistics", async (_, __, step) => {
    const { normalisation, objective, residual } = step;
    await expectSameStep(step, values, { x, target }, (p, batch) =>
      weightedMean(weightedResidual(objective)(batch.target, restore(p, batch.x, { ...options, normalisation, residual }))),
    );
  });

  test.each(cases)("%s normalisation after %s: the exported network", async (_, __, step) => {
    const { normalisation, residual } = step;
    await expectSameExport(step, values, x, (p, image) => restore(p, image, { ...options, normalisation, residual }));
  });
});
