import type { VesselMeasurement } from "./measure.ts";

/** A part of the vessel, in mm from the bifurcation; what lies downstream is positive. */
export interface Coverage {
  readonly low: number;
  readonly high: number;
}

/** The middle of a slice in mm from the bifurcation, or from the most upstream slice of the volume where there is none. */
export const distanceAlong = ({ slices, sliceSpacing, flow, bifurcation }: VesselMeasurement, k: number): number =>
  flow * sliceSpacing * (k - (bifurcation ?? (flow > 0 ? 0 : slices.length - 1)));

/** From the first face of the first slice with a lumen to the last face of the last; null where no slice has one. */
export const coverageOf = (vessel: VesselMeasurement): Coverage | null => {
  const distances = vessel.slices.flatMap(({ lumenArea }, k) => (lumenArea > 0 ? [distanceAlong(vessel, k)] : []));
  if (distances.length === 0) return null;
  const half = vessel.sliceSpacing / 2;
  return { low: Math.min(...distances) - half, high: Math.max(...distances) + half };
};

/**
 * What two studies of a vessel both cover, aligned at their bifurcations.
 * @throws RangeError when one has no bifurcation or no lumen, or they have nothing in common.
 */
export const commonCoverage = (first: VesselMeasurement, second: VesselMeasurement): Coverage => {
  const [a, b] = ([first, second] as const).map((vessel, n) => {
    const stage = `stage ${n + 1}`;
    if (vessel.bifurcation === null) {
      throw new RangeError(`In the images of ${stage} one lumen does not become two. Give the slice of the bifurcation by hand.`);
    }
    const coverage = coverageOf(vessel);
    if (coverage === null) throw new RangeError(`In the images of ${stage} there is no lumen, so nothing can be compared.`);
    return coverage;
  });
  const common = { low: Math.max(a.low, b.low), high: Math.min(a.high, b.high) };
  if (!(common.low < common.high)) {
    throw new RangeError(
      `Stage 1 covers ${text(a)} and stage 2 ${text(b)} from the bifurcation: they have nothing in common. Check the bifurcations.`,
    );
  }
  return common;
};

const text = ({ low, high }: Coverage): string => `${low.toFixed(1)} to ${high.toFixed(1)} mm`;

/** How much of each slice lies within the coverage, 0 to 1. */
export const weightsWithin = (vessel: VesselMeasurement, { low, high }: Coverage): readonly number[] =>
  vessel.slices.map((_, k) => {
    const [middle, half] = [distanceAlong(vessel, k), vessel.sliceSpacing / 2];
    const inside = Math.min(high, middle + half) - Math.max(low, middle - half);
    return Math.min(1, Math.max(0, inside / vessel.sliceSpacing));
  });
