import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createVolume, uidFor, writeDicomSeries, writeNifti } from "../../imaging/index.ts";
import { readPatients } from "./data.ts";
import { axialGrid, labelled } from "./measurement/testing/shapes.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lynceus-patients-"));
});
afterEach(() => rm(folder, { recursive: true }));

const study = async (path: string, ...names: string[]): Promise<void> => {
  const volume = labelled(axialGrid(4, 2, 1, 2), () => 1);
  for (const name of names) await writeNifti(join(folder, path, `${name}.nii.gz`), volume);
};
const table = (text: string): Promise<void> => writeFile(join(folder, "patients.csv"), text);

test("a table gives patients, stages, years, splits and structured data", async () => {
  await study("a/first", "T1", "T2", "labels");
  await study("a/second", "T1", "T2");
  await study("b", "T1");
  await table(
    "patient,stage_1,stage_2,date_1,date_2,split,age\nA,a/first,a/second,2020-01-01,2022-01-01,train,61\nB,b,,,,test,\nC,missing,,,,,50\n",
  );
  const { patients, skipped } = await readPatients(folder);
  expect(patients.map(({ name, split }) => [name, split])).toEqual([
    ["A", "train"],
    ["B", "test"],
  ]);
  const [a, b] = patients;
  expect(a.stages.map(({ sources }) => sources.map(({ sequence }) => sequence))).toEqual([
    ["T1", "T2"],
    ["T1", "T2"],
  ]);
  expect(a.stages.map(({ labels }) => labels !== undefined)).toEqual([true, false]);
  expect(a.years).toBeCloseTo(731 / 365.25, 9);
  expect(a.record).toEqual({ age: "61" });
  expect([b.years, b.stages.length]).toEqual([undefined, 1]);
  expect(skipped.map(({ reason }) => reason)).toEqual([expect.stringContaining("stage 1 of C")]);
});

test("a patient's own folder is the row of the table beside it", async () => {
  await study("p/stage-1", "T1");
  await study("p/stage-2", "T1");
  expect((await readPatients(join(folder, "p"))).patients).toMatchObject([{ name: "p", stages: [{}, {}], record: {} }]);
  await table("patient,stage_1,stage_2,date_1,date_2,smoking\nP7,p/stage-1,p/stage-2,2020-01-01,2021-01-01,never\n");
  const { patients } = await readPatients(join(folder, "p"));
  expect(patients).toMatchObject([{ name: "P7", stages: [{}, {}], record: { smoking: "never" } }]);
  expect((await readPatients(join(folder, "p", "stage-1"))).patients).toMatchObject([
    { name: "P7", stages: [{ folder: join(folder, "p", "stage-1") }] },
  ]);
  expect(patients[0].years).toBeCloseTo(366 / 365.25, 9);
  await table("patient,stage_1,date_1,date_2\nP7,p/stage-1,2021-01-01,2020-01-01\n");
  await expect(readPatients(join(folder, "p"))).rejects.toThrow(/Row 2 of .* cannot be used: date_2 must be later/);
  await table("patient,stage_1,age\nP7,p/stage-1,61\n");
  expect((await readPatients(join(folder, "p"))).patients).toMatchObject([
    { name: "P7", stages: [{}, {}], record: { age: "61" } },
  ]);
  await table("part,place\nscrew,7\n");
  expect((await readPatients(join(folder, "p"))).patients).toMatchObject([{ name: "p", record: {} }]);
});

test("folders of patients need no table, one study is a patient, and what holds no images is named", async () => {
  await study("x/stage-1", "T1");
  await study("y", "FLAIR", "lesions");
  await mkdir(join(folder, "empty"));
  const { patients, skipped } = await readPatients(folder);
  expect(patients.map(({ name, stages }) => [name, stages.length])).toEqual([
    ["x", 1],
    ["y", 1],
  ]);
  expect(patients[1].stages[0].labels).toMatch(/lesions.nii.gz$/);
  expect(skipped).toMatchObject([{ path: join(folder, "empty") }]);
  expect((await readPatients(join(folder, "y"))).patients).toHaveLength(1);
});

