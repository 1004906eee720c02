import { join } from "node:path";
import { type Baseline, blurredDifference, type EvaluateResult, evaluateModel } from "../detection/index.ts";
import { writeFileAtomic } from "../files/index.ts";
import { type SurfaceCategory, writeSurfaces } from "../imaging/index.ts";
import { type Measure, meanOverCategories } from "../metrics/index.ts";
import { type Comparison, renderReport } from "../report/index.ts";
import { command, formatTable, output, progress } from "./output.ts";
import { systemOrUsage } from "./run.ts";
import { readSettings } from "./settings.ts";
import type { CommonOptions } from "./usage.ts";

const CATEGORIES: readonly SurfaceCategory[] = ["fabric", "tiles", "grille"];
const SIZE = 64;
const SHOWN = [
  { key: "image_auroc", name: "image AUROC" },
  { key: "pixel_auroc", name: "pixel AUROC" },
];
const BLURRED: Baseline = { name: "blurred difference", model: async () => blurredDifference(SIZE) };

/** Paints surfaces, trains a small detector on each, and shows what it finds beside a method that does not learn, and the system's own baselines. */
export const demo = async (
  name: string,
  { out = join("lynceus-demo", name), threads, provider, json }: CommonOptions & { readonly out?: string },
): Promise<void> => {
  const { say, finish } = output(json);
  const system = systemOrUsage(name);
  const listener = progress();
  const started = performance.now();

  say(`Painting ${CATEGORIES.length} surfaces with defects into ${join(out, "data")} ...`);
  await writeSurfaces(join(out, "data"), { categories: CATEGORIES, size: SIZE, trainCount: 80, testPerKind: 15, seed: 1 });
  const config = await readSettings(system, { preset: "demo", set: [] });

  const baselines = [BLURRED, ...((await system.baselines?.(config)) ?? [])];

  const rows: Comparison["rows"][number][] = [];
  const metrics: Record<string, Measure> = {};
  const baselineMetrics: Record<string, Record<string, Measure>> = Object.fromEntries(baselines.map(({ name }) => [name, {}]));
  const groups = [];
  for (const category of CATEGORIES) {
    const data = join(out, "data", category);
    const run = join(out, category);
    say(`Training on ${category} ...`);
    await system.train({ data, out: run, config, threads, provider, listener });
    const ours = await system.evaluateRun({ run, data, threads, provider, listener });
    const beside: EvaluateResult["measures"][] = [];
    for (const baseline of baselines) {
      const { measures } = await evaluateModel({
        model: await baseline.model(data, { threads, provider, listener }),
        data,
        out: join(out, `${category}-${baseline.name.replaceAll(/[^a-z0-9]+/gi, "-")}`),
        runtime: { threads, provider },
        listener,
      });
      beside.push(measures);
      for (const [measure, value] of Object.entries(measures)) baselineMetrics[baseline.name][`${category}.${measure}`] = value;
    }
    for (const [measure, value] of Object.entries(ours.measures)) metrics[`${category}.${measure}`] = value;
    const all = [ours.measures, ...beside];
    rows.push({ name: category, cells: SHOWN.flatMap(({ key }) => all.map((measures) => measures[key] ?? null)) });
    const seconds = Math.round((performance.now() - started) / 1000);
    const others = baselines.map(({ name }, index) => `${name} ${beside[index].image_auroc.value.toFixed(2)}`);
    say(`  image AUROC ${[ours.measures.image_auroc.value.toFixed(2), ...others].join(", ")}; ${seconds} s so far`);
    groups.push({
      ...ours.page.caseGroups?.[0],
      title: `${category}: highest scores among defects`,
      threshold: ours.page.scores?.threshold,
      cases: ours.page.caseGroups?.[0]?.cases ?? [],
    });
  }
  listener.end();

  const comparison: Comparison = {
    title: `${name} beside a blurred difference, which does not learn${baselines.length > 1 ? ", and other baselines" : ""}`,
    note: "Higher is better, 0.5 is chance; 95 % bootstrap intervals. A blurred difference marks what stands out from its surroundings.",
    columns: SHOWN.flatMap(({ name }) => [{ name }, ...baselines.map((baseline) => ({ name: baseline.name }))]),
    rows,
  };
  const report = join(out, "report.html");
  const subtitle = `${CATEGORIES.length} painted surfaces, ${SIZE} x ${SIZE} pixels, trained in ${Math.round((performance.now() - started) / 1000)} seconds in all`;
  await writeFileAtomic(
    report,
    renderReport({ title: `lynceus demo: ${name}`, system: name, subtitle, comparisons: [comparison], caseGroups: groups }),
  );

  say(`\n${comparison.title}\n${formatTable(comparison)}\n`);
  say(`Look at ${report}; each surface has its own in ${join(out, "<surface>", "report.html")}.`);
  say(`Next: ${command("predict", join(out, CATEGORIES[0]), "YOUR_IMAGE.png")}`);
  say(`or:   ${command("train", name, "--data", "YOUR_FOLDER")}`);
  finish({ report, metrics: { ...meansOf(metrics), ...metrics }, baselines: baselineMetrics });
};

/** Every measure over all surfaces: `<surface>.image_auroc` of each becomes one `image_auroc`. */
const meansOf = (metrics: Readonly<Record<string, Measure>>): Record<string, Measure> => {
  const names = new Set(Object.keys(metrics).map((key) => key.slice(key.indexOf(".") + 1)));
  return Object.fromEntries(
    Array.from(names, (name) => [name, meanOverCategories(CATEGORIES.flatMap((surface) => metrics[`${surface}.${name}`] ?? []))]),
  );
};
