import { random } from "../../random/index.ts";
import { byName, type Sample } from "./sample.ts";

type Undivided = Omit<Sample, "split">;
type Split = Sample["split"];

/** What is never divided: the group, or an image without one. The same letters count as one name on every file system. */
export const unitOf = ({ name, group }: Pick<Sample, "name" | "group">): string =>
  (group === undefined ? `image ${name}` : `group ${group}`).normalize("NFC");

/**
 * Divides images whose split nobody stated. Defects are for testing. Of the normal images a fifth is for testing and the
 * rest for training: those whose number random(seed, name) is below 0.2, so that an added image moves no other. At least
 * one normal image is for testing where there are two, and at least one stays for training where there is a choice.
 *
 * A group is never divided: with a defect in it all of it is for testing, else its name decides. `fixed` holds the split
 * of units (see `unitOf`) that is stated already.
 */
export const divide = (
  samples: readonly Undivided[],
  seed: number,
  fixed: ReadonlyMap<string, Split> = new Map(),
): { train: Sample[]; test: Sample[]; note: string } => {
  const splits = new Map(fixed);
  const decide = (some: readonly Undivided[], split: (unit: string) => Split): void => {
    for (const sample of some) {
      const unit = unitOf(sample);
      if (!splits.has(unit)) splits.set(unit, split(unit));
    }
  };
  const normals = samples.filter(({ label }) => label === 0);
  decide(
    samples.filter(({ label }) => label === 1),
    () => "test",
  );
  const free = [...new Set(normals.map(unitOf))].filter((unit) => !splits.has(unit));
  const draw = new Map(free.map((unit) => [unit, random("division", seed, unit).uniform()]));
  decide(normals, (unit) => (draw.get(unit)! < 0.2 ? "test" : "train"));

  const lacks = (split: Split): boolean => !normals.some((sample) => splits.get(unitOf(sample)) === split);
  const byDraw = free.toSorted((a, b) => draw.get(a)! - draw.get(b)!);
  if (byDraw.length > 0 && lacks("test")) splits.set(byDraw[0], "test");
  if (byDraw.length > 0 && lacks("train")) splits.set(byDraw.at(-1)!, "train");

  const divided = samples.map((sample): Sample => ({ ...sample, split: splits.get(unitOf(sample))! })).sort(byName);
  const train = divided.filter(({ split }) => split === "train");
  const test = divided.filter(({ split }) => split === "test");
  return { train, test, note: describe(divided, seed) };
};

const describe = (samples: readonly Sample[], seed: number): string => {
  const count = (split: Split, label: 0 | 1): number =>
    samples.filter((sample) => sample.split === split && sample.label === label).length;
  const normal = count("train", 0) + count("test", 0);
  const trainable = count("train", 0) > 0 ? "" : " No normal image is left for training: every group has a defect.";
  const groups = samples.some(({ group }) => group !== undefined) ? ", whole groups together" : "";
  return (
    `No split is stated, so ${count("test", 0)} of ${normal} normal images (about a fifth, drawn by their names with seed ${seed}` +
    `${groups}) are for testing, with ${count("test", 1)} of ${count("train", 1) + count("test", 1)} defects; the others are for training.${trainable}`
  );
};
