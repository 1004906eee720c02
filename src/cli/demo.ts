import { join } from "node:path";
import { blurredDifference, evaluateModel } from "../detection/index.ts";
import { writeFileAtomic } from "../files/index.ts";
import { type SurfaceCategory, writeSurfaces } from "../imaging/index.ts";
import type { Measure } from "../metrics/index.ts";
import { type Comparison, renderReport } from "../report/index.ts";
import { runFiles } from "../training/index.ts";
import { formatTable, output, progress } from "./output.ts";
import { systemOrUsage } from "./run.ts";
import { readSettings } from "./settings.ts";
import type { CommonOptions } from "./usage.ts";

const CATEGORIES: readonly SurfaceCategory[] = ["fabric", "tiles", "grille"];
const SIZE = 64;

/** Paints surfaces, trains a small detector on each, and shows what it finds beside a method that does not learn. */
export const demo = async (
  name: string,
  { out, threads, provider, json }: CommonOptions & { readonly out: string },
): Promise<void> => {
  const { say, finish } = output(json);
  const system = systemOrUsage(name);
  const listener = progress();
  const started = performance.now();

  say(`Painting ${CATEGORIES.length} surfaces with defects into ${join(out, "data")} ...`);
  await writeSurfaces(join(out, "data"), { categories: CATEGORIES, size: SIZE, trainCount: 80, testPerKind: 15, seed: 1 });
  const config = await readSettings(system, { preset: "demo", set: [] });

  const rows: Comparison["rows"][number][] = [];
  const metrics: Record<string, Measure> = {};
  const blurred: Record<string, Measure> = {};
  const groups = [];
  for (const category of CATEGORIES) {
    const data = join(out, "data", category);
    const run = join(out, category);
    say(`Training on ${category} ...`);
    await system.train({ data, out: run, config, threads, provider, listener });
    const ours = await system.evaluateRun({ run, data, threads, provider, listener });
    const baseline = await evaluateModel({
      model: blurredDifference(SIZE),
      data,
      out: join(out, `${category}-blurred-difference`),
      runtime: { threads, provider },
      listener,
    });
    const cells = [
      ours.measures.image_auroc,
      baseline.measures.image_auroc,
      ours.measures.pixel_auroc,
      baseline.measures.pixel_auroc,
    ];
    const auroc = ({ measures }: typeof baseline): string => measures.image_auroc.value.toFixed(2);
    const seconds = Math.round((performance.now() - started) / 1000);
    say(`  image AUROC ${auroc(ours)}, blurred difference ${auroc(baseline)}; ${seconds} s so far`);
    rows.push({ name: category, cells: cells.map((measure) => measure ?? null) });
    for (const [measure, value] of Object.entries(ours.measures)) metrics[`${category}.${measure}`] = value;
    for (const [measure, value] of Object.entries(baseline.measures)) blurred[`${category}.${measure}`] = value;
    groups.push({
      ...ours.page.caseGroups?.[0],
      title: `${category}: highest scores among defects`,
      threshold: ours.page.scores?.threshold,
      cases: ours.page.caseGroups?.[0]?.cases ?? [],
    });
  }
  listener.end();

  const comparison: Comparison = {
    title: `${name} beside a blurred difference, which does not learn`,
    note: "Higher is better, 0.5 is chance; 95 % bootstrap intervals. A blurred difference marks what stands out from its surroundings.",
    columns: [{ name: "image AUROC" }, { name: "blurred difference" }, { name: "pixel AUROC" }, { name: "blurred difference" }],
    rows,
  };
  const report = join(out, "report.html");
  const subtitle = `${CATEGORIES.length} painted surfaces, ${SIZE} x ${SIZE} pixels, trained from nothing in ${Math.round((performance.now() - started) / 1000)} seconds in all`;
  await writeFileAtomic(
    report,
    renderReport({ title: `lynceus demo: ${name}`, system: name, subtitle, comparisons: [comparison], caseGroups: groups }),
  );

  say(`\n${comparison.title}\n${formatTable(comparison)}\n`);
  say(`Look at ${report}; each surface has its own in ${join(out, "<surface>", "report.html")}.`);
  say(
    `Next: lynceus predict ${runFiles(join(out, CATEGORIES[0])).folder} YOUR_IMAGE.png, or lynceus train ${name} --data YOUR_FOLDER`,
  );
  finish({ report, metrics, blurredDifference: blurred });
};
