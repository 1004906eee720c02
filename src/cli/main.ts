#!/usr/bin/env node
import { createRequire } from "node:module";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
// The file, not the room's index: that would load the native engine.
import { PROVIDERS } from "../runtime/provider.ts";
import { Interrupted } from "./usage.ts";

// Commands are imported when they run, so that help and mistakes answer at once.
const { version } = createRequire(import.meta.url)("lynceus/package.json") as { version: string };

const wholeNumber = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("It must be a whole number of at least 1.");
  return value;
};
const number = (text: string): number => {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new InvalidArgumentError("It must be a number.");
  return value;
};
const share = (text: string): number => {
  const value = number(text);
  if (value < 0 || value > 1) throw new InvalidArgumentError("It must lie between 0 and 1.");
  return value;
};
const cost = (text: string): number => {
  const value = number(text);
  if (value < 0) throw new InvalidArgumentError("It must not be negative.");
  return value;
};
const integer = (text: string): number => {
  const value = number(text);
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError("It must be a whole number.");
  return value;
};
const integers = (text: string): number[] => text.split(",").map(integer);
const numbers = (text: string): number[] => {
  const values = text.split(",").map(Number);
  if (values.some((value) => !(value > 0)))
    throw new InvalidArgumentError("Give positive numbers separated by commas, such as 0.1,0.2.");
  return values;
};
const names = (text: string): string[] => text.split(",").map((name) => name.trim());
const collect = (value: string, before: string[] = []): string[] => [...before, value];

const program = new Command("lynceus")
  .description("Finds what does not belong in an image: trains, predicts, evaluates, explains and exports.")
  .version(version)
  .showHelpAfterError("(lynceus --help, or lynceus <command> --help, shows how)")
  .exitOverride();

const json = new Option("--json", "end with one line of JSON on standard output");
const threads = new Option("--threads <n>", "threads of the network (default: every core)").argParser(wholeNumber);
const workers = new Option("--workers <n>", "images decoded at once (default: 4 in training, 2 elsewhere)").argParser(
  wholeNumber,
);
const provider = new Option(
  "--provider <name>",
  "where it is computed: cpu, or webgpu, the graphics device through Vulkan, Metal or Direct3D 12 (default: cpu)",
).choices(PROVIDERS);

program
  .command("demo")
  .description(
    "Train and evaluate on data the tool makes itself, in minutes (denoising: about two); ends with a report to look at.",
  )
  .argument("[system]", "denoising, distillation, grading, forgery or progression", "denoising")
  .option("--out <dir>", "folder for everything it makes (default: one for each system in lynceus-demo)")
  .addOption(threads)
  .addOption(workers)
  .addOption(provider)
  .addOption(json)
  .addHelpText("after", "\nExamples:\n  lynceus demo\n  lynceus demo distillation --out demo-run")
  .action(async (system, options) => (await import("./demo.ts")).demo(system, options));

