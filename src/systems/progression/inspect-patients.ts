import { stat } from "node:fs/promises";
import { spacingOf } from "../../imaging/index.ts";
import { readPatients } from "./data.ts";
import { referenceOf, sequencesOf } from "./study.ts";

/** Studies whose images are looked at, so that large data sets are told of soon. */
const LOOKED_AT = 5;

/** What is understood of a data set of patients; undefined where the path is none. */
export const inspectPatients = async ({ path }: { readonly path: string }) => {
  const status = await stat(path).catch(() => undefined);
  if (status === undefined || (status.isFile() && !/patients\.csv$/i.test(path))) return undefined;
  const found = await readPatients(path).catch(() => undefined);
  if (found === undefined) return undefined;
  const { patients, notes } = found;
  const skipped = [...found.skipped];
  const studies = patients.flatMap(({ stages }) => stages);
  const looked: { name: string; sequences: readonly string[]; size: string }[] = [];
  for (const study of studies.slice(0, LOOKED_AT)) {
    try {
      const sequences = await sequencesOf(study);
      for (const name of sequences.slice(1)) await referenceOf(study, name); // says so where a file is damaged
      const { grid } = await referenceOf(study, sequences[0]);
      const spacing = spacingOf(grid).map((mm) => Number(mm.toFixed(3)));
      const size = `${grid.width} x ${grid.height} x ${grid.slices} of ${spacing.join(" x ")} mm`;
      looked.push({ name: study.name, sequences, size });
    } catch (error) {
      skipped.push({ path: study.folder, reason: (error as Error).message });
    }
  }
  const facts = {
    patients: patients.length,
    splits: Object.fromEntries(
      ["train", "validation", "test"].map((split) => [split, patients.filter((own) => own.split === split).length]),
    ),
    withTwoStages: patients.filter(({ stages }) => stages.length === 2).length,
    studies: studies.length,
    withLabels: studies.filter(({ labels }) => labels !== undefined).length,
    columns: Object.keys(patients[0].record),
    looked,
    notes,
    skipped,
  };
  const lines = [
    `${facts.patients} ${facts.patients === 1 ? "patient" : "patients"} (${facts.splits.train} to train, ${facts.splits.validation} to validate, ${facts.splits.test} to test), ${facts.withTwoStages} with two stages.`,
    `${facts.studies} ${facts.studies === 1 ? "study" : "studies"}, ${facts.withLabels} with labels.`,
    ...(facts.columns.length > 0
      ? [`Structured data: ${facts.columns.join(", ")}.`]
      : ["No structured data: a table patients.csv can hold it."]),
    ...notes,
    ...looked.map(({ name, sequences, size }) => `${name}: ${sequences.join(", ")}; ${size}`),
    ...skipped.map(({ reason }) => `Left out: ${reason}`),
  ];
  return { lines, facts };
};
