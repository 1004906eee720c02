import { voxelVolumeOf } from "../../../imaging/index.ts";
import { type ChangeFactor, changeOf } from "../measurement/index.ts";
import type { PatientResult, StageResult } from "../result.ts";

/** Stands on everything that is said of a patient. */
export const RESEARCH_USE =
  "For research use only: this is no medical device, and no measurement or prediction in it is a diagnosis or advice.";

/** What a study has of a class. */
export interface ClassVolume {
  readonly name: string;
  readonly voxels: number;
  readonly millilitres: number;
}

/** Volumes of all classes but the background: counts of labelled voxels times what one holds. */
export const classVolumes = ({ labels }: Pick<StageResult, "labels">, classes: readonly string[]): readonly ClassVolume[] => {
  const counts = new Float64Array(classes.length);
  for (const label of labels.data) if (label > 0 && label < classes.length) counts[label]++;
  const millilitres = voxelVolumeOf(labels) / 1000;
  return classes.slice(1).map((name, n) => ({ name, voxels: counts[n + 1], millilitres: counts[n + 1] * millilitres }));
};

/** Both stages' volumes of a class in ml, and how they change; undefined changes where the years between are not known. */
export interface VolumeChange {
  readonly name: string;
  readonly first: number;
  readonly second: number;
  readonly change: ChangeFactor | undefined;
}

/** Of classes that are not a vessel's, at two stages; none otherwise. */
export const volumeChanges = ({ stages, classes, years }: PatientResult): readonly VolumeChange[] => {
  if (stages.length < 2 || stages.some(({ measured }) => measured !== undefined)) return [];
  const [before, after] = stages.map((stage) => classVolumes(stage, classes));
  return before.map(({ name, millilitres: first }, n) => {
    const second = after[n].millilitres;
    return { name, first, second, change: years === undefined ? undefined : changeOf(first, second, years) };
  });
};
