import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exists, writeFileAtomic } from "../../files/index.ts";
import type { IdentityOptions, SkippedFile } from "../../imaging/index.ts";
import { digestOf, environment } from "../../training/index.ts";
import { resultStems } from "../result-stems.ts";
import type { Predicted, PredictRequest } from "../system.ts";
import { type PatientSource, readPatients } from "./data.ts";
import { cellsOf, patientJson, patientsCsv, summaryLines, writePatientOutputs } from "./output/index.ts";
import { predictPatient } from "./predict-patient.ts";
import { predictorBeside } from "./run.ts";
import { openSegmenter } from "./segmenter.ts";

/**
 * Predicts patients: what is said of each is written into the folder, see `writePatientOutputs`, and of several their tables as one,
 * `all-patients.csv`. A patient that cannot be used is a failure, and the others go on.
 */
export const predict = async (request: PredictRequest): Promise<Predicted> => {
  const { model, inputs, out, beside, keepIdentity = false, givenLabels, threads, provider, listener, signal } = request;
  const predictor = beside === undefined ? undefined : await predictorBeside(beside);
  const segmenter = await openSegmenter(model, { threads, provider });
  const origin = { lynceus: environment(1).lynceus, "SHA-256 of the model": digestOf(model) };
  const lines: string[] = [];
  const predictions: unknown[] = [];
  const cells: ReturnType<typeof cellsOf>[] = [];
  const failures: SkippedFile[] = [];
  try {
    const { patients, notes } = await patientsAt(inputs, failures);
    lines.push(...notes);
    const key = keepIdentity || patients.length === 0 ? undefined : await identityKey(out);
    const identity: IdentityOptions = key ? { key: key.bytes } : { keepIdentity };
    const stems = resultStems(patients.map(({ name }) => name.replaceAll(/[^\p{L}\p{N}._-]+/gu, "-")));
    for (const [index, patient] of patients.entries()) {
      const stem = stems[index];
      signal?.throwIfAborted();
      listener?.({ kind: "count", text: `predicting ${patient.name}`, done: index, total: patients.length });
      try {
        const result = await predictPatient(segmenter, patient, { predictor, identity, origin, givenLabels, signal });
        await key?.keep();
        const files = await writePatientOutputs(out, result, { stem, signal });
        predictions.push({ ...patientJson(result), files });
        lines.push(...summaryLines(result));
        cells.push(cellsOf(result));
        failures.push(...result.unusable);
      } catch (error) {
        signal?.throwIfAborted();
        failures.push({ path: patient.stages[0].folder, reason: (error as Error).message });
      }
    }
    if (cells.length > 1) await writeFileAtomic(join(out, "all-patients.csv"), patientsCsv(cells));
  } finally {
    await segmenter.close();
  }
  return { lines: [...lines, "For research use only: no diagnosis."], predictions, failures };
};

const KEY_BYTES = 32;

/**
 * The secret by which patients, UIDs and dates are replaced, kept in `identity.key` of the folder: what is predicted into it later links to what is
 * there. Whoever has it can tell which pseudonym a known patient got: it is not for passing on, and nobody else may read it. A new one is
 * written by `keep`. @throws Error when the file holds no key.
 */
const identityKey = async (folder: string): Promise<{ readonly bytes: Uint8Array; keep(): Promise<void> }> => {
  const path = join(folder, "identity.key");
  if (await exists(path)) {
    const bytes = Buffer.from((await readFile(path, "utf8")).trim(), "hex");
    if (bytes.length === KEY_BYTES) return { bytes, keep: async () => {} };
    throw new Error(
      `"${path}" is no key of ${KEY_BYTES} bytes: put back the one that was here, or choose another folder with --out.`,
    );
  }
  const bytes = randomBytes(KEY_BYTES);
  let isKept = false;
  const keep = async (): Promise<void> => {
    if (isKept) return;
    await mkdir(folder, { recursive: true });
    await writeFile(path, `${bytes.toString("hex")}\n`, { mode: 0o600, flag: "wx", flush: true });
    isKept = true;
  };
  return { bytes, keep };
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
