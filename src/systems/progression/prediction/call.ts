import type { Interval } from "./intervals.ts";

/** What is predicted, and what a change of it means. */
export interface Target {
  readonly name: string;
  /** Such as "mm/year". */
  readonly unit: string;
  /** What the plaque's progression does to it: a wall thickens, a cap thins. */
  readonly progression: "increases" | "decreases";
  /** Changes up to this size, in the target's unit, are no change that matters, or none that can be measured. Default 0. */
  readonly deadBand?: number;
}

export const CALLS = ["progression", "stable", "regression", "uncertain"] as const;

export type Call = (typeof CALLS)[number];

/** What a known change is: beyond the dead band progression or regression, within it stable. */
export const directionOf = (change: number, { progression, deadBand = 0 }: Target): Exclude<Call, "uncertain"> => {
  if (Math.abs(change) <= deadBand) return "stable";
  return change > 0 === (progression === "increases") ? "progression" : "regression";
};

/**
 * What a prediction says: "stable" when the whole interval lies within the dead band, "uncertain" when it holds 0 otherwise, else what
 * the predicted change is by `directionOf`.
 */
export const callOf = (value: number, { low, high }: Interval, target: Target): Call => {
  const { deadBand = 0 } = target;
  if (low >= -deadBand && high <= deadBand && deadBand > 0) return "stable";
  return low <= 0 && high >= 0 ? "uncertain" : directionOf(value, target);
};
