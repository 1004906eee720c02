import { describe, expect, test } from "vitest";
import { applyAffine, centreOf, type Volume } from "../../../imaging/volumes/index.ts";
import {
  CALCIFICATION,
  FIBROUS_CAP,
  featuresOf,
  HAEMORRHAGE,
  LIPID_CORE,
  LUMEN,
  measureVessel,
  namedChanges,
  vesselFeatures,
  WALL,
  yearsBetween,
} from "../measurement/index.ts";
import { firstPlaque, laterPlaque } from "./growth.ts";
import {
  firstPatient,
  patientOfSplit,
  registeredImages,
  stageMotion,
  type VesselPatient,
  type VesselStage,
  vesselPatient,
  vesselStudy,
  vesselTruth,
} from "./index.ts";
import { type PersonalData, personOf } from "./personal-data.ts";

const meanWhere = ({ data }: Volume, labels: ArrayLike<number>, label: number): number => {
  let [sum, count] = [0, 0];
  for (let n = 0; n < data.length; n++) {
    if (labels[n] !== label) continue;
    sum += data[n];
    count++;
  }
  return sum / count;
};

/** The first patient whose first stage is so. */
const firstWith = (wanted: (stage: VesselStage) => boolean): VesselPatient => {
  for (let patient = 0; ; patient++) {
    const found = vesselPatient(1, patient);
    if (wanted(found.stages[0])) return found;
  }
};

/** All components are there. */
const whole = firstWith(
  ({ plaque }) => plaque.haemorrhage > 0.5 && plaque.calcification > 0.5 && plaque.lipidCore > 0.5 && plaque.cap > 0.6,
);
const study = vesselStudy(whole, 0);
const truth = vesselTruth(whole);

describe("patients", () => {
  test("are a pure function of seed and number, and those of splits are other people", () => {
    const again = vesselStudy(vesselPatient(1, whole.patient), 0);
    expect(again.images.TOF.data).toEqual(study.images.TOF.data);
    expect(again.labels.data).toEqual(study.labels.data);
    expect(vesselPatient(2, whole.patient).person).not.toEqual(whole.person);
    expect(patientOfSplit(0, "test", 3).patient).toBe(firstPatient.test + 3);
    expect(() => patientOfSplit(0, "train", 1_000_000)).toThrow(/train has no patient 1000000/);
    expect(() => vesselPatient(0, -1)).toThrow(/whole number/);
    expect(() => vesselPatient(0, 0, { side: 32, slices: 14, pixel: 0.5, sliceSpacing: 2 })).toThrow(/does not hold/);
  });

  test("miss about 8 % of their values, never sex and age", () => {
    const records = Array.from({ length: 500 }, (_, patient) => vesselPatient(0, patient).record);
    const missing = records.flatMap((record) => Object.values(record)).filter((value) => value === null).length;
    expect(missing / (11 * 500)).toBeGreaterThan(0.06);
    expect(missing / (11 * 500)).toBeLessThan(0.1);
    expect(records.every(({ sex, age }) => sex !== null && age !== null)).toBe(true);
  });

  test("grow by their risk factors: smokers faster, patients on statins slower, some back", () => {
    const rates = (change: Partial<PersonalData>): number[] =>
      Array.from({ length: 200 }, (_, patient) => {
        const first = firstPlaque(personOf(0, patient), 0, patient);
        const later = laterPlaque(first, { ...personOf(0, patient), ...change }, 2, 0, patient);
        return (later.thickness - first.thickness) / 2;
      });
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    const usual = rates({});
    expect(mean(rates({ smoking: "current" }))).toBeGreaterThan(mean(usual) + 0.02);
    expect(mean(rates({ statin: "yes" }))).toBeLessThan(mean(usual) - 0.03);
    const back = usual.filter((rate) => rate < 0).length / usual.length;
    expect(back).toBeGreaterThan(0.15);
    expect(back).toBeLessThan(0.6);
  });
});

