import { themeProperties } from "./theme.ts";

const page = `
:root { color-scheme: light dark; ${themeProperties("light")} --wrong-share: 0.5; }
@media (prefers-color-scheme: dark) { :root { ${themeProperties("dark")} --wrong-share: 0.4; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif;
}
h1, h2, h3, p, figure, dl, dd, ol, ul { margin: 0; padding: 0; }
h1 { font-size: clamp(1.6rem, 4vw, 2.4rem); font-weight: 600; line-height: 1.15; letter-spacing: -0.015em; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; font-weight: 600; letter-spacing: -0.005em; margin-bottom: 1rem; }
h3, .panel > figcaption { font-size: 0.9rem; font-weight: 600; line-height: 1.35; overflow-wrap: anywhere; }
a { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

.masthead, .page { max-width: 82rem; margin: 0 auto; padding: 0 clamp(1rem, 3vw, 2.5rem); }
.masthead { padding-top: 2.5rem; padding-bottom: 1.75rem; }
.system { color: var(--accent); font-size: 0.85rem; font-weight: 600; letter-spacing: 0.04em; margin-bottom: 0.4rem; }
.subtitle { color: var(--soft); font-size: 1.05rem; margin-top: 0.5rem; max-width: 46rem; overflow-wrap: anywhere; }
main { min-width: 0; }
.part { padding: 1.75rem 0 2rem; border-top: 1px solid var(--line); scroll-margin-top: 0.5rem; }
main > .part:first-child { border-top: 0; padding-top: 0; }
.group { scroll-margin-top: 1rem; }
.group + .group { margin-top: 2.25rem; }
.group > h3 { font-size: 1rem; margin-bottom: 0.6rem; }
.note, .caption { color: var(--soft); font-size: 0.85rem; overflow-wrap: anywhere; }
.group > h3 + .note { margin: -0.35rem 0 0.75rem; }
.measures + .note, .scrolling + .note { margin-top: 0.6rem; }
.panel { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; min-width: 0; }

nav { font-size: 0.875rem; padding-bottom: 1.25rem; }
nav ol { list-style: none; display: flex; flex-wrap: wrap; gap: 0.35rem 1rem; }
nav a { color: var(--soft); text-decoration: none; }
nav a:hover { color: var(--accent); text-decoration: underline; }
@media (min-width: 68rem) {
  .page:has(> nav) { display: grid; grid-template-columns: 10.5rem minmax(0, 1fr); gap: 2.5rem; }
  nav { position: sticky; top: 1.5rem; align-self: start; padding: 0.25rem 0; }
  nav ol { flex-direction: column; gap: 0.5rem; border-left: 1px solid var(--line); padding-left: 1rem; }
}

.notices { display: grid; gap: 0.6rem; padding-bottom: 1.5rem; }
.notice { border-left: 3px solid var(--accent); background: var(--panel); padding: 0.6rem 0.9rem; font-size: 0.925rem; overflow-wrap: anywhere; }
.notice.caution { border-color: var(--bad); background: var(--caution); }

.balanced { --columns: var(--narrow); --span: var(--narrow-span, 1); display: grid; grid-template-columns: repeat(var(--columns), minmax(0, 1fr)); gap: 0.9rem; }
.balanced > :last-child { grid-column: span var(--span); }
@media (min-width: 40rem) { .balanced { --columns: var(--medium); --span: var(--medium-span, 1); } }
@media (min-width: 58rem) { .balanced { --columns: var(--wide); --span: var(--wide-span, 1); } }
`;

