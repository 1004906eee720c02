import { execFile, spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeSurfaces } from "../src/imaging/index.ts";
import { readTensors, runFiles } from "../src/training/index.ts";

// What the disk, the folder, the images or another process can do to a run: each is a sentence, and nothing finished is lost.

const command = join(createRequire(import.meta.url).resolve("lynceus"), "..", "cli", "main.js");
const small = ["image.size=48", "network.width=4", "network.depth=2", "training.warmup=4"];
const sets = (...further: string[]): string[] => [...small, ...further].flatMap((set) => ["--set", set]);

let folder: string;
let data: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lynceus-disk-"));
  await writeSurfaces(folder, { categories: ["tiles"], size: 48, trainCount: 20, testPerKind: 2, seed: 1 });
  data = join(folder, "tiles");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const lynceus = (words: readonly string[], shell = "", user = {}): Promise<{ code: number; out: string; err: string }> =>
  new Promise((resolve) => {
    const quoted = [process.execPath, command, ...words].map((word) => `'${word}'`).join(" ");
    execFile("/bin/sh", ["-c", `${shell} exec ${quoted}`], user, (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
  });
const noTrace = (err: string): void => expect(err).not.toMatch(/^\s+at .*:\d+/m);

test("a full disk: the failure names the file, the last checkpoint stays, and the run goes on from it", async () => {
  const out = join(folder, "full");
  const train = ["train", "denoising", "--data", data, "--out", out, ...sets("training.steps=60", "training.checkpointEvery=10")];
  expect((await lynceus(["train", "denoising", "--data", data, "--out", join(folder, "whole"), ...train.slice(6)])).code).toBe(0);
  // No file may grow beyond so many blocks of 512 bytes: the first checkpoint does not fit.
  const refused = await lynceus(train, "ulimit -f 64;");
  expect(refused.code).toBe(1);
  expect(refused.err).toMatch(/Cannot write ".*last\.safetensors" \(EFBIG\)/);
  noTrace(refused.err);
  expect((await readdir(join(out, "checkpoints"))).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  expect((await lynceus(["train", "denoising", "--resume", "--out", out])).code).toBe(0);
  const model = (name: string) => readFile(runFiles(join(folder, name)).model);
  expect((await model("full")).equals(await model("whole"))).toBe(true);
});

test("a folder that cannot be written to is said before any work", async () => {
  const file = join(folder, "a file");
  await writeFile(file, "");
  const readOnly = join(folder, "read-only");
  await mkdir(readOnly, { mode: 0o555 });
  // A superuser may write anywhere: then it is done as nobody.
  const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  await chmod(folder, 0o755);
  for (const out of [join(file, "run"), readOnly, join(readOnly, "run")]) {
    const refused = await lynceus(["train", "denoising", "--data", data, "--out", out], "", user);
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/Cannot write|cannot be made/);
    expect(refused.err).toContain(out);
    expect(refused.err.trim().split("\n")).toHaveLength(1);
  }
});

test("a second run on the same folder is refused while the first one lives", async () => {
  const out = join(folder, "shared");
  const words = ["train", "denoising", "--data", data, "--out", out, ...sets("training.steps=100000")];
  const first = spawn(process.execPath, [command, ...words], { stdio: "ignore" });
  while (!(await readdir(out).catch(() => [] as string[])).includes("config.json")) await wait(50);
  const second = await lynceus(["train", "denoising", "--resume", "--out", out]);
  expect(second.code).toBe(1);
  expect(second.err).toContain(`is in use (process ${first.pid}`);
  first.kill("SIGKILL");
  await new Promise((resolve) => first.on("close", resolve));
});

test("an image that vanishes in the middle of a run stops it with its name; with the image back, it ends as it would have", async () => {
  const few = join(folder, "few", "tiles");
  await mkdir(join(folder, "few"), { recursive: true });
  await writeSurfaces(join(folder, "few"), { categories: ["tiles"], size: 48, trainCount: 8, testPerKind: 0, seed: 2 });
  // Without room to keep them, images are read again for every step.
  const settings = sets("training.steps=150", "training.checkpointEvery=1000", "training.cacheMegabytes=0");
  const whole = await lynceus(["train", "denoising", "--data", few, "--out", join(folder, "not vanished"), ...settings]);
  expect(whole.code).toBe(0);

  const out = join(folder, "vanished");
  const child = spawn(process.execPath, [command, "train", "denoising", "--data", few, "--out", out, ...settings]);
  let err = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  const { metrics, checkpoint } = runFiles(out);
  while (!(await readFile(metrics, "utf8").catch(() => "")).includes('"step":10')) await wait(20);
  const kept = new Map<string, Buffer>();
  for (const name of await readdir(join(few, "train", "good"))) {
    const path = join(few, "train", "good", name);
    kept.set(path, await readFile(path));
    await rm(path);
  }
  expect(await new Promise((resolve) => child.on("close", resolve))).toBe(1);
  expect(err).toMatch(/Cannot use the image ".*\.png": there is no such file/);
  expect(err).toContain("--resume");
  expect(Number((await readTensors(checkpoint)).metadata.step)).toBeGreaterThan(9);
  for (const [path, bytes] of kept) await writeFile(path, bytes);
  expect((await lynceus(["train", "denoising", "--resume", "--out", out])).code).toBe(0);
  expect((await readFile(runFiles(out).model)).equals(await readFile(runFiles(join(folder, "not vanished")).model))).toBe(true);
});

test.each(["SIGINT", "SIGTERM"] as const)("%s saves, says how to go on, and ends with 130", async (signal) => {
  const out = join(folder, signal);
  const words = ["train", "denoising", "--data", data, "--out", out, ...sets("training.steps=100000")];
  const child = spawn(process.execPath, [command, ...words]);
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  while (!(await readFile(runFiles(out).metrics, "utf8").catch(() => "")).includes('"step":10')) await wait(20);
  child.kill(signal);
  expect(await new Promise((resolve) => child.on("close", resolve))).toBe(130);
  expect(said).toMatch(/Stopped after step \d+\. Go on with: lynceus train denoising --resume --out/);
  const saved = Number((await readTensors(runFiles(out).checkpoint)).metadata.step);
  expect(said).toContain(`after step ${saved}`);
  expect(await readdir(out)).not.toContain("run.lock");
});

const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
