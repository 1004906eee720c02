import { createHash } from "node:crypto";
import { createReadStream, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { cpus } from "node:os";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import type { Provider } from "../runtime/index.ts";

const versionOf = (name: string): string => (createRequire(import.meta.url)(name) as { version: string }).version;

/** What may change the last bit of a result: a difference on resume is a warning, not an error. */
export const environment = (threads: number, provider: Provider = "cpu") => ({
  lynceus: versionOf("lynceus/package.json"),
  node: process.version,
  onnxruntime: versionOf("onnxruntime-node/package.json"),
  platform: `${process.platform} ${process.arch}`,
  processor: cpus()[0]?.model ?? "unknown",
  processorFeatures: vectorFeatures(),
  provider,
  threads,
});

/** The vector instructions that numeric kernels are chosen by, where the system tells. */
const vectorFeatures = (): string => {
  try {
    const flags = /^flags\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1].split(" ") ?? [];
    return flags.filter((flag) => /^(avx|fma|f16c|amx)/.test(flag)).join(" ");
  } catch {
    return "unknown";
  }
};

export type Environment = ReturnType<typeof environment>;

/** Sentences naming what differs between where a run was begun and where it goes on; what was not recorded then is left out. */
export const environmentChanges = (before: Partial<Environment>, now: Environment): string[] =>
  Object.entries(now)
    .filter(([key, value]) => (before[key as keyof Environment] ?? value) !== value)
    .map(
      ([key, value]) =>
        `${key} was ${before[key as keyof Environment]} and is ${value} now: the last bits of the result may differ.`,
    );

/** SHA-256 of text or bytes, hexadecimal. */
export const digestOf = (data: string | Uint8Array): string => createHash("sha256").update(data).digest("hex");

/** SHA-256 over this package's own compiled code: what runs, or, where the sources do, what was compiled from them. */
export const digestOfCode = async (): Promise<string> => {
  const own = dirname(dirname(fileURLToPath(import.meta.url)));
  const root = basename(own) === "src" ? join(dirname(own), "dist") : own;
  const names = (await readdir(root, { recursive: true })).filter((name) => name.endsWith(".js")).sort();
  return digestOfFiles(names.map((name) => ({ name, path: join(root, name) })));
};

/** SHA-256 of a file's contents, hexadecimal. */
export const digestOfFile = async (path: string): Promise<string> => {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
};

/** SHA-256 over names and the digests of their contents, in the order given. */
export const digestOfDigests = (parts: readonly { readonly name: string; readonly digest: string }[]): string =>
  digestOf(parts.map(({ name, digest }) => `${name}\0${digest}\n`).join(""));

/** SHA-256 over the names and contents of files, in the order given. */
export const digestOfFiles = async (files: readonly { readonly name: string; readonly path: string }[]): Promise<string> => {
  const parts: { name: string; digest: string }[] = [];
  for (const { name, path } of files) parts.push({ name, digest: await digestOfFile(path) });
  return digestOfDigests(parts);
};