const numbers = `
.measures > .measure:last-child { grid-column: auto; }
.measures > .measure:first-child { grid-column: span var(--span); }
.measure { container-type: inline-size; display: flex; flex-direction: column; padding: 0.9rem 1rem 0.8rem; }
.measure h3 { color: var(--soft); font-weight: 500; font-size: 0.85rem; margin-bottom: auto; }
.figure { font-size: clamp(1.1rem, 22cqi, 2rem); font-weight: 600; line-height: 1.2; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; margin-top: 0.15rem; }
.measure .interval { white-space: normal; }
.measure .note { line-height: 1.35; margin-top: 0.2rem; }
.interval { color: var(--soft); font-size: 0.8rem; font-weight: 400; font-variant-numeric: tabular-nums; white-space: nowrap; }
.strip { display: block; position: relative; height: 10px; margin: 0.5rem 4px 0.25rem; background: linear-gradient(var(--line), var(--line)) center / 100% 1px no-repeat; color: var(--series0); }
.strip i { position: absolute; top: 3px; height: 4px; border-radius: 2px; background: currentColor; opacity: 0.45; }
.strip b { position: absolute; top: 1.5px; width: 7px; height: 7px; margin-left: -3.5px; border-radius: 50%; background: currentColor; }
.strip s { position: absolute; top: -1px; width: 0; height: 12px; border-left: 1.5px solid var(--ink); }
.case.right .strip { color: var(--good); }
.case.wrong .strip { color: var(--bad); }
.ends { display: flex; justify-content: space-between; color: var(--soft); font-size: 0.7rem; line-height: 1; }

.charts > .panel { padding: 0.9rem 1rem; container-type: inline-size; }
.chart { display: block; width: 100%; height: auto; overflow: visible; margin-top: 0.6rem; font-size: 15px; font-variant-numeric: tabular-nums; }
.reading:empty { display: none; }
@container (min-width: 22rem) { .chart { font-size: 13px; } }
@container (min-width: 27rem) { .chart { font-size: 11.5px; } }
@container (min-width: 33rem) { .chart { font-size: 10px; } }
@container (min-width: 38rem) {
  .plot { display: grid; grid-template-columns: minmax(0, 24rem) minmax(0, 1fr); gap: 1.75rem; align-items: center; }
  .plot .legend { flex-direction: column; margin-top: 0; }
  .plot > .chart { font-size: 12.5px; }
}
@container (min-width: 50rem) {
  .plot { grid-template-columns: minmax(0, 34rem) minmax(0, 1fr); }
  .plot > .chart { font-size: 9.5px; }
}
.chart text { fill: var(--soft); }
.chart .grid path { stroke: var(--grid); fill: none; }
.chart .axis path { stroke: var(--soft); fill: none; }
.chart .chance { stroke: var(--soft); stroke-dasharray: 1 4; stroke-linecap: round; fill: none; }
.chart .threshold path { stroke: var(--ink); stroke-width: 1.25; stroke-dasharray: 4 3; fill: none; }
.chart .threshold text { fill: var(--ink); }
.chart .ring { fill: none; stroke: currentColor; stroke-width: 2; }
.chart .pin { fill: var(--ink); stroke: var(--panel); stroke-width: 1; paint-order: stroke; }
.chart .pin .whisker { stroke: var(--ink); stroke-width: 1.5; }
.chart .pin text { fill: var(--panel); stroke: none; font-size: 11px; font-weight: 600; }
.line { fill: none; stroke: currentColor; stroke-width: 1.75; stroke-linejoin: round; stroke-linecap: round; vector-effect: non-scaling-stroke; }
.area { fill: currentColor; fill-opacity: 0.18; stroke: currentColor; stroke-width: 1.5; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
.dot { fill: currentColor; stroke: var(--panel); stroke-width: 1.5; }
.series-0 { color: var(--series0); } .series-1 { color: var(--series1); } .series-2 { color: var(--series2); }
.series-3 { color: var(--series3); } .series-4 { color: var(--series4); }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 0.2rem 1.1rem; margin-top: 0.4rem; font-size: 0.85rem; }
.legend li { display: flex; align-items: baseline; gap: 0.45rem; overflow-wrap: anywhere; }
.legend svg { flex: none; width: 28px; height: 10px; }
.legend .value { font-variant-numeric: tabular-nums; }
.charts .note { margin-top: 0.35rem; }
.charts + .scrolling { margin-top: 0.9rem; }
.pins { list-style: none; display: grid; gap: 0.6rem; font-size: 0.85rem; line-height: 1.35; margin-top: 0.5rem; }
.pins li { display: flex; gap: 0.6rem; align-items: flex-start; overflow-wrap: anywhere; }
.pins b { font-size: 1.05rem; font-variant-numeric: tabular-nums; }
span.pin { flex: none; display: inline-block; width: 1.35em; height: 1.35em; border-radius: 50%; background: var(--ink); color: var(--panel); font-size: 0.75rem; font-weight: 600; line-height: 1.35; text-align: center; }
span.ring { flex: none; width: 0.8rem; height: 0.8rem; margin: 0.15rem 0.1rem; border: 2px solid var(--series0); border-radius: 50%; }

.confusion { width: 100%; margin-top: 0.8rem; border-collapse: separate; border-spacing: 4px; table-layout: fixed; }
.confusion th { color: var(--soft); font-weight: 500; font-size: 0.85rem; text-align: center; padding: 0.2rem; }
.confusion tbody th { text-align: left; }
.confusion th span, .confusion td span { display: block; font-size: 0.8rem; font-weight: 400; }
.confusion td b { display: block; font-size: 1.6rem; font-weight: 600; line-height: 1.3; }
.confusion tbody td { text-align: center; padding: 1.4rem 0.3rem; border-radius: 4px; font-variant-numeric: tabular-nums; border: 1px solid var(--line); }
.confusion .right { background: color-mix(in srgb, var(--good) calc(var(--strength) * 0.28), var(--panel)); }
.confusion .wrong { background: color-mix(in srgb, var(--bad) calc(var(--strength) * var(--wrong-share)), var(--panel)); }
.scrolling .confusion.classes { margin: 0; padding: 0.4rem; table-layout: auto; border-spacing: 3px; }
.scrolling .confusion.classes th, .scrolling .confusion.classes td { padding: 0.45rem 0.6rem; border-top: 0; text-align: center; white-space: nowrap; }
.scrolling .confusion.classes thead > tr > * { border-bottom: 0; }
.scrolling .confusion.classes tbody th { text-align: left; }
.scrolling .confusion.classes .total, .scrolling .confusion.classes tbody tr:last-child td { border-color: transparent; color: var(--soft); }
.scrolling .confusion.classes .corner { text-align: left; }

.shares > .panel { padding: 0.9rem 1rem; }
.shares table { width: 100%; border-collapse: collapse; margin-top: 0.5rem; font-size: 0.9rem; }
.shares th { font-weight: 400; text-align: left; padding: 0.2rem 0.9rem 0.2rem 0; width: 1%; white-space: nowrap; }
.shares .chosen > * { font-weight: 650; }
.shares .track { padding: 0.2rem 0; }
.shares .track i { display: block; height: 0.7rem; min-width: 1px; border-radius: 2px; background: var(--series0); opacity: 0.55; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.shares .chosen .track i { opacity: 1; }
.shares .number { text-align: right; width: 1%; white-space: nowrap; padding: 0.2rem 0 0.2rem 0.9rem; font-variant-numeric: tabular-nums; }
.shares .text { color: var(--soft); font-weight: 400; }
.shares .note { margin-top: 0.5rem; }
.swatch { display: inline-block; flex: none; width: 0.85em; height: 0.85em; margin-right: 0.5em; border-radius: 2px; vertical-align: -0.06em; box-shadow: inset 0 0 0 1px rgb(128 128 128 / 0.5); print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.legend.colours { margin: 0 0 0.8rem; }
.legend .swatch { margin-right: 0; align-self: center; }
`;

