import { type Random, random } from "../../../random/index.ts";

/** What is known of a person. Pressures in mmHg, glucose in mmol/L, heart rate per minute, weight in kg, age in years at stage 1. */
export interface PersonalData {
  readonly sex: "female" | "male";
  readonly age: number;
  readonly weight: number;
  readonly smoking: "never" | "former" | "current";
  readonly drinking: "never" | "former" | "current";
  readonly systolic_pressure: number;
  readonly diastolic_pressure: number;
  readonly glucose: number;
  readonly heart_rate: number;
  readonly statin: "no" | "yes";
  readonly antihypertensive: "no" | "yes";
  readonly antiplatelet: "no" | "yes";
  readonly glucose_lowering: "no" | "yes";
}

/** The columns of a table of patients, in their order. */
export const personalColumns = [
  "sex",
  "age",
  "weight",
  "smoking",
  "drinking",
  "systolic_pressure",
  "diastolic_pressure",
  "glucose",
  "heart_rate",
  "statin",
  "antihypertensive",
  "antiplatelet",
  "glucose_lowering",
] as const satisfies readonly (keyof PersonalData)[];

/** What a table says: null where a value is missing. */
export type RecordedData = { readonly [column in keyof PersonalData]: PersonalData[column] | null };

const habits = ["never", "former", "current"] as const;

const yesWith = (stream: Random, probability: number): "no" | "yes" => (stream.uniform() < probability ? "yes" : "no");

const between = (low: number, value: number, high: number): number => Math.min(high, Math.max(low, value));

/** A person of a carotid clinic: two thirds men, near 67 years, half on a statin, a quarter with diabetes. */
export const personOf = (seed: number, patient: number): PersonalData => {
  const stream = random("vessel person", seed, patient);
  const sex = stream.uniform() < 0.65 ? "male" : "female";
  const age = Math.round(between(40, stream.normal(67, 8), 90));
  const weight = Math.round(between(42, stream.normal(sex === "male" ? 82 : 70, 12), 150));
  const smoking = habits[stream.choice([35, 40, 25])];
  const drinking = habits[stream.choice([30, 20, 50])];
  const systolic = Math.round(between(95, stream.normal(138 + 0.3 * (age - 67), 16), 210));
  const diastolic = Math.round(between(50, 18 + 0.45 * systolic + stream.normal(0, 7), 115));
  const isDiabetic = stream.uniform() < 0.25;
  const glucose = between(3.8, isDiabetic ? stream.normal(8.5, 1.8) : stream.normal(5.4, 0.5), 18);
  return {
    ...{ sex, age, weight, smoking, drinking },
    systolic_pressure: systolic,
    diastolic_pressure: diastolic,
    glucose: Math.round(10 * glucose) / 10,
    heart_rate: Math.round(between(45, stream.normal(70, 10), 120)),
    statin: yesWith(stream, 0.55),
    antihypertensive: yesWith(stream, 1 / (1 + Math.exp(-(systolic - 140) / 15))),
    antiplatelet: yesWith(stream, 0.6),
    glucose_lowering: yesWith(stream, isDiabetic ? 0.75 : 0.02),
  };
};

/** How often a value is not in the record, but sex and age, which always are. */
const MISSING = 0.08;

/** What the patient's record holds: values are missing at random, independently. */
export const recordOf = (person: PersonalData, seed: number, patient: number): RecordedData => {
  const stream = random("vessel record", seed, patient);
  const recorded = personalColumns.map((column) => {
    const isMissing = stream.uniform() < MISSING && column !== "sex" && column !== "age";
    return [column, isMissing ? null : person[column]];
  });
  return Object.fromEntries(recorded) as RecordedData;
};
