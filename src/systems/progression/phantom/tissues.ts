import { random } from "../../../random/index.ts";
import { CALCIFICATION, FIBROUS_CAP, HAEMORRHAGE, LIPID_CORE, LUMEN, vesselClasses, WALL } from "../measurement/index.ts";

/** Sequences of a carotid examination: black-blood T1, T2 and proton density, fat suppressed, and bright-blood time of flight. */
export const sequences = ["T1", "T2", "PD", "TOF"] as const;

export type Sequence = (typeof sequences)[number];

/** What a DICOM header says of each. Times in ms, angle in degrees. */
export const acquisitions = {
  T1: { description: "T1 TSE BB FS", repetitionTime: 800, echoTime: 10 },
  T2: { description: "T2 TSE BB FS", repetitionTime: 4000, echoTime: 50 },
  PD: { description: "PD TSE BB FS", repetitionTime: 4000, echoTime: 12 },
  TOF: { description: "TOF 2D", repetitionTime: 23, echoTime: 4, flipAngle: 20 },
} as const satisfies Record<Sequence, object>;

/** Signals of what surrounds a vessel, after the vessel's classes. */
export const SURROUNDINGS = {
  muscle: vesselClasses.length,
  fat: vesselClasses.length + 1,
  vein: vesselClasses.length + 2,
} as const;

/** Signal of each tissue, muscle on T1 = 100, in the order of `sequences`. */
type Signals = readonly [number, number, number, number];

/**
 * Contrasts as the criteria of plaque MRI have them (Yuan et al. 2001; Cai et al. 2002; Saam et al. 2005): calcification dark on all; lipid
 * core like muscle or brighter on T1, dark on T2; haemorrhage bright on T1 and TOF, and when fresh (type I) dark on T2 and PD, when
 * recent (type II) bright; fibrous cap brighter than the wall on T2 and PD and a dark band on TOF (Hatsukami et al. 2000).
 */
const SIGNALS: Readonly<Record<number, Signals>> = {
  [LUMEN]: [10, 10, 12, 290],
  [WALL]: [112, 92, 112, 92],
  [CALCIFICATION]: [28, 22, 28, 30],
  [LIPID_CORE]: [132, 52, 96, 104],
  [HAEMORRHAGE]: [225, 60, 74, 215],
  [FIBROUS_CAP]: [104, 135, 142, 58],
  [SURROUNDINGS.muscle]: [100, 62, 96, 88],
  [SURROUNDINGS.fat]: [34, 30, 38, 58],
  [SURROUNDINGS.vein]: [14, 16, 20, 92],
};

const RECENT_HAEMORRHAGE: Signals = [215, 138, 132, 205];

/** How much a tissue's signal differs from patient to patient, as a part of it. */
const SPREAD = 0.06;

/** Signals [sequence][tissue] of a patient. */
export const signalsOf = (seed: number, patient: number): readonly Float64Array[] => {
  const stream = random("vessel signals", seed, patient);
  const isRecent = stream.uniform() < 0.5;
  return sequences.map((_, sequence) => {
    const signals = new Float64Array(vesselClasses.length + 3);
    for (const [tissue, usual] of Object.entries(SIGNALS)) {
      const ofAll = Number(tissue) === HAEMORRHAGE && isRecent ? RECENT_HAEMORRHAGE : usual;
      signals[Number(tissue)] = ofAll[sequence] * Math.exp(stream.normal(0, SPREAD));
    }
    return signals;
  });
};