const tables = `
.scrolling {
  overflow-x: auto;
  background:
    linear-gradient(to left, var(--panel) 1rem, transparent) right / 2.5rem 100% no-repeat local,
    linear-gradient(to left, color-mix(in srgb, var(--ink) 20%, transparent), transparent) right / 0.7rem 100% no-repeat scroll,
    var(--panel);
}
.scrolling table { width: 100%; border-collapse: separate; border-spacing: 0; font-size: 0.9rem; }
.scrolling th, .scrolling td { padding: 0.5rem 0.9rem; text-align: left; vertical-align: baseline; overflow-wrap: anywhere; }
.scrolling thead > tr > * { color: var(--soft); font-weight: 500; font-size: 0.82rem; border-bottom: 1px solid var(--line); vertical-align: bottom; }
.scrolling thead th { white-space: nowrap; }
.scrolling tbody th { font-weight: 500; min-width: 8rem; }
.scrolling tbody tr + tr > * { border-top: 1px solid var(--grid); }
.scrolling tr > :first-child { position: sticky; left: 0; z-index: 1; background: var(--panel); }
.scrolling .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.scrolling .wide { min-width: 9rem; vertical-align: middle; }
.scrolling .strip { margin: 0 4px; }
.scrolling .ends { display: table-cell; font-size: 0.7rem; }
.scrolling .ends span:last-child { float: right; }
.scrolling .failures th { min-width: 12rem; }
.scrolling .failures td { min-width: 16rem; }
.scrolling tbody tr.total > * { border-top: 1.5px solid var(--soft); }
.best { font-weight: 650; color: var(--accent); }
.emphasis > * { background: color-mix(in srgb, var(--accent) 8%, var(--panel)); }
.scrolling .emphasis > :first-child { background: color-mix(in srgb, var(--accent) 8%, var(--panel)); }

.settings { columns: 24rem 3; column-gap: 0.9rem; }
.settings .panel { break-inside: avoid; padding: 0.8rem 1rem; margin-bottom: 0.9rem; }
.settings h3 { margin-bottom: 0.35rem; }
.settings dl > div { display: flex; justify-content: space-between; gap: 1.25rem; padding: 0.22rem 0; font-size: 0.85rem; }
.settings dl > div + div { border-top: 1px solid var(--grid); }
.settings dt { color: var(--soft); flex: none; max-width: 55%; overflow-wrap: anywhere; }
.settings dd { text-align: right; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; min-width: 0; }
.differs dd > bdi, .set { font-weight: 600; }
.mark { color: var(--accent); font-size: 0.75rem; font-weight: 600; border: 1px solid currentColor; border-radius: 3px; padding: 0 0.3em; }
.fold { margin-top: 0.9rem; }
.fold > summary { cursor: pointer; color: var(--accent); font-size: 0.9rem; padding: 0.3rem 0; width: fit-content; }
.fold > :not(summary) { margin-top: 0.6rem; }
`;

