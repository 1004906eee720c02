import type { Case, CaseGroup } from "../report/index.ts";
import type { Detector } from "./detector.ts";
import type { EvaluatedSample, Evaluation } from "./evaluate.ts";
import { explain, heatScale } from "./pictures.ts";
import { readSample } from "./read.ts";

/** What the report calls images of either class, one and several, and those of one class in a table. */
export interface Words {
  readonly classNames: { readonly normal: string; readonly anomalous: string };
  readonly normalImages: string;
  readonly anomalousImages: string;
}

export const DEFECTS: Words = {
  classNames: { normal: "normal", anomalous: "anomalous" },
  normalImages: "normal images",
  anomalousImages: "defects",
};

const CASES = 6;

/** The strongest right and wrong verdicts, or, without known defects, the strangest images; every image once. */
export const caseGroups = async (detector: Detector, { samples, maps }: Evaluation, words: Words): Promise<CaseGroup[]> => {
  const hatched = maps.some((map) => map?.ignore !== undefined);
  const falling = [...samples].sort((a, b) => b.score - a.score);
  const defects = falling.filter(({ sample }) => sample.label === 1);
  const normal = falling.filter(({ sample }) => sample.label === 0);
  const seen = new Set<EvaluatedSample>();
  // Of few images the highest are the lowest as well.
  const group =
    (title: string, note: string, members: readonly EvaluatedSample[], most = CASES) =>
    async (): Promise<CaseGroup> => {
      const shown = members.filter((member) => !seen.has(member)).slice(0, most);
      for (const member of shown) seen.add(member);
      const masked = shown.some(({ sample }) => sample.maskPath !== undefined);
      return {
        title,
        note,
        mapScale: heatScale(detector.description, { masked, hatched }),
        cases: await showCases(detector, shown),
      };
    };
  const groups =
    defects.length === 0
      ? [group("Strangest images", "The highest scores of all.", normal)]
      : [
          group(
            `Highest scores among ${words.anomalousImages}`,
            "The highest of each kind first, then the next highest.",
            onePerKind(defects),
          ),
          group(`Lowest scores among ${words.anomalousImages}`, "What is missed first.", defects.toReversed()),
          group(`Highest scores among ${words.normalImages}`, "What is a false alarm first.", normal),
          group(`Lowest scores among ${words.normalImages}`, "What is plainest of all.", normal.toReversed(), 3),
        ];
  const shown: CaseGroup[] = [];
  for (const make of groups) shown.push(await make());
  return shown.filter(({ cases }) => cases.length > 0);
};

/** One after another: images may be large. */
const showCases = async (detector: Detector, members: readonly EvaluatedSample[]): Promise<Case[]> => {
  const cases: Case[] = [];
  for (const member of members) cases.push(...(await showCase(detector, member)));
  return cases;
};

/** The best of each kind first, so that the first cases show variety. */
const onePerKind = (falling: readonly EvaluatedSample[]): EvaluatedSample[] => {
  const first = [...new Map(falling.toReversed().map((item) => [item.sample.kind, item])).values()].sort(
    (a, b) => b.score - a.score,
  );
  return [...first, ...falling.filter((item) => !first.includes(item))];
};

/** One case with its pictures, computed again; none where the file has gone since. */
const showCase = async (detector: Detector, { sample, score, anomalous }: EvaluatedSample): Promise<Case[]> => {
  try {
    const { image, mask, ignore } = await readSample(sample, detector.description);
    const pictures = await explain(image, await detector.detect(image, ignore), detector.description, mask);
    const outcome = anomalous === undefined ? undefined : outcomes[sample.label][anomalous ? 1 : 0];
    return [{ name: sample.name, pictures, score, label: sample.kind, outcome }];
  } catch {
    return [];
  }
};

const outcomes = { 0: ["passed", "false alarm"], 1: ["missed", "detected"] } as const;