program
  .command("train")
  .description(
    "Train a model: on a folder of normal images; for grading, on slides with masks; for forgery, on real/ and fake/ images; for progression, on studies of patients. Evaluates it where there are test images.",
  )
  .argument("<system>", "distillation, denoising, grading, forgery or progression")
  .option(
    "--data <images>",
    "a folder of normal images or of train/good, test/<kind> ...; a CSV table; or a quoted pattern; for progression, a folder of patients",
  )
  .option("--out <dir>", "the run folder")
  .option(
    "--preset <name>",
    "starting point: tiny, small (the default), base (hours), demo; of grading also medium; of denoising also document and railway: the corruption as published",
  )
  .option("--config <file>", "JSON file with settings; those it leaves out keep the preset's")
  .option(
    "--set <key=value>",
    "one setting, such as training.steps=500 (repeatable); config.json in a run folder lists all",
    collect,
  )
  .option("--seed <n>", "the seed: the same as --set seed=<n>", integer)
  .option("--roi <picture>", "region of interest: what is black in this picture is neither trained on nor scored")
  .option("--tile", "large images with small defects: look at them in overlapping tiles of image.size pixels, not reduced")
  .option(
    "--teacher <model>",
    "distillation: the pretrained network, an ONNX file, its address, or objectron (the default, which is installed)",
  )
  .option("--resume", "go on with the run in --out; settings, data and provider are the run's own")
  .addOption(threads)
  .addOption(workers)
  .addOption(provider)
  .addOption(json)
  .addHelpText(
    "after",
    `
Examples:
  lynceus train distillation --data photos --out runs/photos
  lynceus train distillation --data tiles --out runs/tiles --teacher resnet18.onnx
  lynceus train denoising --data tiles --out runs/tiles --preset tiny --set training.steps=1000
  lynceus train denoising --data parts.csv --out runs/parts --roi inspected.png --seed 3
  lynceus train denoising --data few --out runs/few --set validation.folds=5
  lynceus train distillation --data sheets --out runs/sheets --tile
  lynceus train grading --data slides --out runs/slides --preset medium
  lynceus train forgery --data photographs --out runs/forgery
  lynceus train progression --data patients --out runs/vessels
  lynceus train denoising --resume --out runs/tiles`,
  )
  .action(async (system, options) => (await import("./train.ts")).train(system, options));

program
  .command("predict")
  .description("Score images and draw their heat maps.")
  .argument("<model>", "run folder or model.onnx")
  .argument(
    "<input...>",
    "images and folders of images; for progression, folders of patients or studies, with what patients.csv in or above them says",
  )
  .option("--out <dir>", "folder for what is written: heat maps, tables, reports", "predictions")
  .option("--threshold <score>", "call an image anomalous from this score on, instead of the model's threshold", number)
  .option("--mpp <microns>", "grading: micrometres per pixel of the slides, such as 0.5 at 20x, instead of what they say", number)
  .option("--keep-identity", "progression: leave names, dates and UIDs of DICOM files in what is written; else they are replaced")
  .option(
    "--given-labels",
    "progression: measure labels or contours that lie beside the images, instead of what the network sees",
  )
  .addOption(threads)
  .addOption(workers)
  .addOption(provider)
  .addOption(json)
  .addHelpText(
    "after",
    "\nExamples:\n  lynceus predict runs/tiles part.jpg\n  lynceus predict model.onnx incoming/ --out heatmaps --json",
  )
  .action(async (model, inputs, options) => (await import("./predict.ts")).predict(model, inputs, options));

program
  .command("evaluate")
  .description("Measure a model on labelled images, with 95 % intervals, and write a report.")
  .argument("<model>", "run folder or model.onnx")
  .option("--data <images>", "images with test images among them: a folder, a CSV table or a pattern (default: the run's)")
  .option("--out <dir>", "folder for report.html and evaluation.json (default: the run folder; for other data one beside it)")
  .option("--cost-miss <cost>", "what a missed defect costs: shows the threshold of least cost", cost)
  .option("--cost-false-alarm <cost>", "what stopping a good part costs (default: 1)", cost)
  .option("--prevalence <share>", "share of defective parts in production, such as 0.01", share)
  .option("--ablation", "also train the run without its idea (no memory, other corruptions) and the baselines, and compare")
  .option("--steps <n>", "steps of every training of the ablation (default: the run's)", wholeNumber)
  .option("--minutes <m>", "minutes of every training of the ablation, instead of steps", number)
  .option("--sigmas <list>", "noise strengths that the Gaussian baseline is tried with (default: 0.1,0.2,0.4)", numbers)
  .option("--seeds <list>", "forgery: seeds of the trainings of the ablation, such as 0,1,2 (default: the run's)", integers)
  .option("--leave-out <list>", "forgery: kinds to leave out of training, each in a training of its own (default: all)", names)
  .addOption(threads)
  .addOption(workers)
  .addOption(provider)
  .addOption(json)
  .addHelpText(
    "after",
    "\nExamples:\n  lynceus evaluate runs/tiles\n  lynceus evaluate model.onnx --data tiles --out report\n  lynceus evaluate runs/tiles --cost-miss 50 --prevalence 0.01\n  lynceus evaluate runs/tiles --ablation --steps 600",
  )
  .action(async (model, options) => (await import("./evaluate.ts")).evaluate(model, options));