const pictures = `
.jumps { list-style: none; display: flex; flex-wrap: wrap; gap: 0.4rem 1.6rem; margin-bottom: 1.1rem; font-size: 0.9rem; }
.scale { max-width: 34rem; margin-bottom: 1.5rem; font-size: 0.8rem; }
.group .scale { margin-bottom: 0.9rem; }
.bar { position: relative; height: 14px; border-radius: 3px; box-shadow: inset 0 0 0 1px rgb(128 128 128 / 0.5); print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.bar i { position: absolute; top: -3px; height: 20px; border-left: 1.5px solid var(--ink); margin-left: -0.75px; }
.ticks { position: relative; height: 1.3em; margin: 0.35rem 0; line-height: 1.3; white-space: nowrap; }
.ticks span { position: absolute; left: var(--at); transform: translateX(calc(-1 * var(--at))); }
.scale figcaption { color: var(--soft); }
.outlined { display: inline-block; width: 1.1em; height: 0.8em; border: 2px solid var(--outline); border-radius: 3px; box-shadow: 0 0 0 1px #000, inset 0 0 0 1px #000; margin-right: 0.15em; }

.cases { grid-auto-flow: row dense; }
.case { display: grid; grid-row: span 3; grid-template-rows: subgrid; row-gap: 0; align-content: start; overflow: hidden; scroll-margin-top: 0.75rem; border-top: 3px solid var(--line); }
.case.right { border-top-color: var(--good); }
.case.wrong { border-top-color: var(--bad); }
.case header { padding: 0.5rem 0.8rem 0.55rem; min-width: 0; }
.case header p { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0.1rem 0.75rem; font-size: 0.9rem; }
.case .name { color: var(--soft); font: 0.78rem/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.case .close { display: none; margin-left: auto; }
.outcome { font-size: 0.85rem; font-weight: 600; white-space: nowrap; color: var(--good); }
.outcome.wrong { color: var(--bad); }
h3 .outcome, .jumps .outcome { margin-left: 0.4em; }
.pictures { display: block; color: inherit; text-decoration: none; container-type: inline-size; }
a.pictures { cursor: zoom-in; }
.mosaic { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0 2px; }
.mosaic > figure { display: flex; flex-direction: column; min-width: 0; }
.mosaic img { display: block; flex: 1 1 auto; width: 100%; aspect-ratio: 1; min-height: 0; object-fit: contain; background: var(--grid); }
.mosaic figcaption { color: var(--soft); font-size: 0.75rem; line-height: 1.3; text-align: center; padding: 0.15rem 0.2rem 0.3rem; overflow-wrap: anywhere; }
.mosaic[data-count="1"] { grid-template-columns: 1fr; }
.mosaic[data-count="3"] { grid-template-columns: minmax(0, 2fr) minmax(0, 1fr); }
.mosaic[data-count="3"] > :first-child { grid-row: span 2; }
@container (min-width: 34rem) {
  .case .mosaic[data-count] { grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr)); }
  .case .mosaic[data-count] > :first-child { grid-row: auto; }
  .case .mosaic[data-count] img { aspect-ratio: auto; height: 14rem; flex: none; }
}
@container (min-width: 50rem) { .case .mosaic[data-count] img { height: 20rem; } }
.case footer { padding: 0.3rem 0.8rem 0.7rem; }
.facts { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 0.9rem; font-size: 0.85rem; color: var(--soft); font-variant-numeric: tabular-nums; }
.facts b { color: var(--ink); font-size: 0.95rem; font-weight: 600; }
@media screen {
  .balanced > .case:target { grid-column: 1 / -1; border-color: var(--accent); }
  .case:target .mosaic[data-count] { grid-template-columns: repeat(auto-fit, minmax(min(15rem, 100%), 1fr)); }
  .case:target .mosaic[data-count] > :first-child { grid-row: auto; }
  .case:target .pictures { cursor: auto; }
  .case:target .mosaic[data-count] img { aspect-ratio: auto; flex: none; height: auto; max-height: 85vh; }
  .case:target .close { display: inline; }
}

.tally { color: var(--soft); font-size: 0.85rem; font-weight: 400; margin-left: 0.5em; white-space: nowrap; }
.tally.anomalous, .tally.caution { color: var(--bad); font-weight: 600; }
.tally i, .sheet i { font-style: normal; }
.sheet { list-style: none; display: grid; grid-template-columns: repeat(auto-fill, minmax(clamp(4.9rem, 9vw, 6.25rem), 1fr)); gap: 0.55rem 0.4rem; }
.sheet li { position: relative; min-width: 0; font-size: 0.7rem; line-height: 1.3; }
.sheet img { display: block; width: 100%; aspect-ratio: 1; object-fit: contain; background: var(--grid); border: 1px solid var(--line); border-radius: 3px; }
.sheet .anomalous img { border: 1.5px solid var(--bad); }
.sheet .caution img { border: 2px dashed var(--bad); }
.sheet i { position: absolute; top: 0; left: 0; min-width: 1.35em; padding: 0 0.25em; border-radius: 3px 0 3px 0; background: var(--bad); color: var(--panel); font-weight: 700; line-height: 1.4; text-align: center; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.sheet small { display: block; color: var(--soft); font-size: inherit; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.sheet .more { display: grid; aspect-ratio: 1; place-items: center; align-self: start; border: 1px dashed var(--soft); border-radius: 3px; color: var(--soft); font-size: 0.8rem; text-align: center; }
.shortened { display: flex; white-space: pre; }
.shortened span { flex: none; }
.shortened span:first-child { flex: 0 1 auto; overflow: hidden; text-overflow: ellipsis; min-width: 0; }
.pairs > .pair:last-child { grid-column: auto; }
.pairs > .pair:only-child { max-width: 30rem; }
.pair { overflow: hidden; }
.pair > figcaption { padding: 0.35rem 0.8rem 0.6rem; font-weight: 500; }
`;

