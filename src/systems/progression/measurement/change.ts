import { type Coverage, commonCoverage } from "./coverage.ts";
import { featuresOf, type VesselFeature, type VesselFeatures, vesselFeatures } from "./features.ts";
import type { VesselMeasurement } from "./measure.ts";

/** How fast a feature changes. */
export interface ChangeFactor {
  /** (stage 2 - stage 1) / years, in the feature's unit a year; null where one of them is undefined. */
  readonly absolute: number | null;
  /** The same as a part of stage 1, per year; null too where stage 1 is 0 or, as a stenosis can be, negative. */
  readonly relative: number | null;
}

export type ChangeFactors = Readonly<Record<VesselFeature, ChangeFactor>>;

/** The change factors that the source names, by the feature that changes. */
export const namedChanges = [
  { name: "wall_thickening", feature: "wall_thickness_mean" },
  { name: "stenosis_change", feature: "stenosis_area" },
  { name: "lipid_core_growth", feature: "lipid_core_volume" },
  { name: "haemorrhage_change", feature: "haemorrhage_volume" },
  { name: "cap_thickness_change", feature: "cap_thickness_minimum" },
] as const satisfies readonly { readonly name: string; readonly feature: VesselFeature }[];

/** Days of a year in the Julian calendar, as in medicine's person-years. */
const DAYS_OF_A_YEAR = 365.25;

/** Years between two days. @throws RangeError unless the second stage is later. */
export const yearsBetween = (firstDay: number, secondDay: number): number => {
  if (!(secondDay > firstDay)) {
    throw new RangeError(`Stage 2 must be later than stage 1, but ${secondDay - firstDay} days lie between. Check the dates.`);
  }
  return (secondDay - firstDay) / DAYS_OF_A_YEAR;
};

/** Change factors of all features. @throws RangeError unless the years are positive. */
export const changeFactors = (first: VesselFeatures, second: VesselFeatures, years: number): ChangeFactors => {
  if (!(years > 0 && Number.isFinite(years))) throw new RangeError(`Between two stages lie more than 0 years, not ${years}.`);
  const changes = vesselFeatures.map(({ name }) => [name, changeOf(first[name], second[name], years)]);
  return Object.fromEntries(changes) as Record<VesselFeature, ChangeFactor>;
};

/** How fast a value changes from one stage to the next. */
export const changeOf = (first: number | null, second: number | null, years: number): ChangeFactor => {
  if (first === null || second === null) return { absolute: null, relative: null };
  const absolute = (second - first) / years;
  return { absolute, relative: first > 0 ? absolute / first : null };
};

/** Two studies of one vessel. */
export interface StageComparison {
  /** What both cover: all features are of this part. */
  readonly coverage: Coverage;
  readonly years: number;
  readonly first: VesselFeatures;
  readonly second: VesselFeatures;
  readonly changes: ChangeFactors;
}

/**
 * Features of both studies on what both cover, and how fast they change. Errors: as `commonCoverage` and `changeFactors`.
 */
export const compareStages = (first: VesselMeasurement, second: VesselMeasurement, years: number): StageComparison => {
  const coverage = commonCoverage(first, second);
  const [before, after] = [featuresOf(first, coverage), featuresOf(second, coverage)];
  return { coverage, years, first: before, second: after, changes: changeFactors(before, after, years) };
};
