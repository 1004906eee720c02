import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import * as web from "onnxruntime-web";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readNiftiLabels, resampleVolume, type Volume } from "../../imaging/index.ts";
import { type ProgressEvent, readTensors, runFiles } from "../../training/index.ts";
import { configSchema } from "./config.ts";
import { readPatients } from "./data.ts";
import { featuresOf, measureVessel } from "./measurement/index.ts";
import type { PatientJson } from "./output/index.ts";
import { patientOfSplit, sequences, vesselStudy, writeVesselDataset } from "./phantom/index.ts";
import { openSegmenter } from "./segmenter.ts";
import { openStudy } from "./study.ts";
import { progression } from "./system.ts";
import { trainProgression } from "./train.ts";

web.env.wasm.numThreads = 1;

const config = configSchema.parse({
  patch: 32,
  registration: { samples: 2000 },
  network: { width: 4, depth: 2 },
  training: { steps: 4, batch: 2, checkpointEvery: 2, warmup: 1 },
});

let folder: string;
let data: string;
let run: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lynceus-progression-"));
  data = join(folder, "data");
  run = join(folder, "run");
  await writeVesselDataset(data, { patients: { train: 1, test: 1 } });
  await trainProgression({ data, out: run, config, threads: 1 });
}, 300_000);
afterAll(() => rm(folder, { recursive: true }));

const modelOf = (of = run): Promise<Buffer> => readFile(runFiles(of).model);

describe("studies", () => {
  const options = {
    sequences: ["T1", "T2", "PD", "TOF"],
    ...{ classes: config.classes, pixel: 0.5 },
    registration: { kind: "rigid", samples: 6000 },
  } as const;

  test("sequences are brought to where the reference was taken", async () => {
    const { patients } = await readPatients(data);
    const [source] = patients[0].stages;
    const registered = await openStudy(source, options);
    const asTaken = await openStudy(source, { ...options, registration: { ...options.registration, kind: "none" } });
    const patient = patientOfSplit(0, "train", 0);
    const { motion, grid } = patient.stages[0];
    const { images } = vesselStudy(patient, 0);
    const difference = (a: Volume, b: Volume): number =>
      Math.sqrt(a.data.reduce((sum, value, n) => sum + (value - b.data[n]) ** 2, 0) / a.data.length);
    for (const [n, name] of options.sequences.entries()) {
      if (name === "T1") continue;
      expect(sequences).toContain(name);
      const still = resampleVolume(images[name], grid, { transform: motion[name] });
      expect(difference(registered.channels[n], still)).toBeLessThan(0.6 * difference(asTaken.channels[n], still));
    }
    expect(registered.sequences[1].quality?.trusted).toBe(true);
    expect(registered.labels?.data).toEqual(vesselStudy(patient, 0).labels.data);
  });

  test("another pixel makes another grid of the same slices; a missing sequence is named with those that are there", async () => {
    const [{ stages }] = (await readPatients(data)).patients;
    const unregistered = { ...options, registration: { ...options.registration, kind: "none" as const } };
    const coarse = await openStudy(stages[0], { ...unregistered, sequences: ["t1"], pixel: 1 });
    expect(coarse.channels[0]).toMatchObject({ width: 32, height: 32, slices: 14 });
    expect(coarse.reference).toMatchObject({ width: 64 });
    await expect(openStudy(stages[0], { ...unregistered, sequences: ["T1", "DWI"] })).rejects.toThrow(
      /no sequence DWI; it has PD, T1, T2, TOF/,
    );
  });
});

