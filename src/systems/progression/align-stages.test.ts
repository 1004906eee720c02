import { expect, test } from "vitest";
import { alignedStages } from "./align-stages.ts";
import { lesionStage, phantomStage } from "./output/testing/patients.ts";
import type { StageResult } from "./result.ts";

const withBifurcation = (stage: StageResult, bifurcation: number | null): StageResult => {
  const measured = stage.measured!;
  return { ...stage, measured: { ...measured, vessel: { ...measured.vessel, bifurcation } } };
};
const bifurcationOf = ({ measured }: StageResult): number => measured!.vessel.bifurcation!;

test("a bifurcation that one stage lacks is carried over from the other, to about a slice, whichever it is", async () => {
  const stages = ([0, 1] as const).map((stage) => phantomStage(4, stage));
  for (const lacking of [0, 1]) {
    const given = stages.map((stage, n) => (n === lacking ? withBifurcation(stage, null) : stage));
    const { stages: aligned, notes } = await alignedStages(given);
    expect(Math.abs(bifurcationOf(aligned[lacking]) - bifurcationOf(stages[lacking]))).toBeLessThan(1);
    expect(aligned[1 - lacking]).toBe(stages[1 - lacking]);
    expect(notes[0]).toMatch(`In stage ${lacking + 1} one lumen does not become two: `);
    // Not where its own slices count it: the stages were taken at other heights.
    expect(Math.abs(bifurcationOf(stages[0]) - bifurcationOf(stages[1]))).toBeGreaterThan(0.05);
  }
});

test("nothing is changed where both stages have one, neither has, or it is no vessel", async () => {
  const stages = ([0, 1] as const).map((stage) => phantomStage(4, stage));
  const lesions = [lesionStage(4, "a"), lesionStage(6, "b")];
  for (const given of [stages, stages.map((stage) => withBifurcation(stage, null)), lesions, stages.slice(1)]) {
    expect(await alignedStages(given)).toEqual({ stages: given, notes: [] });
  }
});