test("an archive's export, patient, study, series, is one patient with two stages by their dates", async () => {
  const taken = async (path: string, patientId: string, studyDate: string): Promise<void> => {
    for (const [n, description] of ["T1 black blood", "TOF"].entries()) {
      await writeDicomSeries(join(folder, path, `SE${n}`), createVolume(axialGrid(4, 2, 1, 2), new Float32Array(32)), {
        ...{ patientId, studyDate, description, seriesNumber: n + 1 },
        ...{ study: uidFor(path), series: uidFor(path, n), frameOfReference: uidFor(path, "frame") },
      });
    }
  };
  await taken("KEY7/ST2", "77", "20190102");
  await taken("KEY7/ST1", "77", "20210102");
  await taken("KEY7/ST3", "77", "20230102");
  await taken("KEY8/ST1", "88", "20200101");
  await taken("KEY9/ST1", "", "20200101");
  const { patients, notes } = await readPatients(folder);
  expect(patients.map(({ name, stages }) => [name, stages.map((stage) => relative(folder, stage.folder))])).toEqual([
    ["KEY7", ["KEY7/ST2", "KEY7/ST1"]],
    ["KEY8/ST1", ["KEY8/ST1"]],
    ["KEY9/ST1", ["KEY9/ST1"]],
  ]);
  expect(notes).toEqual([expect.stringMatching(/^Of KEY7 there are 3 studies: the first, and the first of a later day/)]);
  expect(JSON.stringify([patients, notes])).not.toMatch(/"77"|2019/);
  // Folders that share an ID may be of several people: anonymised exports have one for all.
  const together = await readPatients(join(folder, "KEY7"));
  expect(together.patients.map(({ stages }) => stages.length)).toEqual([1, 1, 1]);
  await taken("KEY6/A/ST1", "88", "20100101");
  expect((await readPatients(folder)).patients.map(({ name }) => name)).toEqual(["KEY6/A/ST1", "KEY7", "KEY8/ST1", "KEY9/ST1"]);
});

test("a row that cannot be used is left out with its reason, and a column that means nothing is said", async () => {
  await study("a", "T1");
  await table(
    "patient,stage_1,date_1,date_2,systolic,bifurcation_1,internal_1\nA,a,20200101,20210101,120,1.5,3 2 1\nB,a,1,7,120,,\nC,a,,,,,\n",
  );
  const { patients, skipped, notes } = await readPatients(folder);
  expect(patients.map(({ name }) => name)).toEqual(["A", "C"]);
  expect(patients[0].stages[0].byHand).toEqual({ bifurcation: 1.5, internal: [3, 2, 1] });
  expect(patients[0].years).toBeCloseTo(366 / 365.25, 9);
  expect(skipped).toMatchObject([{ reason: expect.stringMatching(/^Row 3 .*left out: date_1 and date_2 are not both dates/) }]);
  expect(notes).toEqual([expect.stringMatching(/^No use is made of systolic: .*systolic_pressure/)]);
});

test("a table that does not fit is said with its row and what is expected", async () => {
  await study("a", "T1");
  const fails = async (text: string, message: RegExp) => {
    await table(text);
    await expect(readPatients(folder)).rejects.toThrow(message);
  };
  await fails("name,stage_1\nA,a\n", /needs a column "patient"; it has name, stage_1/);
  await fails("patient,stage_1,split\nA,a,later\n", /Row 2 .*split is neither train, validation nor test/);
  await fails("patient,stage_1,stage_2,date_1,date_2\nA,a,a,2022-01-01,2020-01-01\n", /Row 2 .*date_2 must be later/);
  await fails(
    "patient,stage_1,bifurcation_1\nA,a,middle\n",
    /Row 2 .*bifurcation_1, a slice of the reference counted from 0, is no such thing/,
  );
  await fails(
    "patient,stage_1,internal_1\nA,a,3 4\n",
    /Row 2 .*internal_1, column, row and slice of a voxel counted from 0, is no such thing/,
  );
  await fails("patient,stage_1,date_1,date_2\nA,a,31.05.2020,2021-05-31\n", /Row 2 .*not both dates such as 2024-05-31/);
  await fails("patient,stage_1,date_1,date_2\nA,a,2021-02-30,2021-05-31\n", /Row 2 .*not both dates/);
  await fails("patient,stage_1\nA,nowhere\n", /None of the patients .*nowhere/);
  await fails("patient,stage_1,split\nA,a,train\nA,a,test\n", /A both in train and in test/);
  await expect(readPatients(join(folder, "nothing"))).rejects.toThrow(/does not exist. Expected is a table/);
});
