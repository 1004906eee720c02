import { describe, expect, it } from "vitest";
import type { ReportData } from "./data.ts";
import { renderReport } from "./report.ts";

const jpeg = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0);
const estimate = { value: 0.9461, low: 0.92, high: 0.968 };
const rising = [[0, 0], [0.1, 0.8], [1, 1]] as const; // biome-ignore format: one point each

const complete: ReportData = {
  title: "Magnetic tiles",
  system: "denoising",
  subtitle: "a trial",
  notices: [{ text: "For research use.", tone: "caution" }],
  measures: [
    { name: "Image AUROC", ...estimate },
    { name: "Speed", value: 41, unit: "images / s", note: "one core" },
  ],
  sheets: [
    {
      title: "train/good",
      note: "all of one size",
      thumbnails: [
        { name: "train/good/000.png", bytes: jpeg },
        { name: "train/good/001.png", bytes: jpeg, caption: "very dark", tone: "caution" },
      ],
      more: 12,
    },
  ],
  pairs: [
    {
      title: "In training and in test",
      note: "almost equal",
      pairs: [{ first: { caption: "a.png", bytes: jpeg }, second: { caption: "b.png", bytes: jpeg }, caption: "1 of 64 bits" }],
    },
  ],
  caseGroups: [
    {
      title: "Best",
      note: "highest scores",
      mapScale: {
        colours: [
          [140, 140, 140],
          [250, 190, 40],
        ],
        ticks: [{ at: 0.3, label: "threshold" }],
        note: "grey is normal",
        outline: { colour: [0, 229, 255], label: "the true defect" },
      },
      cases: [
        {
          name: "crack.png",
          score: 0.7,
          label: "crack",
          outcome: "detected",
          caption: "clear",
          pictures: [{ caption: "input", bytes: jpeg }],
        },
      ],
    },
  ],
  scores: { normal: [0.1, 0.2], anomalous: [0.3, 0.9], threshold: 0.25 },
  confusion: { truePositive: 2, falseNegative: 0, falsePositive: 0, trueNegative: 2 },
  roc: [{ label: "images", points: rising, area: estimate, operatingPoint: [0.1, 0.8] }],
  pro: [{ label: "regions", points: rising, area: estimate }],
  precisionRecall: [{ label: "images", points: rising, area: estimate }],
  costs: {
    title: "Cost",
    points: rising,
    rows: [{ name: "chosen", threshold: 0.25, missRate: estimate, falseAlarmRate: estimate, cost: estimate }],
    note: "a miss costs 20",
  },
  kinds: [{ kind: "crack", images: 29, auroc: estimate, pixelAuroc: estimate, pro: estimate, detected: 22 }],
  comparisons: [
    {
      title: "Baselines",
      note: "same split",
      columns: [{ name: "AUROC", better: "higher" }, { name: "Device" }],
      rows: [
        { name: "denoising", cells: [estimate, "CPU"], emphasis: true },
        { name: "chance", cells: [0.5, null] },
      ],
    },
  ],
  training: [{ title: "Loss", horizontal: "step", vertical: "loss", series: [{ label: "training", points: rising }] }],
  failures: [{ file: "broken.png", reason: "end of stream" }],
  settings: { steps: 100, noise: { kind: "coarse", levels: [1, 2] }, model: { block: { width: 3 } } },
  defaults: { steps: 200, noise: { kind: "coarse", levels: [1, 2] }, model: { block: { width: 2 } } },
  provenance: { seed: 7, digest: "sha256:00" },
};

const sectionsOf = (text: string) => [...text.matchAll(/<section class="part" id="([^"]*)"/g)].map(([, id]) => id);

/** The same data with every text replaced, except the words the type fixes. */
function withTexts(value: unknown, text: string): unknown {
  if (typeof value === "string") return ["caution", "detected", "higher", "anomalous"].includes(value) ? value : text;
  if (value instanceof Uint8Array || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((entry) => withTexts(entry, text));
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, withTexts(entry, text)]));
}

function withNumbers(value: unknown, number: number): unknown {
  if (typeof value === "number") return number;
  if (value instanceof Uint8Array || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((entry) => withNumbers(entry, number));
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [
      key,
      key === "settings" || key === "provenance" ? {} : withNumbers(entry, number),
    ]),
  );
}

