import { basename, dirname, resolve } from "node:path";
import { openDicom } from "../../imaging/index.ts";
import type { PatientSource } from "./patients-table.ts";
import type { StudySource } from "./study-folder.ts";

/**
 * An export of an archive has a folder for each study: those of one patient, by the ID in the files, become the stages of one patient, by their
 * dates. What is no DICOM, has no ID or no date of its own stays as it is. Neither ID nor date leaves here.
 * @param root the folder that all are in: a folder between it and the studies is the patient's, and names them.
 */
export const joinedStudies = async (
  patients: readonly PatientSource[],
  root: string,
): Promise<{ readonly patients: readonly PatientSource[]; readonly notes: readonly string[] }> => {
  const studies = new Map<string, { readonly patient: PatientSource; readonly day: number }[]>();
  for (const patient of patients) {
    const taken = patient.stages.length === 1 ? await takenOf(patient.stages[0]) : undefined;
    if (taken) studies.set(taken.id, [...(studies.get(taken.id) ?? []), { patient, day: taken.day }]);
  }
  const notes: string[] = [];
  const joined = new Map<PatientSource, PatientSource | undefined>();
  for (const group of studies.values()) {
    const [first, second, ...more] = group.sort((a, b) => a.day - b.day);
    if (second === undefined || second.day === first.day) continue;
    const between = dirname(first.patient.stages[0].folder);
    const name = between === resolve(root) ? first.patient.name : basename(between);
    const stages = [first, second].map(({ patient }, n) => ({ ...patient.stages[0], name: `${name}, stage ${n + 1}` }));
    for (const { patient } of group) joined.set(patient, undefined);
    joined.set(first.patient, { ...first.patient, name, stages });
    if (more.length > 0)
      notes.push(`Of ${name} there are ${group.length} studies: the first two are taken. A table can name others.`);
  }
  return { patients: patients.flatMap((patient) => (joined.has(patient) ? (joined.get(patient) ?? []) : [patient])), notes };
};

const takenOf = async ({ sources }: StudySource): Promise<{ readonly id: string; readonly day: number } | undefined> => {
  const source = sources.find(({ format }) => format === "dicom");
  const [stack] = source ? (await openDicom(source.path, { keepIdentity: true })).stacks : [];
  const day = stack?.studyDay ?? stack?.day;
  // Without an ID the reader tells patients apart by their study.
  return day === undefined || stack.patient === stack.study ? undefined : { id: stack.patient, day };
};
