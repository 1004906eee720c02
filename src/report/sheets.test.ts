import { describe, expect, it } from "vitest";
import { shortenedName } from "./pictures.ts";
import { commonFolder, pairSection, sheetSection } from "./sheets.ts";

const bytes = Uint8Array.of(0x89, 0x50, 0x4e, 0x47);

describe("sheetSection", () => {
  it("tells tones apart by a sign and a word, not by colour alone", () => {
    const thumbnails = (["normal", "anomalous", "caution"] as const).map((tone) => ({ name: `${tone}.png`, bytes, tone }));
    const { markup } = sheetSection([{ title: "test", thumbnails }])!;
    const items = markup.split("<li ").slice(1);
    expect(items.map((item) => /<i aria-hidden="true">(.)<\/i>/.exec(item)?.[1])).toEqual([undefined, "▲", "!"]);
    expect(items.map((item) => /class="spoken">([^<]*)/.exec(item)?.[1])).toEqual([undefined, "anomalous: ", "caution: "]);
    expect(markup).toContain("1 anomalous");
    expect(markup).not.toContain("1 normal");
  });

  it("says how many images are shown and how many are not", () => {
    const thumbnails = [{ name: "a.png", bytes }];
    const partial = sheetSection([{ title: "test", thumbnails, more: 1204 }])!.markup;
    expect(partial).toContain("1 of 1,205 images");
    expect(partial).toContain("1,204 more");
    expect(sheetSection([{ title: "test", thumbnails }])!.markup).not.toContain("more");
    expect(sheetSection([{ title: "test", thumbnails: [], more: 7 }])).toBeUndefined();
    expect(sheetSection(undefined)).toBeUndefined();
  });

  it("shows names below the folder they share, and whole on hovering", () => {
    const names = ["test/crack/0001.png", "test/crack/sub/0002.png"];
    const { markup } = sheetSection([{ title: "test", thumbnails: names.map((name) => ({ name, bytes })) }])!;
    for (const name of names) expect(markup).toContain(`title="${name}"`);
    expect(markup).toContain("<span></span><span>0001.png</span>");
    expect(markup).toContain("<span>sub</span><span>/0002.png</span>");
  });

  it("escapes hostile names in text and attributes", () => {
    const name = `a/"><script>alert(1)</script>.png`;
    const { markup } = sheetSection([
      { title: name, note: name, thumbnails: [{ name, caption: name, bytes, tone: "caution" }] },
    ])!;
    expect(markup).not.toContain("<script");
    expect(markup).not.toContain('="a/">');
    const pair = { first: { caption: name, bytes }, second: { caption: name, bytes }, caption: name };
    expect(pairSection([{ title: name, note: name, pairs: [pair] }])!.markup).not.toContain("<script");
  });
});

describe("pairSection", () => {
  it("shows both pictures of each pair and leaves out empty groups", () => {
    const pair = { first: { caption: "a.png", bytes }, second: { caption: "b.png", bytes }, caption: "identical" };
    const { markup } = pairSection([
      { title: "none", pairs: [] },
      { title: "some", pairs: [pair, pair] },
    ])!;
    expect(markup.match(/<img /g)).toHaveLength(4);
    expect(markup).not.toContain("none");
    expect(pairSection([{ title: "none", pairs: [] }])).toBeUndefined();
  });
});

describe("commonFolder", () => {
  it("ends with a slash that all names have", () => {
    expect(commonFolder(["a/b/1.png", "a/b/2.png"])).toBe("a/b/");
    expect(commonFolder(["a/b/1.png", "a/bc/2.png"])).toBe("a/");
    expect(commonFolder(["1.png", "a/2.png"])).toBe("");
    expect(commonFolder(["a/b/1.png"])).toBe("a/b/");
    expect(commonFolder([])).toBe("");
  });
});

describe("shortenedName", () => {
  it("cuts between characters, so that no character is torn apart", () => {
    expect(shortenedName("😀".repeat(12), "x").markup).toContain(`<span>😀😀😀</span><span>${"😀".repeat(9)}</span>`);
  });
});
