import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, cpus } from "node:os";
import { pipeline } from "node:stream/promises";

const versionOf = (name: string): string => (createRequire(import.meta.url)(name) as { version: string }).version;

/** What may change the last bit of a result: a difference on resume is a warning, not an error. */
export const environment = () => ({
  lynceus: versionOf("lynceus/package.json"),
  node: process.version,
  onnxruntime: versionOf("onnxruntime-node/package.json"),
  platform: `${process.platform} ${process.arch}`,
  processor: cpus()[0]?.model ?? "unknown",
  threads: availableParallelism(),
});

export type Environment = ReturnType<typeof environment>;

/** Sentences naming what differs between where a run was begun and where it goes on. */
export const environmentChanges = (before: Partial<Environment>, now: Environment): string[] =>
  Object.entries(now)
    .filter(([key, value]) => before[key as keyof Environment] !== value)
    .map(
      ([key, value]) =>
        `${key} was ${before[key as keyof Environment]} and is ${value} now: the last bits of the result may differ.`,
    );

/** SHA-256 of text, hexadecimal. */
export const digestOf = (text: string): string => createHash("sha256").update(text).digest("hex");

/** SHA-256 over the names and contents of files, in the order given. */
export const digestOfFiles = async (files: readonly { readonly name: string; readonly path: string }[]): Promise<string> => {
  const total = createHash("sha256");
  for (const { name, path } of files) {
    const one = createHash("sha256");
    await pipeline(createReadStream(path), one);
    total.update(`${name}\0${one.digest("hex")}\n`);
  }
  return total.digest("hex");
};
