import { stat } from "node:fs/promises";
import { join } from "node:path";
import { exists } from "../../files/index.ts";
import { readNiftiLabels, spacingOf } from "../../imaging/index.ts";
import { readPatients } from "./data.ts";
import { PERSONAL_INPUTS } from "./prediction/index.ts";
import { referenceOf, sequencesOf } from "./study.ts";
import { NIFTI } from "./study-folder.ts";

/** Studies whose images are looked at, so that large data sets are told of soon. */
const LOOKED_AT = 5;

/** What is understood of a data set of patients; undefined where the path is none. */
export const inspectPatients = async ({ path, out }: { readonly path: string; readonly out?: string }) => {
  const status = await stat(path).catch(() => undefined);
  if (status === undefined || (status.isFile() && !/patients\.csv$/i.test(path))) return undefined;
  const isTable = status.isFile() || (await exists(join(path, "patients.csv")));
  const found = await readPatients(path).catch((error: Error) => {
    if (isTable) throw error;
  });
  if (!found) return undefined;
  if (out !== undefined) throw new Error("Of patients there is no page to write: leave out --out.");
  const { patients, notes } = found;
  const skipped = [...found.skipped];
  const studies = patients.flatMap(({ stages }) => stages);
  const looked: { name: string; sequences: readonly string[]; size: string; classes: string }[] = [];
  for (const study of studies.slice(0, LOOKED_AT)) {
    try {
      const sequences = await sequencesOf(study);
      for (const name of sequences.slice(1)) await referenceOf(study, name); // says so where a file is damaged
      const { grid } = await referenceOf(study, sequences[0]);
      const spacing = spacingOf(grid).map((mm) => Number(mm.toFixed(3)));
      const size = `${grid.width} x ${grid.height} x ${grid.slices} of ${spacing.join(" x ")} mm`;
      const labels = study.labels === undefined || !NIFTI.test(study.labels) ? undefined : await readNiftiLabels(study.labels);
      const classes = labels ? `; labels of the classes ${[...new Set(labels.data)].sort((a, b) => a - b).join(", ")}` : "";
      looked.push({ name: study.name, sequences, size, classes });
    } catch (error) {
      skipped.push({ path: study.folder, reason: (error as Error).message });
    }
  }
  const all = [...new Set(looked.flatMap(({ sequences }) => sequences))];
  const lackedBy = (sequences: readonly string[]): string => {
    const lacking = all.filter((name) => !sequences.includes(name));
    return lacking.length === 0 ? "" : `; without ${lacking.join(", ")}`;
  };
  const facts = {
    patients: patients.length,
    splits: Object.fromEntries(
      ["train", "validation", "test"].map((split) => [split, patients.filter((own) => own.split === split).length]),
    ),
    withTwoStages: patients.filter(({ stages }) => stages.length === 2).length,
    studies: studies.length,
    withLabels: studies.filter(({ labels }) => labels !== undefined).length,
    columns: Object.keys(patients[0].record).filter((column) => PERSONAL_INPUTS.some(({ name }) => name === column)),
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
    ...looked.map(
      ({ name, sequences, size, classes }) => `${name}: ${sequences.join(", ")}; ${size}${lackedBy(sequences)}${classes}`,
    ),
    ...(studies.length > LOOKED_AT ? [`and ${studies.length - LOOKED_AT} more studies, which were not looked into.`] : []),
    ...skipped.map(({ reason }) => `Left out: ${reason}`),
  ];
  return { lines, facts };
};
