import { expect, it } from "vitest";
import { classConfusionTables } from "./class-confusion.ts";
import { renderReport } from "./report.ts";
import { colourLegend, shareSection } from "./shares.ts";

it("draws shares as bars of their length, with colours and what is emphasised", () => {
  const { markup } = shareSection([
    {
      title: "Classes",
      note: "of the tissue",
      rows: [
        { name: "stroma & more", share: 0.625, colour: [240, 190, 200], text: "1.2 mm²" },
        { name: "tumour", share: 0.375, emphasis: true },
        { name: "unknown", share: Number.NaN },
      ],
    },
    { title: "Nothing", rows: [] },
  ])!;
  expect(markup).toContain("stroma &amp; more");
  expect(markup).toContain("width:62.5%");
  expect(markup).toContain("62.5 %");
  expect(markup).toContain("rgb(240 190 200)");
  expect(markup).toContain("1.2 mm²");
  expect(markup.match(/class="chosen"/g)).toHaveLength(1);
  expect(markup).toContain("width:0%");
  expect(markup).not.toContain("Nothing");
  expect(shareSection([])).toBeUndefined();
});

it("keeps colours within what a style may hold", () => {
  const hostile = [Number.NaN, 999, "url(x)" as unknown as number] as const;
  expect(colourLegend([{ name: "<b>", colour: hostile }]).markup).toContain("rgb(0 255 0)");
  expect(colourLegend([{ name: "<b>", colour: hostile }]).markup).not.toContain("<b>");
});

it("shades each row of a confusion by its shares, and sums rows and columns", () => {
  const { markup } = classConfusionTables([
    {
      title: "Grades",
      classes: ["0", "1", "2"],
      counts: [
        [3, 1, 0],
        [0, 0, 0],
        [1, 0, 1],
      ],
    },
  ])!;
  const text = markup.replace(/<[^>]+>/g, " ").replace(/\s+/g, " ");
  expect(text).toContain("0 3 1 0 4 75.0 % 1 0 0 0 0 – 2 1 0 1 2 50.0 % all 4 1 1 6");
  expect(markup).toContain('class="right" style="--strength:75%">3');
  expect(markup).toContain('class="wrong" style="--strength:25%">1');
  expect(classConfusionTables([])).toBeUndefined();
});

it("stands in a report under titles of its own, with text for measures", () => {
  const page = renderReport({
    title: "A slide",
    system: "grading",
    sectionTitles: { shares: "Grade and areas" },
    measures: [{ name: "Score", value: 7, text: "3+4=7" }],
    shares: [{ title: "Grades", rows: [{ name: "ISUP 1", share: 1 }] }],
    classConfusions: [{ title: "Grades", classes: ["0"], counts: [[1]] }],
  });
  expect(page).toContain("<h2>Grade and areas</h2>");
  expect(page).toContain("<h2>Confusion</h2>");
  expect(page).toContain("3+4=7");
  expect(page).not.toContain("7.000");
});