program
  .command("benchmark")
  .description("Train and measure systems on every category of a folder; one table, which an interrupted run goes on with.")
  .argument("<system...>", "distillation, denoising")
  .requiredOption("--data <dir>", "a folder of data sets, or one data set")
  .option("--out <dir>", "folder for the runs and the table (CSV, JSON, HTML)", "benchmark")
  .option("--seeds <list>", "seeds of the trainings, such as 0,1,2", integers, [0])
  .option("--preset <name>", "starting point of every system (default: small)")
  .option("--config <file>", "JSON file with settings")
  .option("--set <key=value>", "one setting (repeatable)", collect)
  .addOption(threads)
  .addOption(workers)
  .addOption(provider)
  .addOption(json)
  .addHelpText(
    "after",
    "\nExamples:\n  lynceus benchmark distillation denoising --data mvtec --out benchmark\n  lynceus benchmark denoising --data mvtec --seeds 0,1,2 --preset tiny",
  )
  .action(async (systems, options) => (await import("./benchmark.ts")).benchmark(systems, options));

program
  .command("export")
  .description("Write a run's model as one self-contained ONNX file, in full or reduced precision.")
  .argument("<run>", "run folder or model.onnx")
  .requiredOption("--out <file>", "the file to write, such as model.onnx")
  .addOption(
    new Option("--precision <name>", "fp32, or smaller: fp16, or int8 (calibrated on normal images)")
      .choices(["fp32", "fp16", "int8"])
      .default("fp32"),
  )
  .option(
    "--data <images>",
    "images to calibrate on and to measure the change with (default: the run's, from which the threshold is also set anew)",
  )
  .option("--threshold <score>", "the threshold that the file carries, instead of the model's", number)
  .addOption(threads)
  .addOption(json)
  .addHelpText(
    "after",
    "\nExamples:\n  lynceus export runs/tiles --out tiles.onnx\n  lynceus export runs/tiles --out tiles-int8.onnx --precision int8",
  )
  .action(async (run, options) => (await import("./export.ts")).exportModel(run, options));

program
  .command("inspect")
  .description("Say what a model file contains, or what was understood of a set of images, of a slide, or of patients.")
  .argument("<path>", "model.onnx, run folder, folder of images, CSV table, quoted pattern, a slide, or a folder of patients")
  .option(
    "--out <page.html>",
    "a page with the images, what was skipped, and near-duplicates side by side; of a slide: a picture (svg or png)",
  )
  .option("--mpp <microns>", "micrometres per pixel of the slide, instead of what it says", number)
  .option("--no-duplicates", "leave out the search for near-duplicates and for test images that are trained on")
  .addOption(json)
  .addHelpText(
    "after",
    "\nExamples:\n  lynceus inspect tiles\n  lynceus inspect tiles --out tiles.html\n  lynceus inspect parts.csv\n  lynceus inspect runs/tiles/model.onnx\n  lynceus inspect biopsy.svs --out biopsy.png",
  )
  .action(async (path, options) => (await import("./inspect.ts")).inspect(path, options));

/** Names, since their classes would have to be loaded. */
const WRONG_USE: ReadonlySet<string> = new Set([
  "UsageError",
  "DatasetError",
  "PatientDatasetError",
  "RegionError",
  "SlideDatasetError",
  "TeacherError",
]);

// A reader that has seen enough, such as `head`, is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else if (error instanceof Interrupted) {
    process.stderr.write(`${process.stderr.isTTY ? "\r\x1b[2K" : ""}${error.message}\n`);
    process.exitCode = 130;
  } else {
    console.error(`lynceus: ${error instanceof Error ? error.message : error}`);
    if (process.argv.includes("--json"))
      console.log(JSON.stringify({ error: error instanceof Error ? error.message : `${error}` }));
    process.exitCode = error instanceof Error && WRONG_USE.has(error.name) ? 2 : 1;
  }
}