describe("truth", () => {
  test("does not depend on how fine it is looked at", () => {
    const finer = vesselTruth(whole, 0.125).comparison.first;
    for (const { name, unit } of vesselFeatures) {
      const tolerance = unit === "mm" ? 0.06 : unit === "1" ? 0.002 : Math.max(0.4, 0.01 * finer[name]!);
      expect(Math.abs(truth.comparison.first[name]! - finer[name]!), name).toBeLessThan(tolerance);
    }
  });

  test("holds the caps, components and growth that were drawn", () => {
    const [first, second] = whole.stages.map(({ plaque }) => plaque);
    const { comparison } = truth;
    expect(Math.abs(comparison.first.cap_thickness_minimum! - first.cap)).toBeLessThan(0.15);
    expect(Math.abs(comparison.second.cap_thickness_minimum! - second.cap)).toBeLessThan(0.15);
    for (const { feature } of namedChanges) expect(comparison.first[feature], feature).not.toBeNull();
    const thickest = first.wall + first.thickness;
    expect(Math.abs(comparison.first.wall_thickness_maximum! - thickest)).toBeLessThan(0.15 * thickest);
  });

  test("has change factors that are exactly the difference by the years between the dates", () => {
    const { first, second, changes, years } = truth.comparison;
    const [a, b] = whole.stages;
    expect(years).toBe(yearsBetween(a.day, b.day));
    for (const { name } of vesselFeatures) {
      const [before, after] = [first[name]!, second[name]!];
      expect(changes[name].absolute).toBe((after - before) / years);
      expect(changes[name].relative).toBe(before === 0 ? null : (after - before) / years / before);
    }
  });

  test("is what the labels measure, up to their pixels", () => {
    const measured = measureVessel(study.labels);
    expect(Math.abs(measured.bifurcation! - truth.stages[0].bifurcation!)).toBeLessThan(0.6);
    const [ofLabels, ofShapes] = [featuresOf(measured), featuresOf(truth.stages[0])];
    for (const name of ["lumen_volume", "wall_volume", "normalised_wall_index"] as const) {
      expect(Math.abs(ofLabels[name]! / ofShapes[name]! - 1), name).toBeLessThan(0.03);
    }
    expect(Math.abs(ofLabels.wall_thickness_mean! - ofShapes.wall_thickness_mean!)).toBeLessThan(0.05);
    expect(Math.abs(ofLabels.lipid_core_volume! / ofShapes.lipid_core_volume! - 1)).toBeLessThan(0.15);
  });
});

describe("images", () => {
  test("show each tissue with the contrast of its sequence", () => {
    const images = registeredImages(study, whole.stages[0]);
    const signal = (sequence: keyof typeof images, label: number): number =>
      meanWhere(images[sequence], study.labels.data, label) / meanWhere(images[sequence], study.labels.data, WALL);
    for (const blackBlood of ["T1", "T2", "PD"] as const) expect(signal(blackBlood, LUMEN)).toBeLessThan(0.6);
    expect(signal("TOF", LUMEN)).toBeGreaterThan(1.8);
    for (const sequence of ["T1", "T2", "PD", "TOF"] as const) expect(signal(sequence, CALCIFICATION)).toBeLessThan(0.75);
    expect(signal("T1", HAEMORRHAGE)).toBeGreaterThan(1.4);
    expect(signal("TOF", HAEMORRHAGE)).toBeGreaterThan(1.3);
    expect(signal("T2", FIBROUS_CAP)).toBeGreaterThan(signal("T2", LIPID_CORE) + 0.2);
    const fatty = firstWith(({ plaque }) => plaque.haemorrhage === 0 && plaque.lipidCore > 0.7);
    const ofFatty = vesselStudy(fatty, 0);
    const { T2 } = registeredImages(ofFatty, fatty.stages[0]);
    const { labels } = ofFatty;
    expect(meanWhere(T2, labels.data, LIPID_CORE)).toBeLessThan(0.85 * meanWhere(T2, labels.data, WALL));
  });

  test("are moved between sequences, and the true motion brings them back", () => {
    const shaken = firstWith(({ grid, motion }) => {
      const centre = centreOf(grid);
      const [x, y] = applyAffine(motion.TOF, centre);
      return Math.hypot(x - centre[0], y - centre[1]) > 0.9;
    });
    const taken = vesselStudy(shaken, 0);
    const { data: labels } = taken.labels;
    /** How much of lumen and wall is on the right side of the middle between their means. */
    const separation = (image: Volume): number => {
      const middle = (meanWhere(image, labels, LUMEN) + meanWhere(image, labels, WALL)) / 2;
      const above = (label: number): number =>
        image.data.filter((value, n) => labels[n] === label && value > middle).length / labels.filter((l) => l === label).length;
      return (above(LUMEN) + 1 - above(WALL)) / 2;
    };
    const found = separation(registeredImages(taken, shaken.stages[0]).TOF);
    expect(found).toBeGreaterThan(0.9);
    expect(separation(taken.images.TOF)).toBeLessThan(found - 0.05);
  });

  test("of both stages hold the same anatomy, where the motion between stages says", () => {
    const [first, second] = whole.stages;
    const found = applyAffine(stageMotion(whole), applyAffine(first.pose, [1, 2, 3]));
    for (const [axis, mm] of applyAffine(second.pose, [1, 2, 3]).entries()) expect(found[axis]).toBeCloseTo(mm, 9);
  });
});
