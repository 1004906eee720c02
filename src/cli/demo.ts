import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type Baseline, blurredDifference, type EvaluateResult, evaluateModel } from "../detection/index.ts";
import { writeFileAtomic } from "../files/index.ts";
import { type SurfaceCategory, writeSurfaces } from "../imaging/index.ts";
import { type Measure, meanOverCategories } from "../metrics/index.ts";
import { type CaseGroup, type Comparison, renderReport } from "../report/index.ts";
import { digestOfCode, readJson, runFiles, writeJson } from "../training/index.ts";
import { command, formatTable, interruptible, output, progress } from "./output.ts";
import { systemOrUsage } from "./run.ts";
import { readSettings } from "./settings.ts";
import { type CommonOptions, Interrupted } from "./usage.ts";

const CATEGORIES: readonly SurfaceCategory[] = ["fabric", "tiles", "grille"];
const SIZE = 64;
const SHOWN = [
  { key: "image_auroc", name: "image AUROC" },
  { key: "pixel_auroc", name: "pixel AUROC" },
];
const BLURRED: Baseline = { name: "blurred difference", model: async () => blurredDifference(SIZE) };

/**
 * Paints surfaces, trains a small detector on each, and shows what it finds beside a method that does not learn, and the system's own
 * baselines. Stopped and called again, it goes on with the trainings that it had begun.
 */
export const demo = async (
  name: string,
  { out = join("lynceus-demo", name), threads, provider, json }: CommonOptions & { readonly out?: string },
): Promise<void> => {
  const { say, finish } = output(json);
  const system = systemOrUsage(name);
  const listener = progress();
  const signal = interruptible();
  const started = performance.now();
  const config = await readSettings(system, { preset: "demo", set: [] });
  // While it lies there, this very demo is unfinished.
  const mark = join(out, "unfinished.json");
  const own = { system: name, code: await digestOfCode(), config };
  const resume = JSON.stringify(await readJson(mark)) === JSON.stringify(own);
  if (system.demo) {
    await writeJson(mark, own);
    const found = await system.demo({ out, say, resume, threads, provider, listener, signal }).catch((error: unknown) => {
      listener.end();
      throw signal.aborted ? new Interrupted(`Stopped. What was trained is kept in ${out}; the same command goes on.`) : error;
    });
    listener.end();
    await rm(mark);
    for (const table of found.tables) say(`\n${table.title}\n${formatTable(table)}\n  ${table.note ?? ""}`);
    say(`\nLook at ${found.report}.\nNext: ${command("predict", found.next.run, found.next.input)}`);
    return finish({ report: found.report, metrics: found.measures, baselines: found.baselines });
  }
  const tell = (text: string): void => {
    listener.end();
    say(text);
  };

  tell(
    `${resume ? "Going on with" : "Painting"} ${CATEGORIES.length} surfaces with defects ${resume ? "in" : "into"} ${join(out, "data")} ...`,
  );
  await writeSurfaces(join(out, "data"), { categories: CATEGORIES, size: SIZE, trainCount: 80, testPerKind: 15, seed: 1 });
  // Runs of an earlier demo are not gone on with.
  if (!resume) for (const category of CATEGORIES) await rm(runFiles(join(out, category)).config, { force: true });
  await writeJson(mark, own);

  const baselines = [BLURRED, ...((await system.baselines?.(config)) ?? [])];
  const report = join(out, "report.html");
  const rows: Comparison["rows"][number][] = [];
  const groups: CaseGroup[] = [];
  const metrics: Record<string, Measure> = {};
  const baselineMetrics: Record<string, Record<string, Measure>> = Object.fromEntries(baselines.map(({ name }) => [name, {}]));
  const secondsSoFar = (): number => Math.round((performance.now() - started) / 1000);
  const comparison: Comparison = {
    title: `${name} beside a blurred difference, which does not learn${baselines.length > 1 ? ", and other baselines" : ""}`,
    note: "Higher is better, 0.5 is chance; 95 % bootstrap intervals. A blurred difference marks what stands out from its surroundings.",
    columns: SHOWN.flatMap(({ name }) => [{ name }, ...baselines.map((baseline) => ({ name: baseline.name }))]),
    rows,
  };
  const writeReport = (): Promise<void> => {
    const surfaces = rows.length < CATEGORIES.length ? `${rows.length} of ${CATEGORIES.length}` : `${rows.length}`;
    const since = resume ? "since it went on" : "in all";
    const subtitle = `${surfaces} painted surfaces, ${SIZE} x ${SIZE} pixels, trained in ${secondsSoFar()} seconds ${since}`;
    const title = `lynceus demo: ${name}`;
    return writeFileAtomic(
      report,
      renderReport({ title, system: name, subtitle, comparisons: [comparison], caseGroups: groups }),
    );
  };

  const surface = async (category: SurfaceCategory): Promise<void> => {
    const doing = (stage: string): void => tell(`Surface ${rows.length + 1} of ${CATEGORIES.length}, ${category}: ${stage} ...`);
    const data = join(out, "data", category);
    const run = join(out, category);
    doing("training");
    await system.train({ data, out: run, config, resume, threads, provider, listener, signal });
    signal.throwIfAborted();
    doing("measuring");
    const ours = await system.evaluateRun({ run, data, threads, provider, listener, signal });
    const beside: EvaluateResult["measures"][] = [];
    for (const baseline of baselines) {
      doing(`measuring ${baseline.name}`);
      const { measures } = await evaluateModel({
        model: await baseline.model(data, { threads, provider, listener, signal }),
        data,
        out: join(out, `${category}-${baseline.name.replaceAll(/[^a-z0-9]+/gi, "-")}`),
        runtime: { threads, provider },
        listener,
        signal,
      });
      beside.push(measures);
      for (const [measure, value] of Object.entries(measures)) baselineMetrics[baseline.name][`${category}.${measure}`] = value;
    }
    for (const [measure, value] of Object.entries(ours.measures)) metrics[`${category}.${measure}`] = value;
    const all = [ours.measures, ...beside];
    rows.push({ name: category, cells: SHOWN.flatMap(({ key }) => all.map((measures) => measures[key] ?? null)) });
    groups.push({
      ...ours.page.caseGroups?.[0],
      title: `${category}: highest scores among defects`,
      threshold: ours.page.scores?.threshold,
      cases: ours.page.caseGroups?.[0]?.cases ?? [],
    });
    await writeReport();
    const others = baselines.map(({ name }, index) => `${name} ${beside[index].image_auroc.value.toFixed(2)}`);
    tell(`  image AUROC ${[ours.measures.image_auroc.value.toFixed(2), ...others].join(", ")}; ${secondsSoFar()} s so far`);
  };

  try {
    for (const category of CATEGORIES) await surface(category);
  } catch (error) {
    listener.end();
    if (!signal.aborted) throw error;
    const done = rows.length > 0 ? `, ${report} shows ${rows.length} of ${CATEGORIES.length} surfaces` : "";
    throw new Interrupted(`Stopped. What was trained is kept in ${out}${done}; the same command goes on.`);
  }
  await rm(mark);

  tell(`\n${comparison.title}\n${formatTable(comparison)}\n`);
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
