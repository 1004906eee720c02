import { relative, resolve, sep } from "node:path";
import { openDicom } from "../../imaging/index.ts";
import type { PatientSource } from "./patients-table.ts";
import type { StudySource } from "./study-folder.ts";

/**
 * An archive's export has a folder for each patient, with one for each study in it. Studies below one folder of `root` whose files have the same
 * patient ID become the stages of one patient, by their dates. What is no DICOM, has no ID or no date of its own stays as it is, and so do studies
 * that lie in `root` itself: one ID for all is what anonymised exports have. Neither ID nor date leaves here.
 */
export const joinedStudies = async (
  patients: readonly PatientSource[],
  root: string,
): Promise<{ readonly patients: readonly PatientSource[]; readonly notes: readonly string[] }> => {
  const taken: { readonly patient: PatientSource; readonly top: string; readonly id: string; readonly day: number }[] = [];
  for (const patient of patients) {
    const [top, ...below] = relative(resolve(root), patient.stages[0].folder).split(sep);
    const own = patient.stages.length === 1 && below.length > 0 ? await takenOf(patient.stages[0]) : undefined;
    if (own) taken.push({ patient, top, ...own });
  }
  const notes: string[] = [];
  const joined = new Map<PatientSource, PatientSource | undefined>();
  for (const { top, id } of taken) {
    const below = taken.filter((own) => own.top === top);
    const group = below.filter((own) => own.id === id && !joined.has(own.patient));
    const [first, ...later] = group.sort((a, b) => a.day - b.day);
    if (first === undefined) continue;
    const second = later.find(({ day }) => day > first.day);
    if (second === undefined) continue;
    const name = below.every((own) => own.id === id) ? top : first.patient.name;
    const stages = [first, second].map(({ patient }, n) => ({ ...patient.stages[0], name: `${name}, stage ${n + 1}` }));
    for (const { patient } of group) joined.set(patient, undefined);
    joined.set(first.patient, { ...first.patient, name, stages });
    if (group.length > 2) {
      notes.push(
        `Of ${name} there are ${group.length} studies: the first, and the first of a later day, are taken. A table can name others.`,
      );
    }
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
