#!/usr/bin/env node
import { createRequire } from "node:module";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
// The file, not the room's index: that would load the native engine.
import { PROVIDERS } from "../runtime/provider.ts";
import { UsageError } from "./usage.ts";

// Commands are imported when they run, so that help and mistakes answer at once.
const { version } = createRequire(import.meta.url)("lynceus/package.json") as { version: string };

const wholeNumber = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("It must be a whole number of at least 1.");
  return value;
};
const numbers = (text: string): number[] => {
  const values = text.split(",").map(Number);
  if (values.some((value) => !(value > 0)))
    throw new InvalidArgumentError("Give positive numbers separated by commas, such as 0.1,0.2.");
  return values;
};
const collect = (value: string, before: string[]): string[] => [...before, value];

const program = new Command("lynceus")
  .description("Finds what does not belong in an image: trains, predicts, evaluates, explains and exports.")
  .version(version)
  .showHelpAfterError("(lynceus --help, or lynceus <command> --help, shows how)")
  .exitOverride();

const json = new Option("--json", "end with one line of JSON on standard output");
const threads = new Option("--threads <n>", "threads of the network (default: every core)").argParser(wholeNumber);
const provider = new Option(
  "--provider <name>",
  "where it is computed: cpu, or webgpu, the graphics device through Vulkan, Metal or Direct3D 12 (default: cpu)",
).choices(PROVIDERS);

program
  .command("demo")
  .description("Train and evaluate on surfaces the tool paints itself, in about two minutes; ends with a report to look at.")
  .argument("[system]", "which system to show", "denoising")
  .option("--out <dir>", "folder for everything it makes", "lynceus-demo")
  .addOption(threads)
  .addOption(provider)
  .addOption(json)
  .addHelpText("after", "\nExamples:\n  lynceus demo\n  lynceus demo denoising --out demo-run")
  .action(async (system, options) => (await import("./demo.ts")).demo(system, options));

program
  .command("train")
  .description("Train a model on a folder of normal images; evaluates it where the folder has test images.")
  .argument("<system>", "denoising")
  .option("--data <dir>", "folder of images: train/good, test/<kind>, ground_truth/<kind>, or any folder of normal images")
  .option("--out <dir>", "the run folder")
  .option("--preset <name>", "starting point: tiny, small, base, demo, document, railway (default: small)")
  .option("--config <file>", "JSON file with settings; those it leaves out keep the preset's")
  .option("--set <key=value>", "one setting, such as training.steps=500 (repeatable)", collect, [])
  .option("--resume", "go on with the run in --out; settings, data and provider are the run's own")
  .addOption(threads)
  .addOption(provider)
  .addOption(json)
  .addHelpText(
    "after",
    `
Examples:
  lynceus train denoising --data photos --out runs/photos
  lynceus train denoising --data tiles --out runs/tiles --preset tiny --set training.steps=1000
  lynceus train denoising --data tiles --out runs/tiles --provider webgpu
  lynceus train denoising --resume --out runs/tiles`,
  )
  .action(async (system, options) => (await import("./train.ts")).train(system, options));

program
  .command("predict")
  .description("Score images and draw their heat maps.")
  .argument("<model>", "run folder or model.onnx")
  .argument("<input...>", "images and folders of images")
  .option("--out <dir>", "folder for the heat maps and predictions.json", "predictions")
  .addOption(threads)
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
  .option("--data <dir>", "folder with test/<kind> and ground_truth/<kind> (default: the run's)")
  .option("--out <dir>", "folder for report.html and evaluation.json (default: the run folder, or evaluation)")
  .option("--ablation", "also train the baselines (Gaussian noise, no corruption) on both networks, and compare")
  .option("--steps <n>", "steps of every training of the ablation (default: the run's)", wholeNumber)
  .option("--sigmas <list>", "noise strengths that the Gaussian baseline is tried with (default: 0.1,0.2,0.4)", numbers)
  .addOption(threads)
  .addOption(provider)
  .addOption(json)
  .addHelpText(
    "after",
    "\nExamples:\n  lynceus evaluate runs/tiles\n  lynceus evaluate model.onnx --data tiles --out report\n  lynceus evaluate runs/tiles --ablation --steps 600",
  )
  .action(async (model, options) => (await import("./evaluate.ts")).evaluate(model, options));

program
  .command("export")
  .description("Write a run's model as one self-contained ONNX file.")
  .argument("<run>", "run folder")
  .requiredOption("--out <file>", "the file to write, such as model.onnx")
  .addOption(json)
  .addHelpText("after", "\nExample:\n  lynceus export runs/tiles --out tiles.onnx")
  .action(async (run, options) => (await import("./export.ts")).exportModel(run, options));

program
  .command("inspect")
  .description("Say what a model file contains, or what was understood of a folder of images.")
  .argument("<path>", "model.onnx, run folder or folder of images")
  .addOption(json)
  .addHelpText("after", "\nExamples:\n  lynceus inspect tiles\n  lynceus inspect runs/tiles/model.onnx")
  .action(async (path, options) => (await import("./inspect.ts")).inspect(path, options));

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    console.error(`lynceus: ${error instanceof Error ? error.message : error}`);
    const wrongUse = error instanceof UsageError || (error instanceof Error && error.name === "FolderError");
    process.exitCode = wrongUse ? 2 : 1;
  }
}