describe("renderReport", () => {
  it("shows every section that has data, each reachable from the contents", () => {
    const text = renderReport(complete);
    const sections = sectionsOf(text);
    const all = "summary cases images near-duplicates scores costs curves kinds comparison training failures settings provenance";
    expect(sections).toEqual(all.split(" "));
    for (const id of sections) expect(text).toContain(`href="#${id}"`);
    expect(text).toContain("0.920 – 0.968");
    expect(text).toContain('class="number best"');
    expect(text).toContain("block › width");
  });

  it("leaves out sections without data", () => {
    expect(sectionsOf(renderReport({ title: "t", system: "s" }))).toEqual([]);
    const lists = Object.entries(complete).map(([key, value]) => [
      key,
      Array.isArray(value) ? [] : typeof value === "object" ? {} : value,
    ]);
    const empty = {
      ...Object.fromEntries(lists),
      scores: { normal: [], anomalous: [] },
      confusion: undefined,
      costs: { points: [], rows: [] },
    } as ReportData;
    expect(sectionsOf(renderReport(empty))).toEqual([]);
    const hollow = {
      sheets: [{ title: "none", thumbnails: [], more: 3 }],
      pairs: [{ title: "none", pairs: [] }],
      caseGroups: [{ title: "none", cases: [] }],
    };
    expect(sectionsOf(renderReport({ title: "t", system: "s", ...hollow }))).toEqual([]);
    expect(sectionsOf(renderReport({ title: "t", system: "s", failures: complete.failures }))).toEqual(["failures"]);
  });

  it("escapes every text, wherever it stands", () => {
    const hostile = `"><script>alert(1)</script><img src=x onerror='alert(1)'>`;
    const text = renderReport(withTexts(complete, hostile) as ReportData);
    expect(text).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(text).not.toMatch(/<script/i);
    expect(text).not.toContain("<img src=x");
    expect(text.replaceAll("&quot;", "")).not.toContain("onerror='");
    const named = renderReport({ title: "t", system: "s", settings: { [hostile]: { [hostile]: 1 } } });
    expect(named).not.toMatch(/<script/i);
  });

  it("refers to nothing outside itself and runs no script", () => {
    const text = renderReport(complete);
    for (const [, target] of text.matchAll(/\b(?:src|href|srcset|action|data|poster)="([^"]*)"/g))
      expect(target).toMatch(/^(data:|#)/);
    expect(text).not.toMatch(/url\(|@import|<link|<script|<iframe|<object|\son\w+=|https?:\/\//i);
    expect(text).toContain("default-src &#39;none&#39;".replaceAll("&#39;", "'"));
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 1e300, -1e300, 5e-324])(
    "stays whole when every number is %d",
    (number) => {
      const text = renderReport(withNumbers(complete, number) as ReportData);
      expect(text).not.toMatch(/(?:[ "(,:MLHV-])(?:NaN|Infinity)/);
      expect(text).toContain("</html>");
    },
  );

  it("marks the best of a column and writes its numbers alike", () => {
    const columns = [{ name: "AUROC", better: "higher" }, { name: "ms", better: "lower" }, { name: "parameters" }] as const;
    const rows = [
      { name: "a", cells: [1, 2.5, 1200] },
      { name: "b", cells: [0.5, { value: 1.5 }, 0] },
      { name: "c", cells: [Number.NaN, null, 7] },
    ];
    const text = renderReport({ title: "t", system: "s", comparisons: [{ title: "c", columns, rows }] });
    const cells = [...text.matchAll(/<td class="([^"]*)">(.*?)<\/td>/g)].map(([, kind, content]) => [
      kind,
      content!.replace(/<span class="spoken">[^<]*<\/span>|<[^>]*>/g, ""),
    ]);
    expect(cells.map(([, content]) => content)).toEqual(["1.000", "2.500", "1,200", "0.500", "1.500", "0", "–", "–", "7"]);
    expect(cells.filter(([kind]) => kind === "number best").map(([, content]) => content)).toEqual(["1.000", "1.500"]);
  });

  it("marks the best of each row where the table says what is better, and lets no summary row compete", () => {
    const rows = [
      { name: "bottle", cells: [0.9, 0.8, null] },
      { name: "cable", cells: [0.7, 0.7, 0.6] },
      { name: "mean", cells: [0.95, 0.99, 0.6], summary: true },
    ];
    const bestOf = (better: "lower" | "higher" | undefined, columnBetter?: "higher") => {
      const columns = ["a", "b", "c"].map((name) => ({ name, better: columnBetter }));
      const text = renderReport({ title: "t", system: "s", comparisons: [{ title: "c", better, columns, rows }] });
      return [...text.matchAll(/<td class="number best"><?[^<]*/g)].map(([cell]) => cell.replace(/.*>/, ""));
    };
    expect(bestOf("higher")).toEqual(["0.900", "0.700", "0.700", "0.990"]);
    expect(bestOf("lower")).toEqual(["0.800", "0.600", "0.600"]);
    expect(bestOf(undefined, "higher")).toEqual(["0.900", "0.800"]);
    const table = renderReport({ title: "t", system: "s", comparisons: [{ title: "c", columns: [{ name: "a" }], rows }] });
    expect(table.match(/<tr class="[^"]*total/g)).toHaveLength(1);
  });

  it("says near the top how many files could not be read, with a link to them", () => {
    const failures = Array.from({ length: 30 }, (_, index) => ({ file: `${index}.png`, reason: "empty" }));
    const text = renderReport({ ...complete, failures });
    const notice = text.indexOf("30 files could not be read");
    expect(notice).toBeGreaterThan(0);
    expect(notice).toBeLessThan(text.indexOf('id="summary"'));
    expect(text.slice(notice).split("</p>")[0]).toContain('href="#failures"');
    expect(text.match(/<th scope="row"><bdi>\d+\.png/g)).toHaveLength(30);
    expect(text).toContain("<summary>10 more</summary>");
    expect(renderReport({ ...complete, failures: failures.slice(29) })).toContain("One file could not be read");
    expect(renderReport({ ...complete, failures: [] })).not.toContain("could not be read");
  });

  it("shows the measures of kinds that some kind has, and no empty columns", () => {
    const headsOf = (kinds: ReportData["kinds"]) =>
      [...renderReport({ title: "t", system: "s", kinds }).matchAll(/<th scope="col"[^>]*>([^<]*)/g)].map(([, head]) => head);
    expect(headsOf([{ kind: "crack", images: 3 }])).toEqual(["Kind", "Images"]);
    expect(headsOf([{ kind: "crack", images: 3, detected: 0 }])).toEqual(["Kind", "Images", "Called anomalous"]);
    const some = [
      { kind: "crack", images: 3, auroc: estimate },
      { kind: "hole", images: 3, pixelAuroc: estimate, pro: estimate },
    ];
    expect(headsOf(some)).toEqual(["Kind", "Images", "AUROC", "Pixel AUROC", "PRO"]);
  });

  it("keeps addresses unique", () => {
    const group = complete.caseGroups![0]!;
    const text = renderReport({ ...complete, caseGroups: [group, { ...group, cases: [...group.cases, ...group.cases] }] });
    const ids = [...text.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("stays under five megabytes with 24 cases of four pictures of 30 kB and long curves", () => {
    const bytes = new Uint8Array(30_000).fill(7);
    bytes.set(jpeg);
    const pictures = ["input", "restored", "heat map", "mask outline"].map((caption) => ({ caption, bytes }));
    const cases = Array.from({ length: 24 }, (_, index) => ({ name: `${index}.png`, score: index, pictures }));
    const points = Array.from({ length: 200_000 }, (_, index) => [index / 2e5, Math.sqrt(index / 2e5)] as const);
    const text = renderReport({ ...complete, caseGroups: [{ title: "All", cases }], roc: [{ label: "pixels", points }] });
    expect(Buffer.byteLength(text)).toBeLessThan(5_000_000);
  });

  it("stays under five megabytes with 24 cases of three pictures, 400 thumbnails and 12 pairs at their usual sizes", () => {
    const picture = (size: number) => {
      const bytes = new Uint8Array(size).fill(7);
      bytes.set(jpeg);
      return { caption: "heat map", bytes };
    };
    const cases = Array.from({ length: 24 }, (_, index) => ({
      name: `${index}.png`,
      score: index,
      pictures: [picture(30_000), picture(30_000), picture(10_000)],
    }));
    const thumbnails = Array.from({ length: 400 }, (_, index) => ({ name: `test/crack/image-${index}.png`, ...picture(3200) }));
    const pairs = Array.from({ length: 12 }, () => ({ first: picture(13_000), second: picture(13_000), caption: "equal" }));
    const text = renderReport({
      ...complete,
      caseGroups: [{ title: "All", cases }],
      sheets: [{ title: "test", thumbnails }],
      pairs: [{ title: "pairs", pairs }],
    });
    expect(Buffer.byteLength(text)).toBeLessThan(5_000_000);
    const { length: pictures } = text.match(/<img /g)!;
    expect(pictures).toBe(24 * 3 + 400 + 12 * 2);
  });

  it("refuses pictures that are neither JPEG nor PNG", () => {
    const pictures = [{ caption: "input", bytes: Uint8Array.of(0x3c, 0x73, 0x76, 0x67) }];
    const data = { ...complete, caseGroups: [{ title: "g", cases: [{ name: "a.svg", pictures }] }] };
    expect(() => renderReport(data)).toThrow("neither JPEG nor PNG");
  });
});
