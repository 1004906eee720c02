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
 * Compares the run with the same student without its memory (plain reverse distillation), with one kind of memory only, and without
 * the losses of the memory, all trained for equally many steps or minutes; and with nearest neighbours on the same teacher's
 * features. See `compareVariants`.
 */
export const ablation = async ({ run, data, steps, minutes, sigmas: _, ...computing }: CompareRequest): Promise<VariantRow[]> => {
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

/** Everything else is the run's. Where it remembers in one way only, the other is put in its place for comparison. */
const variantsOf = (base: Config): Variant<Config>[] => {
  const { modules } = base.memory;
  const both = modules.includes("recall") && modules.includes("adaptive") ? modules : (["recall", "adaptive"] as const);
  const only = (kind: Module) => both.map((module) => (module === kind ? module : "none"));
  const variants: Record<string, ConfigInput> = {
    "this run": {},
    ...(both === modules ? {} : { "recall and adaptive memory": { memory: { modules: [...both] } } }),
    "recall memory only": { memory: { modules: only("recall") } },
    "adaptive memory only": { memory: { modules: only("adaptive") } },
    "no memory (reverse distillation)": { memory: { modules: ["none"] } },
    "without L_NM": { loss: { normality: 0 } },
    "without L_ORTH": { loss: { orthogonality: 0 } },
    "without L_NM and L_ORTH": { loss: { normality: 0, orthogonality: 0 } },
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
