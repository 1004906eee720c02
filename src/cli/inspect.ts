import { stat } from "node:fs/promises";
import { writeFileAtomic } from "../files/index.ts";
import { readModel } from "../graph/index.ts";
import { type Dataset, type DuplicateReport, findDuplicates, readDataset, type Sample } from "../imaging/index.ts";
import { renderReport } from "../report/index.ts";
import { dataPage, factsOfFiles } from "./data-page.ts";
import { formatFeatureMaps, listFeatureMaps } from "./feature-maps.ts";
import { formatMetadata, readMetadata } from "./metadata.ts";
import { readModelFile } from "./model-file.ts";
import { command, interruptible, output, progress, shown } from "./output.ts";
import { openRun } from "./run.ts";
import { UsageError } from "./usage.ts";

interface InspectCommand {
  readonly out?: string;
  readonly duplicates: boolean;
  readonly json?: boolean;
  readonly mpp?: number;
}

export const inspect = async (path: string, options: InspectCommand): Promise<void> => {
  const status = await stat(path).catch(() => undefined);
  const isRun = status?.isDirectory() === true && (await openRun(path)) !== undefined;
  const isModel = isRun || (status?.isFile() === true && !/\.[ct]sv$/i.test(path));
  const isOther = status?.isFile() === true && !/\.(svs|tiff?|[ct]sv)$/i.test(path); // need not load the systems
  if (status !== undefined && !isRun && !isOther && (await inspectBySystem(path, options))) return;
  if (isModel) await inspectModel(path, options.json);
  else await inspectData(await readDataset(path), options);
};

/** Whether a system knows files of this kind, such as slides, or data sets like this: it then says what it understands. */
const inspectBySystem = async (path: string, { out, mpp, json }: InspectCommand): Promise<boolean> => {
  const { say, finish } = output(json);
  for (const { inspect: inspectFile } of (await import("../systems/registry.ts")).systems) {
    const found = await inspectFile?.({ path, out, micronsPerPixel: mpp });
    if (found === undefined) continue;
    for (const line of found.lines) say(line);
    finish(found.facts);
    return true;
  }
  return false;
};

const inspectModel = async (path: string, json: boolean | undefined): Promise<void> => {
  const { say, finish } = output(json);
  if (/\.(png|jpe?g|webp|tiff?|bmp|gif|avif)$/i.test(path)) {
    throw new UsageError(`"${path}" is an image. Give its folder, or a pattern, to inspect images.`);
  }
  const bytes = await readModelFile(path);
  const { feeds, results, metadata, opset, operators, constantCount } = readModel(bytes);
  const value = ({ name, type, shape }: (typeof feeds)[number]): string => `  ${name}: ${type} [${shape.join(", ")}]`;
  say(`ONNX model, opset ${opset}, ${constantCount.toLocaleString("en")} stored values.`);
  say(`Inputs:\n${feeds.map(value).join("\n")}\nOutputs:\n${results.map(value).join("\n")}`);
  const counts = Object.entries(operators).sort((a, b) => b[1] - a[1]);
  say(`Operators: ${counts.map(([name, count]) => `${name} ${count}`).join(", ")}`);
  // A detector of ours is for finding defects; of any other model it is its features that one can build on.
  const features = Object.hasOwn(metadata, "lynceus.system") ? undefined : listFeatureMaps(bytes);
  if (features !== undefined) say(formatFeatureMaps(features));
  const entries = readMetadata(metadata);
  if (Object.keys(entries).length > 0) say(`Metadata (whole with --json):\n${formatMetadata(entries)}`);
  const featureMaps = features?.maps;
  finish({ opset, inputs: feeds, outputs: results, operators, featureMaps, storedValues: constantCount, metadata: entries });
};

const LAYOUTS: Readonly<Record<Dataset["layout"], string>> = {
  mvtec: "train/, test/ and ground_truth/ folders",
  visa: "Data/Images and Data/Masks folders, as VisA has them",
  manifest: "a table of images",
  classes: "a folder for each kind of image",
  folder: "a folder of images, all taken as normal training images",
  glob: "a pattern, all its images taken as normal training images",
};

const inspectData = async (dataset: Dataset, { out, duplicates, json }: InspectCommand): Promise<void> => {
  const { say, finish } = output(json);
  const listener = progress();
  const { source, layout, train, test, skipped, notes } = dataset;
  say(`${source}: ${LAYOUTS[layout]}.`);
  for (const [split, samples] of Object.entries({ train, test })) {
    for (const { kind, images, masks } of countKinds(samples)) {
      say(`  ${`${split}/${kind}`.padEnd(28)}${String(images).padStart(6)} images${masks > 0 ? `, ${masks} with masks` : ""}`);
    }
  }
  for (const note of notes) say(`Note: ${note}`);
  for (const { path, reason } of skipped) say(`Skipped ${shown(path)}: ${reason}`);

  const signal = interruptible();
  const facts = await factsOfFiles(dataset, listener, signal);
  const found = duplicates
    ? await findDuplicates([...train, ...test], {
        signal,
        onProgress: (done, total) => listener({ kind: "count", text: "looking for near-duplicates", done, total }),
      })
    : undefined;
  const unreadable = [...facts.failures, ...(found?.skipped ?? [])].filter(
    ({ path }, index, all) => all.findIndex((other) => other.path === path) === index,
  );
  const page =
    out === undefined ? undefined : await dataPage(dataset, { ...facts, failures: unreadable }, found, listener, signal);
  listener.end();

  say(`Files:\n${Array.from(facts.sorts, ([name, sorts]) => `  ${name.padEnd(28)}${sorts}`).join("\n")}`);
  for (const note of facts.notes) say(`Note: ${note}`);
  for (const { reason } of unreadable) say(shown(reason));
  if (found !== undefined) say(describeDuplicates(found));
  if (out !== undefined && page !== undefined) {
    await writeFileAtomic(out, renderReport(page));
    say(`Page: ${out}`);
  } else say(`Look at the images: ${command("inspect", source, "--out", "images.html")}`);
  if (unreadable.length > 0) process.exitCode = 1;
  finish({
    source,
    layout,
    train: countKinds(train),
    test: countKinds(test),
    notes: [...notes, ...facts.notes],
    skipped,
    failures: unreadable,
    duplicates: found?.pairs.map((pair) => ({ ...pair, first: pair.first.name, second: pair.second.name })),
    page: out,
  });
};

const describeDuplicates = ({ images, pairs, leaks }: DuplicateReport): string => {
  if (pairs.length === 0) return `None of the ${images} images that can be compared is there twice, nor almost.`;
  const lines = pairs
    .slice(0, 10)
    .map(
      ({ first, second, kind }) =>
        `  ${kind}: ${first.name} and ${second.name}${first.split === second.split ? "" : "  (training and test)"}`,
    );
  const warning = leaks.length > 0 ? `, ${leaks.length} of them across training and test, where they make measures too good` : "";
  return [
    `${pairs.length} ${pairs.length === 1 ? "pair" : "pairs"} of (almost) the same image${warning}:`,
    ...lines,
    ...(pairs.length > 10 ? ["  ..."] : []),
  ].join("\n");
};

const countKinds = (samples: readonly Sample[]) =>
  [...new Set(samples.map(({ kind }) => kind))].map((kind) => {
    const own = samples.filter((sample) => sample.kind === kind);
    return { kind, images: own.length, masks: own.filter(({ maskPath }) => maskPath !== undefined).length };
  });