describe("training", () => {
  test("what the studies decide stands in the settings: all common sequences, T1 first, and their pixel", async () => {
    const { config: decided } = (await openedConfig()) as { config: typeof config };
    expect(decided).toMatchObject({ sequences: ["T1", "PD", "T2", "TOF"], pixel: 0.5, patch: 32 });
  });

  test("a training goes on with the settings that its run holds, which the studies decided in part", async () => {
    const stored = configSchema.parse(JSON.parse(await readFile(runFiles(run).config, "utf8")));
    await writeFile(join(run, "predictor.json"), "of another segmenter");
    const going = await trainProgression({ data, out: run, config: stored, threads: 1, resume: true });
    expect(going).toMatchObject({ finished: true, step: 4 });
    expect(await readdir(run)).not.toContain("predictor.json");
  });

  test("an interrupted training goes on to the same weights", async () => {
    const out = join(folder, "interrupted");
    const stop = new AbortController();
    const listener = (event: { kind: string; step?: number }): void => {
      if (event.kind === "step" && event.step === 3) stop.abort();
    };
    const stopped = await trainProgression({ data, out, config, threads: 1, listener, signal: stop.signal });
    expect(stopped).toMatchObject({ finished: false, step: 3 });
    expect(await trainProgression({ data, out, config, threads: 1, resume: true })).toMatchObject({ finished: true, step: 4 });
    const weights = async (of: string) => (await readTensors(runFiles(of).checkpoint)).tensors;
    expect(await weights(out)).toEqual(await weights(run));
  });

  test("labels of other classes are left out by name before anything is registered", async () => {
    const other = { ...config, classes: ["background", "lesion"] };
    const said: string[] = [];
    const listener = (event: ProgressEvent): void => {
      if (event.kind === "warning") said.push(event.text);
    };
    await expect(trainProgression({ data, out: join(folder, "other"), config: other, threads: 1, listener })).rejects.toThrow(
      /labels.nii.gz": it holds the class \d, and there are 0 background, 1 lesion\. /,
    );
    expect(said).toEqual([1, 2].map((stage) => expect.stringMatching(`^P000000, stage ${stage} is left out: `)));
  });

  test("without labels there is nothing to learn from", async () => {
    const { patients } = await readPatients(data);
    await cp(patients[0].stages[0].folder, join(folder, "bare"), { recursive: true });
    await rm(join(folder, "bare", "labels.nii.gz"));
    await expect(trainProgression({ data: join(folder, "bare"), out: join(folder, "none"), config })).rejects.toThrow(
      /has no labels to learn from/,
    );
  });
});

const openedConfig = async () => {
  const opened = await openSegmenter(await modelOf(), { threads: 1 });
  await opened.close();
  return opened;
};

describe("the exported model", () => {
  test("gives any ONNX Runtime the same probabilities, which sum to 1", async () => {
    const opened = await openSegmenter(await modelOf(), { threads: 1 });
    const slices = Float32Array.from({ length: 2 * 12 * 32 * 32 }, (_, n) => Math.sin(n / 50));
    const native = await opened.segment(slices);
    await opened.close();
    const session = await web.InferenceSession.create(new Uint8Array(await modelOf()));
    const { probabilities } = await session.run({ slices: new web.Tensor("float32", slices, [2, 12, 32, 32]) });
    expect(probabilities.dims).toEqual([2, 7, 32, 32]);
    for (const [n, value] of (probabilities.data as Float32Array).entries()) expect(native[n]).toBeCloseTo(value, 4);
    let sum = 0;
    for (let c = 0; c < 7; c++) sum += native[c * 32 * 32 + 77];
    expect(sum).toBeCloseTo(1, 5);
  });
});

