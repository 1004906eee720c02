import { join } from "node:path";
import { compareVariants, readConfig, type Variant, type VariantRow, variantsTable } from "../../detection/index.ts";
import type { Comparison } from "../../report/index.ts";
import { runFiles, writeJson } from "../../training/index.ts";
import type { CompareRequest } from "../detector-system.ts";
import { type Config, type ConfigInput, configSchema } from "./config.ts";
import { neighbours } from "./neighbours.ts";
import type { Module } from "./student.ts";
import { methodOf } from "./train.ts";

/**
 * Compares the run with the same student without its memory (in both cosine forms), with one kind of memory only, and without
 * the losses of the memory, all trained for equally many steps or minutes; and with nearest neighbours on the same teacher's
 * features. See `compareVariants`.
 */
export const ablation = async ({ run, data, steps, minutes, sigmas, ...computing }: CompareRequest): Promise<VariantRow[]> => {
  if (sigmas !== undefined) throw new Error("Distillation tries no strengths of noise: leave out --sigmas.");
  const base = await readConfig(run, configSchema);
  const budget = minutes === undefined ? { steps: steps ?? base.training.steps } : { minutes };
  const rows = await compareVariants({
    run,
    data,
    variants: variantsOf(base),
    untrained: [neighbours({ ...base, image: { ...base.image, roi: base.image.roi && runFiles(run).region } })],
    methodOf,
    budget,
    ...computing,
  });
  const table = rows.map(({ files: _, metrics: __, ...row }) => row);
  await writeJson(join(run, "ablation", "table.json"), { budget, seed: base.seed, rows: table });
  return rows;
};

/** The run, and the run without each part of its idea; everything else is the run's. */
export const variantsOf = (base: Config): Variant<Config>[] => {
  const { strides, layers, octaves } = base.teacher;
  // Of more modules than scales the last ones are not used.
  const modules = base.memory.modules.slice(0, (layers.length || strides.length) + octaves - 1);
  const has = (kind: Module) => modules.includes(kind);
  const only = (kind: Module) => ({ memory: { modules: modules.map((module) => (module === kind ? module : "none")) } });
  const variants: Record<string, ConfigInput> = {
    "this run": {},
    ...(has("recall") && has("adaptive")
      ? { "recall memory only": only("recall"), "adaptive memory only": only("adaptive") }
      : {}),
    "no memory": { memory: { modules: ["none"] } },
    "no memory, flattened maps (reverse distillation)": { memory: { modules: ["none"] }, loss: { form: "flattened" } },
    ...(has("recall") ? { "without L_NM": { loss: { normality: 0 } } } : {}),
    "without L_ORTH": { loss: { orthogonality: 0 } },
    ...(has("recall") ? { "without L_NM and L_ORTH": { loss: { normality: 0, orthogonality: 0 } } } : {}),
  };
  return Object.entries(variants).map(([name, { memory, loss }]) => ({
    name,
    config: configSchema.parse({ ...base, memory: { ...base.memory, ...memory }, loss: { ...base.loss, ...loss } }),
  }));
};

/** The comparison as a table for the report and the terminal. */
export const ablationTable = (rows: readonly VariantRow[]): Comparison =>
  variantsTable(rows, {
    title: "Memory, everything else equal",
    note: "Same data, teacher and seed, and as many steps (or minutes) for each row; nearest neighbours on the same features are fitted, not trained. Gain: image AUROC of this run's settings less the row's, in points with their paired 95 % interval, and in per cent of the row's.",
  });
