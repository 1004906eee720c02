import { expect, test } from "vitest";
import { type ConfigInput, configSchema } from "./config.ts";
import { buildStep, buildStyleStep } from "./training-step.ts";

const networks = { kernels: 2, generator: { width: 4, depths: [1, 1, 1] }, detector: { width: 4, depths: [1, 1, 1], rank: 2 } };
const configured = (given: ConfigInput = {}) => configSchema.parse({ image: { size: 16 }, network: networks, ...given });
const counts = { real: 2, forged: 2 };

/** The weights that a program changes, each by the network that it belongs to. */
const changed = (names: Iterable<string>): string[] => [...new Set([...names].map((name) => name.split(".")[0]))].sort();

test("in turn, the generator's steps change only the generator, and the detector's only the detector", () => {
  const step = buildStep(configured({ alternation: { generatorSteps: 2, detectorSteps: 3 } }), counts);
  const weights = new Set(step.networkState);
  const ofRuns = step.runs.map(({ program }) =>
    changed(program.updates.map(({ name }) => name.replace("next:", "")).filter((name) => weights.has(name))),
  );
  expect(ofRuns).toEqual([["generator"], ["generator"], ["detector"], ["detector"], ["detector"]]);
  // All of both networks is kept, so that a checkpoint holds both.
  expect(changed(weights)).toEqual(["detector", "generator"]);
});

test("the generator learns more slowly by its share of the rate", () => {
  const step = buildStep(configured({ alternation: { generatorRate: 0.25 }, training: { optimiser: "sgd" } }), counts);
  const [ofGenerator, ofDetector] = [step.runs[0], step.runs[step.runs.length - 1]].map(
    ({ schedule }) => Object.values(schedule?.(1, 0.1, 0) ?? {})[0].data[0] as number,
  );
  expect(ofGenerator / ofDetector).toBeCloseTo(0.25, 5);
});

test("the style branch alone changes nothing else; without a generator there is none", () => {
  const style = buildStyleStep(configured(), counts);
  expect(style.networkState.every((name) => name.startsWith("generator.style."))).toBe(true);
  for (const simulated of ["none", "selfBlending"] as const) {
    expect(changed(buildStep(configured({ simulated }), counts).networkState)).toEqual(["detector"]);
  }
});

test("each branch of either network switches off on its own", () => {
  const parts = (given: ConfigInput["network"]): string[] => [
    ...new Set(
      buildStep(configured({ network: { ...networks, ...given } }), counts).networkState.map((name) =>
        name.split(".").slice(0, 2).join("."),
      ),
    ),
  ];
  const all = parts({});
  expect(all).toEqual(
    expect.arrayContaining(["generator.blend", "generator.style", "detector.global", "detector.local", "detector.fusion"]),
  );
  expect(parts({ generator: { ...networks.generator, style: false } })).not.toContain("generator.style");
  expect(parts({ generator: { ...networks.generator, blend: false } })).not.toContain("generator.blend");
  expect(parts({ detector: { ...networks.detector, globalFrequency: false } })).not.toContain("detector.global");
  expect(parts({ detector: { ...networks.detector, localFrequency: false } })).not.toContain("detector.local");
});
