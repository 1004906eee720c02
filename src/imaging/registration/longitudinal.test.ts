import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type Affine, composeAffine, createVolume, invertAffine, readNifti, type Volume } from "../volumes/index.ts";
import { displacementBetween, parseItkTransform, registerVolumes } from "./index.ts";

const patient = fileURLToPath(new URL("../../../../shared/data/brain-mri/longitudinal/patient01", import.meta.url));

describe.skipIf(!existsSync(patient))("an MRI of a brain (skipped where ../shared/data/brain-mri is not there)", () => {
  const read = async (name: string): Promise<Volume> => (await readNifti(`${patient}/${name}.nii.gz`)).volume;
  // The given transforms take the points of a common space to those of each study's FLAIR, and those of a FLAIR to another sequence's.
  const given = (name: string): Affine => parseItkTransform(readFileSync(`${patient}/${name}.txt`, "utf8"), name);
  const toSequence = (to: string) => (): Affine => given(`${to}_intrastudy_to_FLAIR`);
  const toStudy2 = (): Affine =>
    composeAffine(given("study2_FLAIR_to_common_space"), invertAffine(given("study1_FLAIR_to_common_space")));

  test.each([
    ["study1_FLAIR", "study2_FLAIR", "rigid", toStudy2, 0.4],
    ["study1_FLAIR", "study2_FLAIR", "affine", toStudy2, 0.4],
    ["study2_FLAIR", "study2_T1W", "rigid", toSequence("study2_T1W"), 0.8],
  ] as const)("%s is found in %s, %s", async (from, to, kind, truth, limit) => {
    const [fixed, moving] = [await read(from), await read(to)];
    // The head, as what is brighter than the mean: errors in the brain, its middle, are smaller.
    const mean = fixed.data.reduce((sum, value) => sum + value, 0) / fixed.data.length;
    const bright = new Uint8Array(fixed.data.length);
    for (let at = 0; at < bright.length; at++) if (fixed.data[at] > mean) bright[at] = 1;
    const { transform, quality } = await registerVolumes(fixed, moving, { kind, finest: 1.5, checkBackward: false });
    expect(displacementBetween(transform, truth(), fixed, createVolume(fixed, bright)).mean).toBeLessThan(limit);
    expect(quality.warnings).toEqual([]);
  });
});
