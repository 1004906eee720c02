import { expect, test } from "vitest";
import { type ConfigInput, configSchema } from "./config.ts";
import { variantsOf } from "./evaluate.ts";

const cases: [string, ConfigInput][] = [
  ["by default", {}],
  ["without memory", { memory: { modules: ["none"] } }],
  ["with adaptive memory", { memory: { modules: ["none", "adaptive"] } }],
  ["as reverse distillation", { memory: { modules: ["none"] }, loss: { form: "flattened" } }],
];

test.each(cases)("%s, no two variants are the same, the run is the first, and one has no memory", (_, given) => {
  const variants = variantsOf(configSchema.parse(given));
  const settings = variants.map(({ config: { memory, loss } }) => {
    const scales = [0, 1, 2].map((scale) => memory.modules[Math.min(scale, memory.modules.length - 1)]);
    // Weights of losses that there are not make no difference.
    const remembers = scales.some((module) => module !== "none");
    return JSON.stringify({
      scales,
      form: loss.form,
      normality: scales.includes("recall") && loss.normality,
      orthogonality: remembers && loss.orthogonality,
    });
  });
  expect(new Set(settings).size).toBe(variants.length);
  expect(variants[0]).toEqual({ name: "this run", config: configSchema.parse(given) });
  expect(settings.some((text) => text.includes('"none","none","none"'))).toBe(true);
});
