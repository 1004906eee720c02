import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeSurfaces } from "../src/imaging/surfaces.ts";
import { zeroPng } from "./bombs.ts";
import { type Ended, lastJson, lynceus, node } from "./command.ts";
import { type Corpus, type CorpusFile, writeCorpus } from "./corpus.ts";

// Thousands of harmed image files go through the compiled command: whatever they hold, it ends, names what it cannot use,
// finishes the rest and stays within its memory. A failure is repeated by its number: see README.md.

const SEED = Number(process.env.ACCIDENTS_SEED ?? 1);
const COUNT = Number(process.env.ACCIDENTS_FILES ?? 2000);
const kept = process.env.ACCIDENTS_FOLDER;

/** The most memory a command may ever have resident, in MB. */
const MEMORY = 1024;
/** What one file may take to be decoded, in MB beside what the process has anyway (the pixels at the limit are 300) and in seconds. */
const FILE_MEMORY = 350;
const FILE_SECONDS = 20;

const small = [
  "image.size=32",
  "network.width=4",
  "network.depth=2",
  "training.steps=5",
  "training.batch=2",
  "training.warmup=2",
];
const settings = ["--preset", "tiny", ...small.flatMap((set) => ["--set", set])];

interface Failure {
  readonly path: string;
  readonly reason: string;
}

interface Prediction {
  readonly file: string;
  readonly score: number;
  readonly heatmap: string;
}

