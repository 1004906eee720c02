import type { Runtime, Values } from "../../runtime/index.ts";
import type { TrainingStep } from "../index.ts";

/** Loads a training's programs and its first state; each call takes a step, asking for its batches, and returns what its last program found. */
export const openSteps = async (runtime: Runtime, step: TrainingStep) => {
  const loaded = await Promise.all(step.runs.map(({ program }) => runtime.load(program)));
  await runtime.writeState(new Map(step.initialState()));
  return async (next: () => Values, number: number, learningRate: number): Promise<Values> => {
    let found: Values = {};
    for (const [place, { count, takesBatch, schedule }] of step.runs.entries()) {
      for (let index = 0; index < count; index++) {
        found = await loaded[place].run({ ...(takesBatch ? next() : {}), ...schedule?.(number, learningRate, index) });
      }
    }
    return found;
  };
};
