import { stat } from "node:fs/promises";
import { readModel } from "../graph/index.ts";
import { type FolderDataset, readFolder, type Sample } from "../imaging/index.ts";
import { openRun, readModelFile } from "./model-file.ts";
import { output } from "./output.ts";

export const inspect = async (path: string, { json }: { readonly json?: boolean }): Promise<void> => {
  const run = await openRun(path);
  if (run !== undefined || !(await stat(path)).isDirectory()) await inspectModel(path, json);
  else await inspectFolder(await readFolder(path), json);
};

const inspectModel = async (path: string, json: boolean | undefined): Promise<void> => {
  const { say, finish } = output(json);
  const { feeds, results, metadata, opset, operators, constantCount } = readModel(await readModelFile(path));
  const value = ({ name, type, shape }: (typeof feeds)[number]): string => `  ${name}: ${type} [${shape.join(", ")}]`;
  say(`ONNX model, opset ${opset}, ${constantCount.toLocaleString("en")} stored values.`);
  say(`Inputs:\n${feeds.map(value).join("\n")}\nOutputs:\n${results.map(value).join("\n")}`);
  const counts = Object.entries(operators).sort((a, b) => b[1] - a[1]);
  say(`Operators: ${counts.map(([name, count]) => `${name} ${count}`).join(", ")}`);
  const entries = Object.fromEntries(
    Object.entries(metadata).map(([key, text]) => [key, key.startsWith("lynceus.") ? JSON.parse(text) : text]),
  );
  if (Object.keys(entries).length > 0) say("Metadata:");
  for (const [key, entry] of Object.entries(entries))
    say(`  ${key}: ${JSON.stringify(entry, undefined, 2).replaceAll("\n", "\n  ")}`);
  finish({ opset, inputs: feeds, outputs: results, operators, storedValues: constantCount, metadata: entries });
};

const inspectFolder = async (dataset: FolderDataset, json: boolean | undefined): Promise<void> => {
  const { say, finish } = output(json);
  const { root, layout, train, test, skipped, notes } = dataset;
  say(
    layout === "mvtec"
      ? `${root}: train/, test/ and ground_truth/ folders.`
      : `${root}: a folder of images, all taken as normal training images.`,
  );
  for (const [split, samples] of Object.entries({ train, test })) {
    for (const { kind, images, masks } of countKinds(samples)) {
      say(`  ${`${split}/${kind}`.padEnd(28)}${String(images).padStart(6)} images${masks > 0 ? `, ${masks} with masks` : ""}`);
    }
  }
  for (const note of notes) say(`Note: ${note}`);
  for (const { path, reason } of skipped) say(`Skipped ${path}: ${reason}`);
  finish({ root, layout, train: countKinds(train), test: countKinds(test), notes, skipped });
};

const countKinds = (samples: readonly Sample[]) =>
  [...new Set(samples.map(({ kind }) => kind))].map((kind) => {
    const own = samples.filter((sample) => sample.kind === kind);
    return { kind, images: own.length, masks: own.filter(({ maskPath }) => maskPath !== undefined).length };
  });
