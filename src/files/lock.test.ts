import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FolderInUseError, holdFolder } from "./index.ts";

const newFolder = () => mkdtemp(join(tmpdir(), "lynceus-lock-"));
const lockOf = (folder: string) => join(folder, "run.lock");

test("a folder has one holder at a time, named to the second, and is free after its release", async () => {
  const folder = join(await newFolder(), "new");
  const first = await holdFolder(folder);
  await expect(holdFolder(folder)).rejects.toThrow(FolderInUseError);
  await expect(holdFolder(folder)).rejects.toThrow(`process ${process.pid} on ${hostname()}`);
  await first.release();
  expect(await readdir(folder)).toEqual([]);
  await (await holdFolder(folder)).release();
});

test("the lock of a killed process is taken over, and of a living one is not", async () => {
  const folder = await newFolder();
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  const held = await holdFolder(folder);
  const own = JSON.parse(await readFile(lockOf(folder), "utf8"));
  await held.release();
  const born = (text: string) => text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
  const ofChild = process.platform === "linux" ? born(await readFile(`/proc/${child.pid}/stat`, "utf8")) : "";
  const lock = JSON.stringify({ ...own, process: child.pid, born: ofChild });
  await writeFile(lockOf(folder), lock);
  await expect(holdFolder(folder)).rejects.toThrow(`process ${child.pid}`);
  child.kill("SIGKILL");
  await new Promise((resolve) => child.on("close", resolve));
  await (await holdFolder(folder)).release();
});

test.runIf(process.platform === "linux")("a process that got a dead one's number does not hold its lock", async () => {
  const folder = await newFolder();
  await writeFile(lockOf(folder), JSON.stringify({ process: process.pid, host: hostname(), born: "1", since: "long ago" }));
  await (await holdFolder(folder)).release();
});

test("a lock of another machine holds until it has been silent for a minute", async () => {
  const folder = await newFolder();
  await writeFile(lockOf(folder), JSON.stringify({ process: 1, host: "elsewhere", born: "1", since: "now" }));
  await expect(holdFolder(folder)).rejects.toThrow("on elsewhere");
  const past = new Date(Date.now() - 90_000);
  await utimes(lockOf(folder), past, past);
  await (await holdFolder(folder)).release();
});

test("of several that find a dead holder's lock, one gets the folder", async () => {
  const folder = await newFolder();
  await writeFile(lockOf(folder), ""); // its writer died before writing
  const results = await Promise.allSettled(Array.from({ length: 6 }, () => holdFolder(folder)));
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});
