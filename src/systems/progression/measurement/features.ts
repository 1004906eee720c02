import { type Coverage, coverageOf, weightsWithin } from "./coverage.ts";
import type { VesselMeasurement } from "./measure.ts";
import type { LumenMeasurement, SliceMeasurement } from "./slice.ts";

/** What a study of a vessel is summed up to. Shares are of the wall's volume. */
export const vesselFeatures = [
  { name: "lumen_volume", unit: "mm3" },
  { name: "wall_volume", unit: "mm3" },
  { name: "lumen_area_minimum", unit: "mm2" },
  { name: "wall_area_maximum", unit: "mm2" },
  { name: "wall_thickness_mean", unit: "mm" },
  { name: "wall_thickness_maximum", unit: "mm" },
  { name: "normalised_wall_index", unit: "1" },
  { name: "stenosis_area", unit: "%" },
  { name: "stenosis_diameter", unit: "%" },
  { name: "calcification_volume", unit: "mm3" },
  { name: "lipid_core_volume", unit: "mm3" },
  { name: "haemorrhage_volume", unit: "mm3" },
  { name: "fibrous_cap_volume", unit: "mm3" },
  { name: "calcification_share", unit: "%" },
  { name: "lipid_core_share", unit: "%" },
  { name: "haemorrhage_share", unit: "%" },
  { name: "fibrous_cap_share", unit: "%" },
  { name: "cap_thickness_minimum", unit: "mm" },
] as const;

export type VesselFeature = (typeof vesselFeatures)[number]["name"];

/** Null where a feature is undefined. */
export type VesselFeatures = Readonly<Record<VesselFeature, number | null>>;

/** Slices at the distal end that the narrowing is measured against. */
const REFERENCE_SLICES = 3;

/**
 * Sums a study up, over all that it covers or a part of it. A slice that lies in the part with a share of its thickness counts in volumes
 * and means with that share, and among extremes from a half on.
 *
 * - volumes: sums of areas times the distance between slices; `normalised_wall_index` wall / (lumen + wall), of volumes;
 * - `lumen_area_minimum`, the stenoses: along the common and internal carotid. `stenosis_area` (1 - A_min / A_ref) 100 and
 *   `stenosis_diameter` (1 - d_min / d_ref) 100 (NASCET; Barnett et al. 1991, with least widths as diameters). The reference is the median
 *   of the three most distal slices in which the internal carotid is open, the minimum that of all others, 0 where it is closed between
 *   open ones; negative where none of them is as narrow, null with fewer than four slices;
 * - `cap_thickness_minimum`: null without a lipid core; shares: null without a wall.
 */
export const featuresOf = (vessel: VesselMeasurement, within?: Coverage): VesselFeatures => {
  const coverage = within ?? coverageOf(vessel);
  const weights = coverage === null ? vessel.slices.map(() => 0) : weightsWithin(vessel, coverage);
  const volume = (areaOf: (slice: SliceMeasurement) => number): number =>
    vessel.sliceSpacing * vessel.slices.reduce((sum, slice, k) => sum + weights[k] * areaOf(slice), 0);
  const counted = vessel.slices.filter((_, k) => weights[k] >= 0.5);
  const extreme = (choose: (...values: number[]) => number, of: (slice: SliceMeasurement) => number | null): number | null => {
    const values = counted.map(of).filter((value) => value !== null);
    return values.length === 0 ? null : choose(...values);
  };
  const isCovered = weights.some((weight) => weight > 0);
  const [lumen, wall] = [volume((slice) => slice.lumenArea), volume((slice) => slice.wallArea)];
  const components = {
    calcification: volume((slice) => slice.calcificationArea),
    lipid_core: volume((slice) => slice.lipidCoreArea),
    haemorrhage: volume((slice) => slice.haemorrhageArea),
    fibrous_cap: volume((slice) => slice.fibrousCapArea),
  };
  const orNull = (value: number): number | null => (isCovered ? value : null);
  const shareOf = (part: number): number | null => (wall > 0 ? (part / wall) * 100 : null);
  return {
    lumen_volume: orNull(lumen),
    wall_volume: orNull(wall),
    ...narrowing(vessel, weights),
    wall_area_maximum: extreme(Math.max, (slice) => slice.wallArea),
    wall_thickness_mean: weightedMean(
      vessel.slices.map((slice) => slice.wallThicknessMean),
      weights,
    ),
    wall_thickness_maximum: extreme(Math.max, (slice) => slice.wallThicknessMaximum),
    normalised_wall_index: lumen + wall > 0 ? wall / (lumen + wall) : null,
    calcification_volume: orNull(components.calcification),
    lipid_core_volume: orNull(components.lipid_core),
    haemorrhage_volume: orNull(components.haemorrhage),
    fibrous_cap_volume: orNull(components.fibrous_cap),
    calcification_share: shareOf(components.calcification),
    lipid_core_share: shareOf(components.lipid_core),
    haemorrhage_share: shareOf(components.haemorrhage),
    fibrous_cap_share: shareOf(components.fibrous_cap),
    cap_thickness_minimum: extreme(Math.min, (slice) => slice.capThicknessMinimum),
  };
};

const weightedMean = (values: readonly (number | null)[], weights: readonly number[]): number | null => {
  let [sum, weight] = [0, 0];
  for (const [k, value] of values.entries()) {
    if (value === null) continue;
    sum += weights[k] * value;
    weight += weights[k];
  }
  return weight > 0 ? sum / weight : null;
};

type Width = Pick<LumenMeasurement, "area" | "diameter">;
const CLOSED: Width = { area: 0, diameter: 0 };

const narrowing = (
  vessel: VesselMeasurement,
  weights: readonly number[],
): Pick<VesselFeatures, "lumen_area_minimum" | "stenosis_area" | "stenosis_diameter"> => {
  const inPart = vessel.internalCarotid.filter((lumen, k) => lumen !== undefined && weights[k] >= 0.5).map((lumen) => lumen!);
  const along = (vessel.flow > 0 ? inPart : inPart.toReversed()).map((lumen) => (lumen === "closed" ? CLOSED : lumen));
  if (along.length === 0) return { lumen_area_minimum: null, stenosis_area: null, stenosis_diameter: null };
  const reference = along.filter((lumen) => lumen !== CLOSED).slice(-REFERENCE_SLICES);
  const before = along.filter((lumen) => !reference.includes(lumen));
  const against = (of: (lumen: Width) => number): number | null =>
    before.length === 0 || reference.length === 0 ? null : (1 - Math.min(...before.map(of)) / median(reference.map(of))) * 100;
  return {
    lumen_area_minimum: Math.min(...along.map(({ area }) => area)),
    stenosis_area: against(({ area }) => area),
    stenosis_diameter: against(({ diameter }) => diameter),
  };
};

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
