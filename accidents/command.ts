import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

/** The compiled command, as a user runs it. */
export const command = join(createRequire(import.meta.url).resolve("lynceus"), "..", "cli", "main.js");

export interface Ended {
  /** Exit code; null when a signal ended the process. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
  /** The most memory that the process ever had resident, native memory included, in MB (2^20 bytes). */
  readonly peakMegabytes: number;
  readonly seconds: number;
}

/** Half an hour: a command that has not ended by then hangs. */
const LIMIT_SECONDS = 1800;

/** Runs the compiled command to its end, or kills it when it hangs, and watches its memory. */
export const lynceus = (...words: string[]): Promise<Ended> => node([command, ...words]);

/** Runs node in a process of its own, with a text on its standard input. */
export const node = (words: readonly string[], input = ""): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(process.execPath, words, { stdio: ["pipe", "pipe", "pipe"] });
    child.stdin.on("error", () => undefined).end(input); // a process that ends early closes it
    const texts = { out: "", err: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (texts.out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (texts.err += text));
    let peakMegabytes = 0;
    const look = async (): Promise<void> => {
      peakMegabytes = Math.max(peakMegabytes, await residentPeak(child.pid as number));
    };
    const watch = setInterval(look, 50);
    const limit = setTimeout(() => child.kill("SIGKILL"), LIMIT_SECONDS * 1000);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearInterval(watch);
      clearTimeout(limit);
      resolve({ code, signal, ...texts, peakMegabytes, seconds: (performance.now() - started) / 1000 });
    });
  });

/** The system's own high-water mark of the process (Linux), so that nothing between two looks is missed but the last moments. */
const residentPeak = async (pid: number): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
};

/** The last line of standard output, which `--json` promises to be one JSON object. */
export const lastJson = (text: string): unknown => JSON.parse(text.trim().split("\n").at(-1) as string);
