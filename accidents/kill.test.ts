import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeSurfaces } from "../src/imaging/index.ts";
import { random } from "../src/random/index.ts";
import { readMetrics, runFiles } from "../src/training/index.ts";

// A training is killed with SIGKILL at a random moment of its life, and resumed. Every one must end like the one that nobody disturbed.

const KILLS = Number(process.env.KILLS ?? 20);
const command = join(createRequire(import.meta.url).resolve("lynceus"), "..", "cli", "main.js");

let folder: string;
let data: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lynceus-kill-"));
  await writeSurfaces(folder, { categories: ["tiles"], size: 48, trainCount: 20, testPerKind: 2, seed: 1 });
  data = join(folder, "tiles");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const settings: Readonly<Record<string, readonly string[]>> = {
  plain: [],
  "cross-fitted": ["validation.folds=2", "training.steps=20"],
  averaged: ["training.average=0.9", "training.accumulate=2", "training.batch=2"],
};

const start = (kind: string, out: string, resume: boolean): ChildProcess => {
  const small = ["image.size=48", "network.width=4", "network.depth=2", "training.steps=40", "training.warmup=4"];
  const sets = [...small, "training.checkpointEvery=5", ...settings[kind]].flatMap((set) => ["--set", set]);
  const words = resume ? ["--resume"] : ["--data", data, ...sets];
  return spawn(process.execPath, [command, "train", "denoising", "--out", out, "--threads", "1", ...words], {
    stdio: ["ignore", "ignore", "pipe"],
  });
};

/** Exit code and what was said on standard error; `killAfter` milliseconds it is killed. */
const run = async (kind: string, out: string, resume: boolean, killAfter?: number) => {
  const child = start(kind, out, resume);
  let said = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const timer = killAfter === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), killAfter);
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.on("close", (...ended) => resolve(ended)),
  );
  clearTimeout(timer);
  return { code, signal, said };
};

/** Every result of a run: the model, the state of the training, and what its log says but for the time. */
const resultOf = async (out: string) => {
  const files = runFiles(out);
  return {
    model: (await readFile(files.model)).toString("base64"),
    checkpoint: (await readFile(files.checkpoint)).toString("base64"),
    log: (await readMetrics(files.metrics)).map(({ seconds, ...line }) => line),
    evaluation: await readFile(files.evaluation, "utf8"),
  };
};

test.each(Object.keys(settings))("%s: killed at any moment and resumed, it ends like the undisturbed run", async (kind) => {
  const kinds = Object.keys(settings);
  const rounds = Math.floor(KILLS / kinds.length) + (kinds.indexOf(kind) < KILLS % kinds.length ? 1 : 0);
  const started = performance.now();
  const undisturbed = join(folder, `${kind} undisturbed`);
  expect((await run(kind, undisturbed, false)).code).toBe(0);
  const life = performance.now() - started;
  const expected = await resultOf(undisturbed);
  const moments = random("kill", kind);
  for (let round = 0; round < rounds; round++) {
    const out = join(folder, `${kind} ${round}`);
    const moment = moments.uniform(0, life);
    const killed = await run(kind, out, false, moment);
    if (killed.signal !== "SIGKILL") expect(killed.code).toBe(0);
    const begun = (await readdir(out).catch((): string[] => [])).includes("config.json");
    const resumed = await run(kind, out, begun);
    const saw = `killed after ${Math.round(moment)} of ${Math.round(life)} ms: ${resumed.said}`;
    expect(resumed.code, saw).toBe(0);
    expect(await resultOf(out), saw).toEqual(expected);
    expect((await readdir(out)).filter((name) => /tmp|lock/.test(name))).toEqual([]);
    await rm(out, { recursive: true });
  }
});
