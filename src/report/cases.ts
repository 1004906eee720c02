import { domainOf } from "./charts.ts";
import type { Case, CaseGroup, MapScale, Point, ReportData } from "./data.ts";
import { html, type Markup } from "./html.ts";
import { balancedGrid } from "./layout.ts";
import { formatValue } from "./numbers.ts";
import { pictureFigure } from "./pictures.ts";
import { colourLegend } from "./shares.ts";

type Outcome = NonNullable<Case["outcome"]>;

const outcomeSigns: Readonly<Record<Outcome, string>> = { detected: "✓", passed: "✓", missed: "✕", "false alarm": "!" };
const outcomePlurals: Readonly<Record<Outcome, string>> = {
  detected: "detected",
  passed: "passed",
  missed: "missed",
  "false alarm": "false alarms",
};
const outcomes = Object.keys(outcomeSigns) as Outcome[];

/** The groups of cases as cards of pictures; undefined when there are none. A card can be enlarged by following its link. */
export function caseSection({ caseGroups, scores }: ReportData): Markup | undefined {
  const groups = caseGroups?.filter(({ cases }) => cases.length > 0) ?? [];
  if (groups.length === 0) return undefined;
  const scales = groups.map(({ mapScale }) => mapScale && JSON.stringify(mapScale));
  const common = scales.every((scale) => scale === scales[0]) ? groups[0]!.mapScale : undefined;
  const contents = groups.map(
    ({ title, cases }, group) => html`<li><a href="#group-${group + 1}">${title}</a> ${outcomeTally(cases)}</li>`,
  );
  const thresholdOf = (group: CaseGroup) => group.threshold ?? scores?.threshold;
  /** Groups that share a threshold share the scale of their scores, so that they can be compared. */
  const rangeOf = (threshold: number | undefined): Point => {
    const comparable = groups.filter((group) => thresholdOf(group) === threshold).flatMap(({ cases }) => cases);
    return domainOf([...comparable.map(({ score }) => score ?? Number.NaN), threshold ?? Number.NaN]);
  };
  return html`${groups.length > 1 && html`<ul class="jumps">${contents}</ul>`}${common && mapScaleFigure(common)}${groups.map(
    (group, index) => {
      const threshold = thresholdOf(group);
      return caseGroup(group, `group-${index + 1}`, { threshold, range: rangeOf(threshold), ownScale: common === undefined });
    },
  )}`;
}

type Shared = { readonly threshold: number | undefined; readonly range: Point; readonly ownScale: boolean };

function caseGroup(
  { title, note, cases, mapScale, legend }: CaseGroup,
  id: string,
  { threshold, range, ownScale }: Shared,
): Markup {
  const cards = cases.map((shown, index) => caseCard(shown, id, index + 1, threshold, range));
  return html`<section class="group" id="${id}"><h3>${title} ${outcomeTally(cases)}</h3>${note && html`<p class="note">${note}</p>`}${
    ownScale && mapScale && mapScaleFigure(mapScale)
  }${legend && colourLegend(legend)}
<div class="cases balanced" ${balancedGrid(cases.length, 3, 2, 1)}>${cards}</div></section>`;
}

/** How many of the cases had which outcome. */
function outcomeTally(cases: readonly Case[]): Markup[] {
  return outcomes.flatMap((outcome) => {
    const count = cases.filter((shown) => shown.outcome === outcome).length;
    const words = count === 1 ? outcome : outcomePlurals[outcome];
    return count > 0 ? [html`<span class="outcome ${toneOf(outcome)}">${outcomeSigns[outcome]} ${count} ${words}</span> `] : [];
  });
}

function caseCard(shown: Case, group: string, number: number, threshold: number | undefined, range: Point): Markup {
  const { name, pictures, score, label, outcome, caption } = shown;
  const id = `${group}-case-${number}`;
  const decided = threshold !== undefined && Number.isFinite(threshold);
  return html`<article class="case panel ${outcome && toneOf(outcome)}" id="${id}">
<header><p>${outcome && html`<span class="outcome ${toneOf(outcome)}">${outcomeSigns[outcome]} ${outcome}</span>`}${
    label && html`<span class="label">${label}</span>`
  }<a class="close" href="#${group}">smaller</a></p><bdi class="name">${name}</bdi></header>
<a class="pictures" href="#${id}" aria-label="Enlarge the pictures of ${name}"><div class="mosaic" data-count="${pictures.length}">${pictures.map((picture) => pictureFigure(picture, name))}</div></a>
<footer>${
    score !== undefined &&
    html`<p class="facts"><span>score <b>${formatValue(score)}</b></span>${decided && html`<span>threshold ${formatValue(threshold)}</span>`}</p>${
      decided && Number.isFinite(score) && scoreStrip(score, threshold, range)
    }`
  }${caption && html`<p class="caption">${caption}</p>`}</footer></article>`;
}

/** Where a score lies beside the threshold. */
function scoreStrip(score: number, threshold: number, [low, high]: Point): Markup | false {
  if (!Number.isFinite(high - low)) return false;
  const at = (value: number) => Math.round((1000 * (value - low)) / (high - low)) / 10;
  const [start, end] = [Math.min(at(score), at(threshold)), Math.max(at(score), at(threshold))];
  return html`<span class="strip" aria-hidden="true"><i style="left:${start}%;right:${100 - end}%"></i><s style="left:${at(threshold)}%"></s><b style="left:${at(score)}%"></b></span>`;
}

function mapScaleFigure({ colours, ticks, note, outline }: MapScale): Markup {
  const rgb = (colour: readonly number[]) =>
    `rgb(${colour.map((part) => Math.min(255, Math.max(0, Math.round(Number(part)) || 0))).join(" ")})`;
  const gradient = `linear-gradient(to right,${colours.map(rgb).join(",")})`;
  const shown = ticks.filter(({ at }) => at >= 0 && at <= 1);
  return html`<figure class="scale"><div class="bar" role="img" aria-label="Colours of the heat map: ${shown.map(({ label }) => label).join("; ")}" style="background:${gradient}">${shown.map(
    ({ at }) => html`<i style="left:${Math.round(at * 1000) / 10}%"></i>`,
  )}</div><div class="ticks" aria-hidden="true">${shown.map(
    ({ at, label }) => html`<span style="--at:${Math.round(at * 1000) / 10}%">${label}</span>`,
  )}</div><figcaption>${
    outline && html`<span class="outlined" style="--outline:${rgb(outline.colour)}"></span> ${outline.label}. `
  }${note}</figcaption></figure>`;
}

const toneOf = (outcome: Outcome) => (outcome === "detected" || outcome === "passed" ? "right" : "wrong");