describe("the system", () => {
  test("predicts a patient into files, names what it cannot use, and goes on", async () => {
    const out = join(folder, "predicted");
    const { predictions, failures, lines } = await progression.predict!({
      ...{ model: await modelOf(), inputs: [join(data, "P1000000"), join(folder, "nowhere")], out, beside: run },
      threads: 1,
    });
    expect(predictions).toHaveLength(1);
    expect(failures).toMatchObject([{ path: join(folder, "nowhere") }]);
    expect(await readdir(out)).not.toContain("all-patients.csv");
    expect(lines.at(-1)).toMatch(/research use only/);
    const files = await readdir(out);
    for (const ending of [".json", ".csv", ".html", "-stage-1-labels.nii.gz", "-stage-2.png"]) {
      expect(files).toContain(`P1000000${ending}`);
    }
  });

  test("measures given labels where that is asked, NIfTI and its own DICOM segmentation alike, with the bifurcation of the table", async () => {
    const given = join(folder, "given");
    await writeVesselDataset(given, { patients: { test: 1 }, format: "dicom" });
    const patient = join(given, "P1000000");
    await rm(join(patient, "stage-2"), { recursive: true });
    const table = (await readFile(join(given, "patients.csv"), "utf8")).trim().split("\n");
    await writeFile(join(given, "patients.csv"), `${table[0]},bifurcation_1\n${table[1]},5.5\n`);
    const request = { model: await modelOf(), inputs: [patient], threads: 1 };
    const stageOf = async (out: string, givenLabels?: boolean): Promise<PatientJson["stages"][0]> => {
      const { predictions } = await progression.predict!({ ...request, out: join(folder, out), givenLabels });
      return (predictions as PatientJson[])[0].stages[0];
    };
    const truth = featuresOf(measureVessel(vesselStudy(patientOfSplit(0, "test", 0), 0).labels, { bifurcation: 5.5 }));
    const seen = await stageOf("seen");
    const nifti = await stageOf("given-nifti", true);
    const { labels, measurements } = nifti;
    expect([seen.labels, labels]).toEqual(["network", "given"]);
    expect(measurements?.bifurcationSlice).toBe(5.5);
    expect(seen.measurements?.bifurcationSlice).toBe(5.5);
    for (const [name, value] of Object.entries(truth)) {
      const found = measurements!.features[name].value;
      value === null ? expect(found).toBeNull() : expect(found).toBeCloseTo(value, 2);
    }
    expect(seen.measurements!.features.wall_volume.value).not.toBeCloseTo(truth.wall_volume!, 1);
    const segmentation = join(folder, "given-nifti", "P1000000-stage-1-segmentation.dcm");
    expect(await readFile(segmentation, "latin1")).toContain("MANUAL");
    await rm(join(patient, "stage-1", "labels.nii.gz"));
    expect((await stageOf("given-none", true)).labels).toBe("network");
    await cp(segmentation, join(patient, "stage-1", "labels.dcm"));
    const dicom = await stageOf("given-dicom", true);
    const written = (of: string) => readNiftiLabels(join(folder, of, "P1000000-stage-1-labels.nii.gz"));
    expect((await written("given-dicom")).data).toEqual((await written("given-nifti")).data);
    expect(dicom.notes.filter((note) => note.includes("labels.dcm"))).toEqual([]);
  });

  test("keeps stage 1 of a patient whose stage 2 is damaged; of several there is one table, and results of before go", async () => {
    const damaged = join(folder, "damaged");
    for (const patient of ["P000000", "P1000000"])
      await cp(join(data, patient, "stage-1"), join(damaged, patient, "stage-1"), { recursive: true });
    await cp(join(data, "P000000", "stage-1"), join(damaged, "P000000", "stage-2"), { recursive: true });
    await writeFile(join(damaged, "P000000", "stage-2", "T1.nii.gz"), "no volume");
    const out = join(folder, "of-damaged");
    await mkdir(out);
    await writeFile(join(out, "P000000-stage-2.png"), "of before");
    const { predictions, failures } = await progression.predict!({ model: await modelOf(), inputs: [damaged], out, threads: 1 });
    const stages = (predictions as PatientJson[]).map((own) => own.stages.length);
    expect(stages).toEqual([1, 1]);
    expect(failures).toMatchObject([
      { path: join(damaged, "P000000", "stage-2"), reason: expect.stringMatching(/T1.nii.gz": it is cut short, or not/) },
    ]);
    expect((predictions as PatientJson[])[0].warnings[0]).toMatch(/^Stage 2 cannot be used: /);
    expect(await readdir(out)).not.toContain("P000000-stage-2.png");
    const table = (await readFile(join(out, "all-patients.csv"), "utf8")).split("\n");
    expect(new Set(table.slice(1, -1).map((row) => row.split(",")[0]))).toEqual(new Set(["P000000", "P1000000"]));
  });

  test("evaluates the test patients: Dice of every class, errors of measures and changes", async () => {
    const { measures, images, failures } = await progression.evaluateRun({ run, data, threads: 1 });
    expect(failures).toEqual([]);
    expect(images).toBe(2);
    // By the labels that prediction writes, of the same patient.
    const out = join(folder, "for-dice");
    await progression.predict!({ model: await modelOf(), inputs: [join(data, "P1000000")], out, threads: 1 });
    const [sizes, common] = [new Float64Array(7), new Float64Array(7)];
    for (const stage of ["stage-1", "stage-2"]) {
      const given = (await readNiftiLabels(join(data, "P1000000", stage, "labels.nii.gz"))).data;
      const found = (await readNiftiLabels(join(out, `P1000000-${stage}-labels.nii.gz`))).data;
      for (const [voxel, label] of given.entries()) {
        sizes[label]++;
        sizes[found[voxel]]++;
        if (label === found[voxel]) common[label]++;
      }
    }
    const names = ["lumen", "wall", "calcification", "lipid_core", "haemorrhage", "fibrous_cap"];
    for (const [n, name] of names.entries()) {
      if (sizes[n + 1] > 0) expect(measures[`dice_${name}`].value).toBeCloseTo((2 * common[n + 1]) / sizes[n + 1], 6);
    }
    expect(common[1] + common[2]).toBeGreaterThan(0);
    expect(Object.keys(measures)).toEqual(expect.arrayContaining(["dice_lumen", "dice_lipid_core"]));
    const report = await readFile(join(run, "report.html"), "utf8");
    const parts = ["research use", "precision", ">fibrous cap<"];
    expect(parts.filter((part) => !report.includes(part))).toEqual([]);
  });

  test("no planted name or date of a DICOM study is in anything that is written or said", async () => {
    const dicom = join(folder, "dicom");
    await writeVesselDataset(dicom, { patients: { test: 1 }, format: "dicom" });
    await rm(join(dicom, "P1000000", "stage-2"), { recursive: true });
    await writeFile(join(dicom, "P1000000", "stage-1", "T2", "Planted_Person_19610203.pdf"), "a letter");
    const [columns, values] = (await readFile(join(dicom, "patients.csv"), "utf8")).split("\n").map((line) => line.split(","));
    const date = values[columns.indexOf("date_1")];
    expect(columns).toEqual(expect.arrayContaining(["sex", "age"]));
    values[columns.indexOf("sex")] = "Planted";
    values[columns.indexOf("age")] = "1961-02-03";
    await writeFile(join(dicom, "patients.csv"), `${columns.join(",")}\n${values.join(",")}\n`);
    const out = join(folder, "dicom-predicted");
    const request = { model: await modelOf(), inputs: [join(dicom, "P1000000")], out, beside: run, threads: 1 };
    const { lines, predictions, failures } = await progression.predict!(request);
    expect(failures).toEqual([]);
    const names = await readdir(out);
    expect(names).toContain("P1000000-stage-1-segmentation.dcm");
    expect(JSON.stringify(predictions)).toContain("1 of the DICOM folder's files were not used");
    const planted = ["Phantom^", "Planted", "1961-02-03", "19610203", date, date.replaceAll("-", "")];
    const readable = (bytes: Buffer): string => (bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString("latin1");
    const written = await Promise.all(names.map(async (name) => readable(await readFile(join(out, name)))));
    for (const text of [...written, ...lines, JSON.stringify(predictions)]) {
      expect(planted.filter((secret) => text.includes(secret))).toEqual([]);
    }
    const seriesOf = (bytes: string): string[] => bytes.match(/2\.25\.\d+/g) ?? [];
    const first = await readFile(join(out, "P1000000-stage-1-segmentation.dcm"), "latin1");
    await progression.predict!(request);
    expect(seriesOf(await readFile(join(out, "P1000000-stage-1-segmentation.dcm"), "latin1"))).toEqual(seriesOf(first));
    expect((await stat(join(out, "identity.key"))).mode & 0o777).toBe(0o600);
    await writeFile(join(out, "identity.key"), "");
    await expect(progression.predict!(request)).rejects.toThrow(/identity.key" is no key of 32 bytes/);
  });

  test("says what it understands of a data set, and nothing of other folders", async () => {
    const found = await progression.inspect!({ path: data, out: undefined });
    expect(found?.lines[0]).toMatch(/2 patients \(1 to train, 0 to validate, 1 to test\), 2 with two stages/);
    expect(found?.lines.find((line) => line.startsWith("P000000, stage 1"))).toMatch(
      /: PD, T1, T2, TOF; 64 x 64 x 14 .*; labels of the classes 0, 1, 2/,
    );
    expect(await progression.inspect!({ path: run, out: undefined })).toBeUndefined();
    await expect(progression.inspect!({ path: data, out: "page.html" })).rejects.toThrow(/leave out --out/);
    const broken = join(folder, "broken");
    await mkdir(broken);
    await writeFile(join(broken, "patients.csv"), "patient;stage_1\nA;a\n");
    await expect(progression.inspect!({ path: broken, out: undefined })).rejects.toThrow(/needs a column "patient"/);
  });
});
