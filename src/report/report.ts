import { caseSection } from "./cases.ts";
import { classConfusionTables } from "./class-confusion.ts";
import { costSection } from "./costs.ts";
import { lineCharts, qualityCurves } from "./curves.ts";
import type { ReportData } from "./data.ts";
import { html, type Markup, trusted } from "./html.ts";
import { scoreSection } from "./scores.ts";
import { nestedTable, settingsSection } from "./settings.ts";
import { shareSection } from "./shares.ts";
import { pairSection, sheetSection } from "./sheets.ts";
import { styleSheet } from "./style.ts";
import { measureCards, noticeList } from "./summary.ts";
import { comparisonTables, failureTable, kindTable } from "./tables.ts";

type Section = { readonly id: string; readonly title: string; readonly body: Markup | undefined };

/**
 * Renders a run as one HTML document that stands alone: style, charts and pictures are within,
 * nothing is loaded and no script runs, which its own content security policy also forbids.
 */
export function renderReport(data: ReportData): string {
  const { sectionTitles = {} } = data;
  const sections: readonly Section[] = [
    { id: "summary", title: "Summary", body: measureCards(data.measures) },
    { id: "shares", title: sectionTitles.shares ?? "Shares", body: shareSection(data.shares) },
    { id: "confusion", title: "Confusion", body: classConfusionTables(data.classConfusions) },
    { id: "cases", title: sectionTitles.cases ?? "Cases", body: caseSection(data) },
    { id: "images", title: "Images", body: sheetSection(data.sheets) },
    { id: "near-duplicates", title: "Near-duplicates", body: pairSection(data.pairs) },
    { id: "scores", title: "Scores and decisions", body: scoreSection(data) },
    { id: "costs", title: "Cost", body: costSection(data) },
    { id: "curves", title: "Curves", body: qualityCurves(data) },
    { id: "kinds", title: sectionTitles.kinds ?? "Kinds of anomaly", body: kindTable(data) },
    { id: "robustness", title: "Robustness", body: lineCharts(data.robustness) },
    { id: "comparison", title: sectionTitles.comparisons ?? "Comparison", body: comparisonTables(data.comparisons) },
    { id: "training", title: "Training", body: lineCharts(data.training) },
    { id: "failures", title: "Files not read", body: failureTable(data.failures) },
    { id: "settings", title: "Settings", body: settingsSection(data) },
    { id: "provenance", title: "Provenance", body: nestedTable(data.provenance) },
  ];
  const present = sections.filter(({ body }) => body !== undefined);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>${data.title}</title>
<style>${trusted(styleSheet)}</style>
</head>
<body>
<header class="masthead"><p class="system">lynceus · ${data.system}</p><h1>${data.title}</h1>${data.subtitle && html`<p class="subtitle">${data.subtitle}</p>`}</header>
<div class="page">
${present.length > 1 && html`<nav aria-label="Contents"><ol>${present.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ol></nav>`}
<main>${noticeList(data)}
${present.map(({ id, title, body }) => html`<section class="part" id="${id}"><h2>${title}</h2>${body}</section>\n`)}</main>
</div>
</body>
</html>
`;
  return page.markup;
}
