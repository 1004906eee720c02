/** The style of the report. Colours are variables, so that light, dark and print differ in one place each. */
export const styleSheet = `
:root {
  color-scheme: light dark;
  --paper: #fbfbfa; --panel: #ffffff; --ink: #1b1f24; --soft: #59616b; --line: #dfe2e5; --grid: #eceef0;
  --accent: #0b5a8f; --good: #0072b2; --bad: #b84a00; --caution: #fff4e5; --caution-line: #b84a00;
  --series-0: #0072b2; --series-1: #c24e00; --series-2: #00795a; --series-3: #9c4a86; --series-4: #6b6100;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --panel: #1b1f23; --ink: #e8eaed; --soft: #a3abb4; --line: #343a41; --grid: #272c31;
    --accent: #7cc0ee; --good: #56a8dc; --bad: #ef8a4a; --caution: #2c231a; --caution-line: #ef8a4a;
    --series-0: #62b3ea; --series-1: #f0935a; --series-2: #3fc39d; --series-3: #d794c4; --series-4: #d3c75a;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
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

.masthead, .page { max-width: 82rem; margin: 0 auto; padding: 0 clamp(1rem, 3vw, 2.5rem); }
.masthead { padding-top: 2.5rem; padding-bottom: 1.75rem; }
.system { color: var(--accent); font-size: 0.85rem; font-weight: 600; letter-spacing: 0.04em; margin-bottom: 0.4rem; }
.subtitle { color: var(--soft); font-size: 1.05rem; margin-top: 0.5rem; max-width: 46rem; }
main { min-width: 0; }
.part { padding: 1.75rem 0 2rem; border-top: 1px solid var(--line); scroll-margin-top: 0.5rem; }
.group + .group { margin-top: 2rem; }
.group > h3 { font-size: 1rem; margin-bottom: 0.6rem; }
.note, .caption { color: var(--soft); font-size: 0.85rem; }
.group > h3 + .note { margin: -0.35rem 0 0.75rem; }
.measures + .note, .scrolling + .note { margin-top: 0.6rem; }
.panel { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; }

nav { font-size: 0.875rem; padding-bottom: 1.25rem; }
nav ol { list-style: none; display: flex; flex-wrap: wrap; gap: 0.35rem 1rem; }
nav a { color: var(--soft); text-decoration: none; }
nav a:hover { color: var(--accent); text-decoration: underline; }
@media (min-width: 68rem) {
  .page { display: grid; grid-template-columns: 10.5rem minmax(0, 1fr); gap: 2.5rem; }
  nav { position: sticky; top: 1.5rem; align-self: start; padding: 0.25rem 0; }
  nav ol { flex-direction: column; gap: 0.5rem; border-left: 1px solid var(--line); padding-left: 1rem; }
}

.notices { display: grid; gap: 0.6rem; padding-bottom: 1.5rem; }
.notice { border-left: 3px solid var(--accent); background: var(--panel); padding: 0.6rem 0.9rem; font-size: 0.925rem; }
.notice.caution { border-color: var(--caution-line); background: var(--caution); }

.measures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(10.5rem, 100%), 1fr)); gap: 0.9rem; }
.measure { padding: 0.9rem 1rem 0.8rem; }
.measure h3 { color: var(--soft); font-weight: 500; font-size: 0.85rem; }
.figure { font-size: 2rem; font-weight: 600; line-height: 1.2; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; margin-top: 0.15rem; }
.measure .interval { white-space: normal; }
.measure .note { line-height: 1.35; margin-top: 0.2rem; }
.interval { color: var(--soft); font-size: 0.8rem; font-weight: 400; font-variant-numeric: tabular-nums; white-space: nowrap; }
.strip { display: block; position: relative; height: 10px; margin: 0.5rem 4px 0.25rem; background: linear-gradient(var(--line), var(--line)) center / 100% 1px no-repeat; }
.strip i { position: absolute; top: 3px; height: 4px; border-radius: 2px; background: var(--series-0); opacity: 0.45; }
.strip b { position: absolute; top: 1.5px; width: 7px; height: 7px; margin-left: -3.5px; border-radius: 50%; background: var(--series-0); }
.ends { display: flex; justify-content: space-between; color: var(--soft); font-size: 0.7rem; line-height: 1; }

.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 0.9rem; }
.charts > .panel { padding: 0.9rem 1rem; max-width: 38rem; container-type: inline-size; }
.chart { display: block; width: 100%; height: auto; overflow: visible; margin-top: 0.6rem; font-size: 15px; font-variant-numeric: tabular-nums; }
@container (min-width: 22rem) { .chart { font-size: 13px; } }
@container (min-width: 27rem) { .chart { font-size: 11.5px; } }
@container (min-width: 33rem) { .chart { font-size: 10px; } }
.chart text { fill: var(--soft); }
.chart .grid path { stroke: var(--grid); fill: none; }
.chart .axis path { stroke: var(--soft); fill: none; }
.chart .chance { stroke: var(--soft); stroke-dasharray: 1 4; stroke-linecap: round; fill: none; }
.chart .threshold path { stroke: var(--ink); stroke-width: 1.25; stroke-dasharray: 4 3; fill: none; }
.chart .threshold text { fill: var(--ink); }
.line { fill: none; stroke: currentColor; stroke-width: 1.75; stroke-linejoin: round; stroke-linecap: round; vector-effect: non-scaling-stroke; }
.area { fill: currentColor; fill-opacity: 0.18; stroke: currentColor; stroke-width: 1.5; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
.dot { fill: currentColor; stroke: var(--panel); stroke-width: 1.5; }
.series-0 { color: var(--series-0); } .series-1 { color: var(--series-1); } .series-2 { color: var(--series-2); }
.series-3 { color: var(--series-3); } .series-4 { color: var(--series-4); }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 0.2rem 1.1rem; margin-top: 0.4rem; font-size: 0.85rem; }
.legend li { display: flex; align-items: baseline; gap: 0.45rem; overflow-wrap: anywhere; }
.legend svg { flex: none; width: 28px; height: 10px; }
.legend .value { font-variant-numeric: tabular-nums; }
.charts .note { margin-top: 0.35rem; }

.confusion { width: 100%; margin-top: 0.8rem; border-collapse: separate; border-spacing: 4px; table-layout: fixed; }
.confusion th { color: var(--soft); font-weight: 500; font-size: 0.85rem; text-align: center; padding: 0.2rem; }
.confusion tbody th { text-align: left; }
.confusion th span, .confusion td span { display: block; font-size: 0.8rem; font-weight: 400; }
.confusion td b { display: block; font-size: 1.6rem; font-weight: 600; line-height: 1.3; }
.confusion tbody td { text-align: center; padding: 1.4rem 0.3rem; border-radius: 4px; font-variant-numeric: tabular-nums; border: 1px solid var(--line); }
.confusion .right { background: color-mix(in srgb, var(--good) calc(var(--strength) * 0.28), var(--panel)); }
.confusion .wrong { background: color-mix(in srgb, var(--bad) calc(var(--strength) * 0.6), var(--panel)); }

.scrolling { overflow-x: auto; }
.scrolling table { width: 100%; border-collapse: collapse; font-size: 0.9rem; }
.scrolling th, .scrolling td { padding: 0.5rem 0.9rem; text-align: left; vertical-align: baseline; overflow-wrap: anywhere; }
.scrolling thead th { color: var(--soft); font-weight: 500; font-size: 0.82rem; white-space: nowrap; }
.scrolling thead tr > * { border-bottom: 1px solid var(--line); }
.scrolling tbody th { font-weight: 500; min-width: 8rem; }
.scrolling tbody tr + tr > * { border-top: 1px solid var(--grid); }
.scrolling .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.scrolling .wide { min-width: 9rem; vertical-align: middle; }
.scrolling .strip { margin: 0 4px; }
.scrolling th.ends { display: table-cell; }
.scrolling th.ends span:last-child { float: right; }
.best { font-weight: 650; color: var(--accent); }
.emphasis { background: color-mix(in srgb, var(--accent) 8%, transparent); }

.cases { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(17rem, 100%), 1fr)); grid-auto-flow: row dense; gap: 0.9rem; }
.case { display: grid; grid-row: span 3; grid-template-rows: subgrid; row-gap: 0; align-content: start; overflow: hidden; scroll-margin-top: 0.75rem; }
.case header { display: flex; justify-content: space-between; gap: 0.75rem; padding: 0.55rem 0.8rem; font-size: 0.82rem; }
.case .name { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.case .close { display: none; }
.pictures { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 2px; color: inherit; text-decoration: none; cursor: zoom-in; }
.pictures[data-count="1"] { grid-template-columns: 1fr; }
.pictures[data-count="3"] { grid-template-columns: repeat(3, minmax(0, 1fr)); }
.pictures img { display: block; width: 100%; aspect-ratio: 1; object-fit: contain; background: var(--grid); }
.pictures figcaption { color: var(--soft); font-size: 0.75rem; text-align: center; padding: 0.15rem 0 0.3rem; }
.case footer { padding: 0.3rem 0.8rem 0.7rem; }
.facts { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0.2rem 0.8rem; font-size: 0.9rem; }
.score { font-weight: 600; font-variant-numeric: tabular-nums; }
.score small { color: var(--soft); font-weight: 400; }
.outcome { margin-left: auto; font-size: 0.82rem; font-weight: 600; color: var(--good); }
.outcome.missed, .outcome.false-alarm { color: var(--bad); }
@media screen {
  .case:target { grid-column: 1 / -1; border-color: var(--accent); }
  .case:target .pictures { grid-template-columns: repeat(auto-fit, minmax(min(15rem, 100%), 1fr)); cursor: auto; }
  .case:target .pictures img { aspect-ratio: auto; max-height: 85vh; }
  .case:target .close { display: inline; }
}

.settings { columns: 24rem 3; column-gap: 0.9rem; }
.settings .panel { break-inside: avoid; padding: 0.8rem 1rem; margin-bottom: 0.9rem; }
.settings h3 { margin-bottom: 0.35rem; }
.settings dl > div { display: flex; justify-content: space-between; gap: 1.25rem; padding: 0.22rem 0; font-size: 0.85rem; }
.settings dl > div + div { border-top: 1px solid var(--grid); }
.settings dt { color: var(--soft); flex: none; max-width: 55%; overflow-wrap: anywhere; }
.settings dd { text-align: right; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; min-width: 0; }

@media (max-width: 30rem) {
  .figure { font-size: 1.7rem; }
  .measures { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0.6rem; }
  .measure { padding: 0.7rem 0.75rem; }
  .scrolling th, .scrolling td { padding: 0.45rem 0.6rem; }
  .scrolling tbody th { min-width: 6.5rem; }
  .scrolling td .interval { display: block; }
}
@media print {
  :root {
    color-scheme: light;
    --paper: #fff; --panel: #fff; --ink: #000; --soft: #444; --line: #ccc; --grid: #e6e6e6;
    --accent: #0b5a8f; --good: #0072b2; --bad: #b84a00; --caution: #fff; --caution-line: #b84a00;
    --series-0: #0072b2; --series-1: #c24e00; --series-2: #00795a; --series-3: #9c4a86; --series-4: #6b6100;
  }
  body { font-size: 10pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  nav { display: none; }
  .page { display: block; }
  .panel, .charts > figure, .case, tr, .notice { break-inside: avoid; }
  .scrolling { break-inside: auto; overflow: visible; }
  h2, h3 { break-after: avoid; }
  .cases { grid-template-columns: repeat(3, 1fr); }
  .pictures img { max-height: 9cm; }
}
`;
