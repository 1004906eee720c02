import { random } from "../../../random/index.ts";
import type { PersonalData } from "./personal-data.ts";

/** The state of a plaque. Lengths in mm; extents from 0 (absent) to 1. */
export interface Plaque {
  /** Of the wall where there is no plaque. */
  readonly wall: number;
  /** What the plaque adds to the wall where it is thickest. */
  readonly thickness: number;
  readonly lipidCore: number;
  readonly haemorrhage: number;
  readonly calcification: number;
  /** Of the fibrous cap where it is thinnest. */
  readonly cap: number;
}

const between = (low: number, value: number, high: number): number => Math.min(high, Math.max(low, value));

/** Risk factors as deviations from the usual, in units of the usual spread. */
const factorsOf = (person: PersonalData) => ({
  age: (person.age - 67) / 8,
  weight: (person.weight - 78) / 14,
  smoking: { never: 0, former: 0.4, current: 1 }[person.smoking],
  pressure: (person.systolic_pressure - 138) / 16,
  glucose: (person.glucose - 6.2) / 1.7,
  male: person.sex === "male" ? 1 : 0,
  statin: person.statin === "yes" ? 1 : 0,
  antiplatelet: person.antiplatelet === "yes" ? 1 : 0,
});

/** The plaque at stage 1: what the risk factors have done so far, and chance. */
export const firstPlaque = (person: PersonalData, seed: number, patient: number): Plaque => {
  const stream = random("vessel plaque", seed, patient);
  const { age, smoking, pressure, glucose, statin } = factorsOf(person);
  const burden = 0.4 * age + 0.35 * smoking + 0.3 * pressure + stream.normal(0, 0.8);
  const thickness = between(0.4, 2.4 + 0.7 * burden, 4.5);
  const extent = 0.5 + 0.14 * burden + 0.07 * glucose - 0.08 * statin + stream.normal(0, 0.13);
  const lipidCore = thickness < 0.9 || extent < 0.15 ? 0 : Math.min(0.95, extent);
  const bleeds = stream.uniform() < 0.45 + 0.12 * pressure;
  const bleeding = stream.uniform(0.35, 0.85);
  const calcifies = stream.uniform() < 0.5 + 0.2 * age;
  const calcified = stream.uniform(0.3, 0.9);
  return {
    wall: between(0.65, 0.85 + 0.03 * age + stream.normal(0, 0.06), 1.1),
    thickness,
    lipidCore,
    haemorrhage: lipidCore > 0.3 && bleeds ? bleeding : 0,
    calcification: calcifies && thickness > 0.7 ? calcified : 0,
    cap: between(0.45, 0.95 - 0.06 * burden - 0.06 * smoking + 0.08 * statin + stream.normal(0, 0.15), 1.5),
  };
};

/**
 * The plaque some years later. Rates are linear in the risk factors, in what the plaque is like at stage 1, and in chance:
 *
 *   risk          0.35 age + 0.45 smoking + 0.4 pressure + 0.35 glucose + 0.1 weight + 0.15 male - 0.9 statin + N(0, 0.45)
 *   thickness     0.07 + 0.11 risk + 0.05 (with haemorrhage), mm a year
 *   wall          0.006 + 0.01 risk, mm a year
 *   lipid core    0.015 + 0.03 risk - 0.02 statin + 0.03 (with haemorrhage) + N(0, 0.015) a year
 *   haemorrhage   0.01 + 0.04 pressure + 0.03 antiplatelet + N(0, 0.03) a year; a new one with a chance of 5 % (1 + pressure) a year
 *   calcification 0.02 + 0.012 age + N(0, 0.01) a year
 *   cap           0.01 - 0.03 smoking - 0.02 glucose + 0.04 statin + N(0, 0.02), mm a year
 *
 * Directions are those of cohort studies (statins: Underhill et al. 2008; haemorrhage: Takaya et al. 2005; smoking, pressure, diabetes:
 * Howard et al. 1998); sizes are made up, large enough to be seen in a few hundred patients.
 */
export const laterPlaque = (first: Plaque, person: PersonalData, years: number, seed: number, patient: number): Plaque => {
  const stream = random("vessel growth", seed, patient);
  const { age, weight, smoking, pressure, glucose, male, statin, antiplatelet } = factorsOf(person);
  const causes = 0.35 * age + 0.45 * smoking + 0.4 * pressure + 0.35 * glucose + 0.1 * weight + 0.15 * male - 0.9 * statin;
  const risk = causes + stream.normal(0, 0.45);
  const bled = first.haemorrhage > 0 ? 1 : 0;
  const lipidRate = 0.015 + 0.03 * risk - 0.02 * statin + 0.03 * bled + stream.normal(0, 0.015);
  const bleedingRate = 0.01 + 0.04 * pressure + 0.03 * antiplatelet + stream.normal(0, 0.03);
  const calciumRate = 0.02 + 0.012 * age + stream.normal(0, 0.01);
  const capRate = 0.01 - 0.03 * smoking - 0.02 * glucose + 0.04 * statin + stream.normal(0, 0.02);
  const bleedsAnew = stream.uniform() < 0.05 * years * (1 + pressure);
  const bleeding = stream.uniform(0.3, 0.6);
  const grown = (extent: number, rate: number): number => (extent === 0 ? 0 : between(0, extent + rate * years, 1));
  const lipidCore = grown(first.lipidCore, lipidRate);
  const haemorrhage = bled ? grown(first.haemorrhage, bleedingRate) : lipidCore > 0.3 && bleedsAnew ? bleeding : 0;
  return {
    wall: between(0.6, first.wall + (0.006 + 0.01 * risk) * years, 1.3),
    thickness: between(0.3, first.thickness + (0.07 + 0.11 * risk + 0.05 * bled) * years, 5),
    lipidCore: lipidCore < 0.1 ? 0 : lipidCore,
    haemorrhage: lipidCore < 0.1 || haemorrhage < 0.1 ? 0 : haemorrhage,
    calcification: grown(first.calcification, calciumRate),
    cap: between(0.35, first.cap + capRate * years, 1.7),
  };
};
