import { describe, expect, it } from "vitest";
import { caseSection } from "./cases.ts";
import type { Case, CaseGroup, MapScale } from "./data.ts";

const bytes = Uint8Array.of(0xff, 0xd8, 0xff);
const pictures = [{ caption: "heat map", bytes }];
const section = (caseGroups: readonly CaseGroup[], threshold?: number) =>
  caseSection({ title: "t", system: "s", caseGroups, scores: { normal: [], anomalous: [], threshold } })!.markup;
const shown = (name: string, score?: number, outcome?: Case["outcome"]): Case => ({ name, score, outcome, pictures });
const textOf = (markup: string) => markup.replace(/<[^>]*>/g, " ").replace(/\s+/g, " ");
const scale: MapScale = {
  colours: [
    [140, 140, 140],
    [250, 190, 40],
  ],
  ticks: [
    { at: 1 / 3, label: "threshold 0.4" },
    { at: 2, label: "off the scale" },
  ],
  outline: { colour: [0, 229, 255], label: "the true defect" },
};

describe("caseSection", () => {
  it("writes scores beside the threshold: the group's own, else that of all scores", () => {
    const groups = [
      { title: "a", cases: [shown("1.png", 0.83)] },
      { title: "b", cases: [shown("2.png", 7)], threshold: 5 },
    ];
    const text = textOf(section(groups, 0.41));
    expect(text).toContain("score 0.830 threshold 0.410");
    expect(text).toContain("score 7.000 threshold 5.000");
    expect(textOf(section(groups.slice(0, 1)))).not.toContain("threshold");
  });

  it("places the score and the threshold on the scale of the cases that share it", () => {
    const groups = [
      { title: "a", cases: [shown("1.png", 0), shown("2.png", 1)] },
      { title: "b", cases: [shown("3.png", 2)] },
    ];
    const markup = section(groups, 0.5);
    expect([...markup.matchAll(/<b style="left:([\d.]+)%/g)].map(([, at]) => Number(at))).toEqual([0, 50, 100]);
    expect(new Set([...markup.matchAll(/<s style="left:([\d.]+)%/g)].map(([, at]) => at))).toEqual(new Set(["25"]));
  });

  it("counts outcomes for each group, in words, and links to the groups from the top", () => {
    const groups = [
      { title: "Hardest", cases: [shown("1.png", 1, "missed"), shown("2.png", 1, "detected"), shown("3.png", 1, "missed")] },
      { title: "Strangest", cases: [shown("4.png", 1, "false alarm"), shown("5.png", 1, "false alarm")] },
    ];
    const [contents] = section(groups).split("</ul>");
    expect(contents).toContain('href="#group-1"');
    expect(textOf(contents!)).toContain("Hardest ✓ 1 detected ✕ 2 missed");
    expect(textOf(contents!)).toContain("Strangest ! 2 false alarms");
  });

  it("explains the colours once when all groups share them, else group by group", () => {
    const group = (mapScale?: MapScale) => ({ title: "g", cases: [shown("1.png")], mapScale });
    const count = (groups: readonly CaseGroup[]) => section(groups).match(/class="scale"/g)?.length ?? 0;
    expect(count([group(scale), group({ ...scale })])).toBe(1);
    expect(count([group(scale), group({ ...scale, note: "another" })])).toBe(2);
    expect(count([group(), group()])).toBe(0);
    const markup = section([group(scale)]);
    expect(markup).toContain("linear-gradient(to right,rgb(140 140 140),rgb(250 190 40))");
    expect(markup).toContain("left:33.3%");
    expect(markup).not.toContain("off the scale");
    expect(markup).toContain("--outline:rgb(0 229 255)");
  });

  it("puts nothing but numbers into styles, whatever the colours are", () => {
    const hostile = { ...scale, colours: [["red;}</style><script>", 0, 0]] } as unknown as MapScale;
    expect(section([{ title: "g", cases: [shown("1.png")], mapScale: hostile }])).not.toContain("script");
  });
});
