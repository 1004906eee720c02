import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createVolume, uidFor, writeDicomSeries, writeNifti } from "../../imaging/index.ts";
import { configSchema, type ModelConfig } from "./config.ts";
import { readPatients } from "./data.ts";
import { fitFromPatients } from "./fit-from-patients.ts";
import { readGivenLabels } from "./given-labels.ts";
import { compared, elapsedOf, measureStage } from "./measure-patient.ts";
import { LUMEN, WALL } from "./measurement/index.ts";
import { axialGrid, labelled } from "./measurement/testing/shapes.ts";
import type { PatientSource } from "./patients-table.ts";
import { predictPatient } from "./predict-patient.ts";
import type { Segmenter } from "./segmenter.ts";

const grid = axialGrid(32, 6, 0.5, 2);

/** A vessel that divides in the fourth slice, with that wall in mm. */
const vessel = (wall: number) =>
  labelled(grid, (x, y, z) => {
    const centres = z < 5 ? [0] : [-2.6, 2.6];
    const away = Math.min(...centres.map((centre) => Math.hypot(x - centre, y))) - 2;
    return away < 0 ? LUMEN : away < wall ? WALL : 0;
  });

let folder: string;
let patients: readonly PatientSource[];
const PATIENTS = 36;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lynceus-fit-"));
  for (let n = 0; n < PATIENTS; n++) {
    for (const stage of [1, 2]) {
      const at = join(folder, `P${n}`, `stage-${stage}`);
      const labels = vessel(1 + (n % 6) / 4 + (stage - 1) * (n % 3) * 0.5);
      await writeNifti(join(at, "T1.nii.gz"), createVolume(grid, Float32Array.from(labels.data)));
      await writeNifti(join(at, "labels.nii.gz"), labels);
    }
  }
  patients = (await readPatients(folder)).patients.map((patient) => ({ ...patient, years: 2 }));
});
afterAll(() => rm(folder, { recursive: true }));

/** A segmenter that must not be asked. */
const segmenterWith = (prediction: object): Segmenter => ({
  config: {
    ...configSchema.parse({ prediction: { kinds: ["mean", "ridge"], folds: 3, ...prediction } }),
    sequences: ["T1"],
    pixel: 0.5,
  } as ModelConfig,
  provenance: undefined,
  segment: () => {
    throw new Error("The network was asked.");
  },
  close: async () => {},
});

describe("a predictor fitted from patients", () => {
  test("learns changes of labels alone, with their inputs", async () => {
    const { fitted, failures } = await fitFromPatients(patients, segmenterWith({}));
    expect(failures).toEqual([]);
    expect(fitted?.report.targets.map(({ target, patients: count }) => [target.name, count])).toContainEqual([
      "wall_thickening",
      PATIENTS,
    ]);
    expect(fitted?.report.targets.map(({ target }) => target.name)).not.toContain("cap_thickness_change");
  });

  test("predicts from stage 1, and from nothing else where that cannot be measured", async () => {
    const segmenter = segmenterWith({});
    const { fitted } = await fitFromPatients(patients, segmenter);
    const options = { predictor: fitted?.predictor, givenLabels: true };
    const [{ stages }] = patients;
    const told = await predictPatient(segmenter, patients[0], options);
    expect(told.prediction?.targets.wall_thickening).toMatchObject({ model: expect.any(String), r2: expect.any(Number) });
    const outside = { ...patients[0], stages: [{ ...stages[0], byHand: { bifurcation: 99 } }, stages[1]] };
    const untold = await predictPatient(segmenter, outside, options);
    expect([untold.prediction, untold.comparison]).toEqual([undefined, undefined]);
    expect(untold.stages[1].measured).toBeDefined();
    expect(untold.warnings).toEqual([expect.stringMatching(/stage 1: It is not measured: The bifurcation is at slice 99/)]);
  });

  test("takes both stages from the labels or both from the network", async () => {
    const [first, ...others] = patients;
    const lacking = { ...first, stages: [first.stages[0], { ...first.stages[1], labels: undefined }] };
    const { failures } = await fitFromPatients([lacking, ...others], segmenterWith({}));
    expect(failures).toMatchObject([{ path: first.stages[0].folder, reason: "The network was asked." }]);
  });

  test("is none, with the reason, where there are too few patients for its intervals", async () => {
    const { fitted, failures } = await fitFromPatients(patients, segmenterWith({ coverage: 0.99 }));
    expect(fitted).toBeUndefined();
    expect(failures).toMatchObject([{ reason: expect.stringMatching(/^No change can be predicted: .*needed/) }]);
  });
});

describe("years between stages without a table", () => {
  const studied = async (
    name: string,
    days: readonly [string, string],
    ids: readonly [string, string],
  ): Promise<PatientSource> => {
    for (const [n, studyDate] of days.entries()) {
      await writeDicomSeries(join(folder, name, `stage-${n + 1}`, "T1"), createVolume(grid, new Float32Array(6 * 32 * 32)), {
        ...{ patientId: ids[n], studyDate, seriesNumber: 1 },
        ...{ study: uidFor(name, n), series: uidFor(name, n, 1), frameOfReference: uidFor(name, n, 2) },
      });
    }
    return (await readPatients(join(folder, name))).patients[0];
  };

  test("are those between the images' days, whatever the patient is called in each", async () => {
    for (const ids of [
      ["A", "A"],
      ["A", "B"],
      ["", ""],
    ] as const) {
      const patient = await studied(`dated-${ids.join("")}`, ["20190517", "20210516"], ids);
      expect(await elapsedOf(patient, "T1")).toEqual({ years: 730 / 365.25 });
    }
  });

  test("are not known where stage 2 is not later, and the stages are not compared", async () => {
    const elapsed = await elapsedOf(await studied("swapped", ["20210516", "20190517"], ["A", "A"]), "T1");
    const stages = [1, 1.5].map((wall) => measureStage(vessel(wall), grid));
    expect(compared(stages, elapsed)).toEqual({ reason: expect.stringMatching(/stage 2 is not later than stage 1/) });
    expect(compared(stages, { years: 2 }).comparison?.changes.wall_thickness_mean.absolute).toBeCloseTo(0.25, 1);
  });
});

test("labels that lie elsewhere are an error, not a background", async () => {
  const { classes } = configSchema.parse({});
  const path = join(folder, "elsewhere.nii.gz");
  const shifted = (mm: number) => ({
    ...vessel(1),
    affine: [...grid.affine.slice(0, 3), grid.affine[3] + mm, ...grid.affine.slice(4)] as never,
  });
  await writeNifti(path, shifted(200));
  await expect(readGivenLabels(path, { grid }, classes)).rejects.toThrow(
    /elsewhere.nii.gz": nothing that is labelled .* lies within/,
  );
  await writeNifti(path, shifted(8));
  expect((await readGivenLabels(path, { grid }, classes)).notes).toEqual([
    expect.stringMatching(/^\d\d % of what is labelled lies outside/),
  ]);
  await writeNifti(path, shifted(0.1));
  expect((await readGivenLabels(path, { grid }, classes)).notes).toEqual([]);
});
