import { describe, expect, it } from "vitest";
import { styleSheet } from "./style.ts";
import { themes } from "./theme.ts";

const channelsOf = (colour: string) => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255);
const mixed = (first: string, share: number, second: string) => {
  const [from, to] = [channelsOf(first), channelsOf(second)];
  return from.map((value, channel) => share * value + (1 - share) * to[channel]!);
};

/** Relative luminance and contrast as WCAG 2.2 defines them. */
const luminance = (channels: readonly number[]) => {
  const [red, green, blue] = channels.map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
};
const contrast = (first: readonly number[], second: readonly number[]) => {
  const [darker, lighter] = [luminance(first), luminance(second)].sort((a, b) => a - b);
  return (lighter! + 0.05) / (darker! + 0.05);
};

describe.each(Object.entries(themes))("the %s theme", (name, theme) => {
  const on = (text: string, background: readonly number[]) => contrast(channelsOf(text), background);

  it("has enough contrast for text (AA, 4.5)", () => {
    for (const text of [theme.ink, theme.soft, theme.accent, theme.good, theme.bad]) {
      for (const background of [theme.paper, theme.panel]) expect(on(text, channelsOf(background))).toBeGreaterThan(4.5);
    }
    expect(on(theme.ink, channelsOf(theme.caution))).toBeGreaterThan(4.5);
    expect(on(theme.accent, channelsOf(theme.caution))).toBeGreaterThan(4.5);
    for (const text of [theme.ink, theme.soft]) {
      expect(on(text, mixed(theme.accent, 0.08, theme.panel))).toBeGreaterThan(4.5);
    }
  });

  it("has enough contrast for text on the fullest cells of the confusion table", () => {
    const [light, dark, print] = [...styleSheet.matchAll(/--wrong-share: ([\d.]+)/g)].map(([, share]) => Number(share));
    const share = { light, dark, print }[name]!;
    expect(on(theme.ink, mixed(theme.bad, share, theme.panel))).toBeGreaterThan(4.5);
    expect(on(theme.ink, mixed(theme.good, 0.28, theme.panel))).toBeGreaterThan(4.5);
  });

  it("has enough contrast for lines of charts (AA, 3)", () => {
    for (const line of [theme.series0, theme.series1, theme.series2, theme.series3, theme.series4]) {
      expect(on(line, channelsOf(theme.panel))).toBeGreaterThan(3);
    }
  });
});

describe("the style sheet", () => {
  it("defines every property that it uses", () => {
    const given = ["strength", "wide", "medium", "narrow", "wide-span", "medium-span", "narrow-span", "at", "outline"];
    const defined = new Set([...given, ...[...styleSheet.matchAll(/--([\w-]+):/g)].map(([, property]) => property)]);
    const used = [...styleSheet.matchAll(/var\(--([\w-]+)/g)].map(([, property]) => property!);
    expect(used.filter((property) => !defined.has(property))).toEqual([]);
  });

  it("loads nothing", () => {
    expect(styleSheet).not.toMatch(/url\(|@import|@font-face|<\//);
  });
});
