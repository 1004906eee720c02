import { join } from "node:path";
import { compareVariants, readConfig, type Variant, type VariantRow, variantsTable } from "../../detection/index.ts";
import type { Comparison } from "../../report/index.ts";
import { runFiles, writeJson } from "../../training/index.ts";
import type { CompareRequest } from "../detector-system.ts";
import { type Config, type ConfigInput, configSchema } from "./config.ts";
import { type Module, moduleOf } from "./model.ts";
import { neighbours } from "./neighbours.ts";
import { methodOf } from "./train.ts";

/**
 * Compares the run with the same student without memory (in both cosine forms), with other memories, and without the losses of
 * the memory, all trained for equally many steps or minutes; and with nearest neighbours on the same teacher's
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

/** Where there is a memory: recall serves the coarsest scale, adaptive memory the others. */
const MEMORIES: Readonly<Record<string, readonly Module[]>> = {
  "both memories": ["recall", "adaptive"],
  "recall memory only": ["recall", "none"],
  "adaptive memory only": ["none", "adaptive"],
  "no memory": ["none"],
};

/** The run, and the run with other memories and without each of their losses; everything else is the run's. */
export const variantsOf = (base: Config): Variant<Config>[] => {
  const { strides, layers, octaves } = base.teacher;
  const scales = (layers.length || strides.length) + octaves - 1;
  const atEachScale = (modules: readonly Module[]) => Array.from({ length: scales }, (_, scale) => moduleOf({ modules }, scale));
  const own = atEachScale(base.memory.modules);
  const others = Object.entries(MEMORIES).filter(([, modules]) => atEachScale(modules).join() !== own.join());
  const [recalls, remembers] = [own.includes("recall"), own.some((module) => module !== "none")];
  const variants: Record<string, ConfigInput> = {
    "this run": {},
    ...Object.fromEntries(others.map(([name, modules]) => [name, { memory: { modules: [...modules] } }])),
    ...(base.loss.form === "position"
      ? { "no memory, flattened maps (reverse distillation)": { memory: { modules: ["none"] }, loss: { form: "flattened" } } }
      : {}),
    ...(recalls ? { "without L_NM": { loss: { normality: 0 } } } : {}),
    ...(remembers ? { "without L_ORTH": { loss: { orthogonality: 0 } } } : {}),
    ...(recalls ? { "without L_NM and L_ORTH": { loss: { normality: 0, orthogonality: 0 } } } : {}),
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