const adaptations = `
@media (max-width: 40rem) {
  .figure { font-size: clamp(1.1rem, 22cqi, 1.7rem); }
  .measures { gap: 0.6rem; }
  .measure { padding: 0.7rem 0.75rem; }
  .scrolling th, .scrolling td { padding: 0.45rem 0.6rem; }
  .scrolling tbody th { min-width: 6.5rem; max-width: 40vw; }
  .scrolling .wide, .failures thead { display: none; }
  .scrolling .failures tr > * { display: block; max-width: none; min-width: 0; }
  .scrolling .failures td { padding-top: 0; border-top: 0; color: var(--soft); }
}
@media (max-width: 58rem) { .scrolling td .interval { display: block; } }
@media print {
  :root { color-scheme: light; ${themeProperties("print")} --wrong-share: 0.5; }
  html { font-size: 10pt; }
  body { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  nav, .jumps { display: none; }
  .masthead, .page { display: block; padding: 0 1px; max-width: none; }
  .masthead { padding-bottom: 1rem; }
  .part { padding: 1rem 0 1.25rem; }
  .group + .group { margin-top: 1.25rem; }
  .balanced { --columns: var(--wide); --span: var(--wide-span, 1); gap: 0.6rem; }
  .figure { font-size: 1.6rem; }
  #provenance { break-inside: avoid; }
  .case header, .case footer { padding: 0.25rem 0.6rem 0.35rem; }
  .panel, .case, .scale, .sheet li, tr, .notice { break-inside: avoid; }
  .scrolling { overflow: visible; background: none; }
  .scrolling:has(tbody tr:nth-child(20)) { break-inside: auto; }
  .scrolling th, .scrolling td { padding: 0.35rem 0.5rem; }
  .scrolling tr > :first-child { position: static; }
  h2, h3, h3 + .note, .scale { break-after: avoid; }
  .measures + .note, .scrolling + .note { break-before: avoid; }
  details:not([open]) > summary::after { content: " (not printed)"; }
}
`;

/** The style of the report. Colours are properties, so that light, dark and print differ in one place each. */
export const styleSheet = page + numbers + tables + pictures + adaptations;
