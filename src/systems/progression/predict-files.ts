import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exists } from "../../files/index.ts";
import type { IdentityOptions, SkippedFile } from "../../imaging/index.ts";
import { digestOf, environment } from "../../training/index.ts";
import { resultStems } from "../result-stems.ts";
import type { Predicted, PredictRequest } from "../system.ts";
import { type PatientSource, readPatients } from "./data.ts";
import { patientJson, writePatientOutputs } from "./output/index.ts";
import { predictPatient } from "./predict-patient.ts";
import type { PatientResult } from "./result.ts";
import { predictorBeside } from "./run.ts";
import { openSegmenter } from "./segmenter.ts";

/**
 * Predicts patients: what is said of each is written into the folder, see `writePatientOutputs`. A patient that cannot be used is a failure, and
 * the others go on.
 */
export const predict = async (request: PredictRequest): Promise<Predicted> => {
  const { model, inputs, out, beside, keepIdentity = false, givenLabels, threads, provider, listener, signal } = request;
  const predictor = beside === undefined ? undefined : await predictorBeside(beside);
  const segmenter = await openSegmenter(model, { threads, provider });
  const origin = { lynceus: environment(1).lynceus, "SHA-256 of the model": digestOf(model) };
  const lines: string[] = [];
  const predictions: unknown[] = [];
  const failures: SkippedFile[] = [];
  try {
    const { patients, notes } = await patientsAt(inputs, failures);
    lines.push(...notes);
    const identity: IdentityOptions = keepIdentity
      ? { keepIdentity }
      : { key: patients.length > 0 ? await identityKey(out) : undefined };
    const stems = resultStems(patients.map(({ name }) => name.replaceAll(/[^\p{L}\p{N}._-]+/gu, "-")));
    for (const [index, patient] of patients.entries()) {
      const stem = stems[index];
      signal?.throwIfAborted();
      listener?.({ kind: "count", text: `predicting ${patient.name}`, done: index, total: patients.length });
      try {
        const result = await predictPatient(segmenter, patient, { predictor, identity, origin, givenLabels, signal });
        const files = await writePatientOutputs(out, result, { stem, signal });
        predictions.push({ ...patientJson(result), files });
        lines.push(...describe(result));
      } catch (error) {
        signal?.throwIfAborted();
        failures.push({ path: patient.stages[0].folder, reason: (error as Error).message });
      }
    }
  } finally {
    await segmenter.close();
  }
  return { lines: [...lines, "For research use only: no diagnosis."], predictions, failures };
};

const KEY_BYTES = 32;

/**
 * The secret by which patients, UIDs and dates are replaced, kept in `identity.key` of the folder: what is predicted into it later links to what is
 * there. Whoever has it can tell which pseudonym a known patient got: it is not for passing on, and nobody else may read it.
 * @throws Error when the file holds no key.
 */
const identityKey = async (folder: string): Promise<Uint8Array> => {
  const path = join(folder, "identity.key");
  if (await exists(path)) {
    const key = Buffer.from((await readFile(path, "utf8")).trim(), "hex");
    if (key.length === KEY_BYTES) return key;
    throw new Error(
      `"${path}" is no key of ${KEY_BYTES} bytes: put back the one that was here, or choose another folder with --out.`,
    );
  }
  const key = randomBytes(KEY_BYTES);
  await mkdir(folder, { recursive: true });
  await writeFile(path, `${key.toString("hex")}\n`, { mode: 0o600, flag: "wx", flush: true });
  return key;
};

const patientsAt = async (inputs: readonly string[], failures: SkippedFile[]) => {
  const patients: PatientSource[] = [];
  const notes: string[] = [];
  for (const input of inputs) {
    try {
      const found = await readPatients(input);
      patients.push(...found.patients);
      failures.push(...found.skipped);
      notes.push(...found.notes);
    } catch (error) {
      failures.push({ path: input, reason: (error as Error).message });
    }
  }
  return { patients, notes };
};

const describe = ({ name, stages, comparison, prediction, warnings }: PatientResult): string[] => {
  const number = (value: number | null | undefined, unit: string): string =>
    value === null || value === undefined ? "not defined" : `${value.toFixed(unit === "%" ? 0 : 2)} ${unit}`;
  const measured = stages.map((stage, n) => {
    const features = stage.measured?.features;
    const said = features && [
      `normalised wall index ${features.normalised_wall_index?.toFixed(2) ?? "not defined"}`,
      `stenosis ${number(features.stenosis_diameter, "%")} by diameter`,
      `wall up to ${number(features.wall_thickness_maximum, "mm")}`,
    ];
    return `  stage ${n + 1}: ${said?.join(", ") ?? "segmented; only a vessel's classes are measured"}`;
  });
  const changes = comparison
    ? [`  wall thickness changed by ${number(comparison.changes.wall_thickness_mean.absolute, "mm")} a year`]
    : [];
  const predicted = Object.entries(prediction?.targets ?? {}).map(
    ([target, { value, low, high, unit, call }]) =>
      `  predicted ${target.replaceAll("_", " ")}: ${value.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}] ${unit}, ${call}`,
  );
  return [name, ...measured, ...changes, ...predicted, ...warnings.map((warning) => `  ${warning}`)];
};