describe.skipIf(process.platform !== "linux")("a folder of harmed files", () => {
  let folder: string;
  /** Trained run folders, by the bits that the model takes. */
  let models: Record<8 | 16, string>;
  let corpus: Corpus;
  let pathOf: (file: CorpusFile) => string;

  beforeAll(async () => {
    folder = kept ?? (await mkdtemp(join(tmpdir(), "lynceus-accidents-")));
    corpus = await writeCorpus(join(folder, "corpus"), { seed: SEED, count: COUNT });
    pathOf = ({ name }) => join(corpus.images, name);
    const data = join(folder, "surfaces");
    await writeSurfaces(data, { categories: ["tiles"], size: 32, trainCount: 30, testPerKind: 1, seed: 1 });
    models = { 8: join(folder, "model-8"), 16: join(folder, "model-16") };
    for (const [depth, out] of Object.entries(models)) {
      const words = ["--data", join(data, "tiles"), "--out", out, ...settings, "--set", `image.depth=${depth}`];
      const trained = await lynceus("train", "denoising", ...words);
      expect(trained.code, trained.err).toBe(0);
    }
  });
  afterAll(async () => {
    if (kept === undefined) await rm(folder, { recursive: true, force: true });
  });

  /** What an expectation was broken by, with the number of the recipe. */
  const complaint = (file: CorpusFile, what: string): string =>
    `${file.index} ${file.name} (${file.format}, ${file.mutation}): ${what}`;

  /** Files that must have been refused and were not, or the other way round, or of which nothing was said. */
  const judge = (finished: ReadonlySet<string>, failed: ReadonlyMap<string, string>): string[] =>
    corpus.files.flatMap((file) => {
      const path = pathOf(file);
      const reason = failed.get(path);
      const problems: string[] = [];
      if (finished.has(path) === failed.has(path)) problems.push(failed.has(path) ? "finished and refused" : "not mentioned");
      else if (file.expectation === "bad" && finished.has(path)) problems.push("finished, though it cannot be whole");
      else if (file.expectation === "good" && reason !== undefined) problems.push(`refused: ${reason}`);
      if (reason !== undefined && saysNothing(reason)) problems.push(`the reason says nothing: ${reason}`);
      return problems.map((problem) => complaint(file, problem));
    });

  test("is the same whenever and however many are written", async () => {
    const again = await writeCorpus(join(folder, "again"), { seed: SEED, count: 120 });
    for (const file of again.files) {
      expect(corpus.files).toContainEqual(file);
      if (file.format === "none") continue;
      const [first, second] = await Promise.all([readFile(pathOf(file)), readFile(join(again.images, file.name))]);
      expect(first.equals(second), file.name).toBe(true);
    }
    const other = await writeCorpus(join(folder, "other"), { seed: SEED + 1, count: 20 });
    expect(other.files).not.toEqual(again.files.slice(0, other.files.length));
  });

  interface Decoded extends Partial<Failure> {
    readonly path: string;
    readonly finished: boolean;
    readonly seconds: number;
    readonly megabytes: number;
  }
  let alone: readonly Decoded[] = [];

  test("is decoded file by file, each in bounded time and memory", async () => {
    const script = join(import.meta.dirname, "decode-each.js");
    const ended = await node([script], JSON.stringify(corpus.files.map(pathOf)));
    expect(ended).toMatchObject({ code: 0, signal: null, err: "" });
    alone = lastJson(ended.out) as Decoded[];
    const failed = new Map(alone.filter(({ finished }) => !finished).map(({ path, reason }) => [path, reason as string]));
    const finished = new Set(alone.filter(({ finished }) => finished).map(({ path }) => path));
    const heavy = corpus.files.flatMap((file, index) => {
      const { seconds, megabytes } = alone[index];
      const problems = [];
      if (seconds > FILE_SECONDS) problems.push(complaint(file, `${seconds.toFixed(1)} s`));
      if (megabytes > FILE_MEMORY) problems.push(complaint(file, `${Math.round(megabytes)} MB`));
      if (failed.has(pathOf(file)) && !failed.get(pathOf(file))!.includes(pathOf(file))) {
        problems.push(complaint(file, `is not named: ${failed.get(pathOf(file))}`));
      }
      return problems;
    });
    expect([...judge(finished, failed), ...heavy]).toEqual([]);
  });

  test("is predicted to the end, every file in exactly one of two lists", async () => {
    const ended = await measured("predict", models[8], corpus.images, "--out", join(folder, "heat"), "--json");
    const { predictions, failures } = endedWell(ended) as { predictions: Prediction[]; failures: Failure[] };
    expect(predictions.length + failures.length).toBe(corpus.files.length);
    const finished = new Map(predictions.map((prediction) => [prediction.file, prediction]));
    const failed = new Map(failures.map(({ path, reason }) => [path, reason]));
    const pictures = new Set(predictions.map(({ heatmap }) => heatmap));
    const aloneOf = new Map(alone.map((decoded) => [decoded.path, decoded]));
    const scores = new Map<string, number>();
    const further = corpus.files.flatMap((file) => {
      const path = pathOf(file);
      const { score } = finished.get(path) ?? {};
      const problems: string[] = [];
      if (file.source !== undefined && score !== undefined) {
        const first = scores.get(file.source) ?? score;
        scores.set(file.source, first);
        if (score !== first) problems.push(`score ${score}, but ${first} for another file of the same picture`);
      }
      const before = aloneOf.get(path);
      if (file.format !== "none" && before?.reason !== failed.get(path) && !failed.get(path)?.startsWith("Cannot write")) {
        problems.push(`alone: ${before?.reason ?? "finished"}; among others: ${failed.get(path) ?? "finished"}`);
      }
      return problems.map((problem) => complaint(file, problem));
    });
    expect.soft([...judge(new Set(finished.keys()), failed), ...further]).toEqual([]);
    expect.soft(pictures.size, "heat maps written over one another").toBe(predictions.length);
    expect(ended.peakMegabytes).toBeLessThan(MEMORY);
  });

  test("is trained on to the end, every bad file named", async () => {
    const run = join(folder, "run");
    const ended = await measured("train", "denoising", "--data", corpus.images, "--out", run, "--json", ...settings);
    const { finished, failures } = endedWell(ended) as { finished: boolean; failures: Failure[] };
    expect(finished).toBe(true);
    const failed = new Map(failures.map(({ path, reason }) => [path, reason]));
    const complaints = corpus.files.flatMap((file) => {
      const reason = failed.get(pathOf(file));
      if (file.expectation === "bad" && reason === undefined) return [complaint(file, "not named")];
      return file.expectation === "good" && reason !== undefined ? [complaint(file, `refused: ${reason}`)] : [];
    });
    expect.soft(complaints).toEqual([]);
    expect.soft(failures.length, "files named twice").toBe(failed.size);
    expect.soft(await readFile(join(run, "report.html"), "utf8")).not.toContain("<script>alert(1)");
    expect(ended.peakMegabytes).toBeLessThan(MEMORY);
  });

  test("is inspected: every file counted or skipped, every bad one named", async () => {
    const ended = await measured("inspect", corpus.images, "--json");
    const { train, skipped, failures } = endedWell(ended) as {
      train: { images: number }[];
      skipped: Failure[];
      failures: Failure[];
    };
    expect.soft(ended.peakMegabytes).toBeLessThan(MEMORY);
    const images = train.reduce((sum, kind) => sum + kind.images, 0);
    expect.soft(images + skipped.length).toBe(corpus.files.length);
    const named = new Set([...skipped, ...failures].map(({ path }) => path));
    const unnamed = corpus.files.filter((file) => file.expectation === "bad" && !named.has(pathOf(file)));
    expect(unnamed.map((file) => complaint(file, "not named"))).toEqual([]);
  });

  describe("and sizes beyond reason", () => {
    const predict = async (width: number, height: number, { depth = 8 as 8 | 16, model = 8 as 8 | 16 } = {}) => {
      const path = join(folder, "sizes", `${width}x${height}x${depth}.png`);
      await mkdir(join(folder, "sizes"), { recursive: true });
      await writeFile(path, await zeroPng(width, height, depth));
      const ended = await measured("predict", models[model], path, "--out", join(folder, "heat-of-sizes"), "--json");
      expect(ended.signal, ended.err.slice(-2000)).toBe(null);
      return { ...ended, ...(lastJson(ended.out) as { predictions: Prediction[]; failures: Failure[] }) };
    };

    test("900 million pixels that are really there are refused before they are decoded", async () => {
      const { code, failures, peakMegabytes, seconds } = await predict(30_000, 30_000);
      expect(code).toBe(1);
      expect(failures[0].reason).toContain("30000 x 30000 pixels, more than the limit");
      expect(peakMegabytes).toBeLessThan(MEMORY / 2);
      expect(seconds).toBeLessThan(20);
    });

    test.each([
      [8, 8],
      [16, 8],
      [8, 16],
      [16, 16],
    ] as const)(
      "just below the limit, %i bits and a model of %i, is finished; its memory is only reported",
      async (depth, model) => {
        expect((await predict(10_000, 9_999, { depth, model })).code).toBe(0);
      },
    );

    test.each([
      [1_000_000, 1],
      [1, 1_000_000],
      [10_000_000, 1],
    ])("a line of %i x %i pixels takes no more memory than the rest", async (width, height) => {
      expect((await predict(width, height)).peakMegabytes).toBeLessThan(MEMORY);
    });
  });
});

/** Runs the command, and tells what it took. */
const measured = async (...words: string[]): Promise<Ended> => {
  const ended = await lynceus(...words);
  console.log(`${words.join(" ")}: ${Math.round(ended.peakMegabytes)} MB at most, ${ended.seconds.toFixed(1)} s`);
  return ended;
};

/** That a command with failures ended as it promises: exit code 1, one JSON object, no trace of a crash. */
const endedWell = ({ code, signal, out, err }: Ended): unknown => {
  expect({ code, signal }, err.slice(-2000)).toEqual({ code: 1, signal: null });
  expect(err).not.toMatch(/^\s+at .+:\d+:\d+\)?$|\(node:\d+\)|unhandled|\*\* ?:/im);
  return lastJson(out);
};

/** Leftovers of programs where a person expects to read what is wrong. */
const saysNothing = (reason: string): boolean => /unknown error|header:\)|undefined|\[object|bad seek|^$/i.test(reason);
