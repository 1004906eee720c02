import { expect, test } from "vitest";
import { random } from "../../random/index.ts";
import type { Estimate } from "../../report/index.ts";
import { BASELINE, type JudgedNetwork, summarise } from "./compare-summary.ts";
import type { ForgeryImage } from "./data.ts";

const KINDS = ["noise", "splice"];
/** Eight real images, and four of each kind. */
const test16: ForgeryImage[] = Array.from({ length: 16 }, (_, i) => {
  const kind = i < 8 ? "real" : KINDS[i % 2];
  return { path: `${i}.png`, name: `${i}.png`, split: "test", kind, label: i < 8 ? 0 : 1, group: String(i) };
});

/** A network whose AUC is 1 - error, on what it is tested with: of 32 pairs of a kind left out, or 64 of all. */
const network = (variant: string, seed: number, kind: string | undefined, wrongPairs: number): JudgedNetwork => {
  const tested = test16.filter(({ label, kind: own }) => kind === undefined || label === 0 || own === kind);
  const forged = tested.filter(({ label }) => label === 1);
  return {
    variant,
    seed,
    kind,
    // One forged image lies below `wrongPairs` real ones.
    scores: tested.map(({ name, label }, i) => ({
      name,
      score: label === 0 ? i : name === forged[0].name ? 7.5 - wrongPairs : 100,
    })),
    measures: {},
    robustness:
      kind === undefined
        ? [{ distortion: "JPEG", unit: "quality", level: 50, auc: { value: 0.5 + seed / 10, low: 0, high: 1 } }]
        : [],
    steps: 10,
    seconds: 2,
  };
};
const all = (variant: string, wrongPairs: number): JudgedNetwork[] =>
  [0, 1].flatMap((seed) =>
    [undefined, ...KINDS].map((kind) => network(variant, seed, kind, kind === undefined ? wrongPairs / 2 : wrongPairs)),
  );

test("the table holds means over seeds and kinds, and the share of the baseline's error", () => {
  const { table, robustness } = summarise([...all("ours", 2), ...all(BASELINE, 4)], test16, ["ours", BASELINE]);
  const [ours, plain] = table.rows.map(({ cells }) => cells.map((cell) => (cell as Estimate)?.value ?? cell));
  expect(ours[0]).toBeCloseTo(1 - 1 / 64, 6);
  expect(ours[3]).toBeCloseTo(1 - 2 / 32, 6);
  expect(plain[3]).toBeCloseTo(1 - 4 / 32, 6);
  expect(ours[4]).toBeCloseTo(0.5, 6);
  expect(plain[4]).toBeNull();
  expect(ours[5]).toBeCloseTo(0.55, 6);
  expect(robustness[0].series.map(({ label, points }) => [label, points[0]])).toEqual([
    ["ours", [50, 0.55]],
    [BASELINE, [50, 0.55]],
  ]);
});

test("the share of the error is paired: of two networks that say the same it is 1 without doubt", () => {
  const noisy = (variant: string): JudgedNetwork[] =>
    all(variant, 3).map((judged) => ({
      ...judged,
      scores: judged.scores.map(({ name }) => ({ name, score: random("score", name, judged.kind ?? "all").uniform() })),
    }));
  const { table } = summarise([...noisy("ours"), ...noisy(BASELINE)], test16, ["ours", BASELINE]);
  expect(table.rows[0].cells[4]).toEqual({ value: 1, low: 1, high: 1 });
});
