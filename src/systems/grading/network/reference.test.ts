import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { concat, mul, reshape, sum, type Tensor } from "../../../graph/index.ts";
import { type Parameters, zeros } from "../../../nn/index.ts";
import {
  expectSameExport,
  expectSameStep,
  type FirstValues,
  type Packed,
  type ReferenceStep,
  unpack,
} from "../../../nn/testing/reference.ts";
import { type SegmentationOptions, segmentation, segmentationLoss } from "./index.ts";
import { mergePatches, type SwinOptions, swinBlock, swinFeatures } from "./swin.ts";
import { featurePyramid, pyramidPooling, type UPerNetOptions } from "./upernet.ts";
import {
  relativePositions,
  shiftMask,
  type WindowGrid,
  type WindowOptions,
  windowAttention,
  windowPositions,
} from "./windows.ts";

// The fixtures are made by scripts/reference/grading.py in float64 PyTorch.
const read = <Content>(name: string): Content =>
  JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), "utf8"));

type Part = ReferenceStep & {
  part: "attention" | "block" | "merge" | "backbone" | "pooling" | "pyramid";
  options: WindowOptions & SwinOptions & UPerNetOptions;
  probe: Packed;
  values: FirstValues;
};
interface Parts {
  windows: WindowGrid & { positions: number[] };
  relative: { window: number; positions: number[] };
  mask: WindowGrid & { values: number[] };
  parts: Part[];
}

const { windows, relative, mask, parts } = read<Parts>("parts");

describe("tables", () => {
  test("which token lies where in turned windows", () => expect(windowPositions(windows)).toEqual(windows.positions));
  test("relative positions", () => expect(relativePositions(relative.window)).toEqual(relative.positions));
  test("the mask of shifted windows", () => {
    const { origin } = shiftMask(mask);
    expect(origin.kind === "constant" && [...origin.data]).toEqual(mask.values);
  });
});

/** What a part makes of its inputs. */
const build = (p: Parameters, part: Part["part"], options: Part["options"], [x, ...others]: Tensor[]): Tensor => {
  if (part === "attention") return windowAttention(p, x, options);
  if (part === "block") return swinBlock(p, x, options, options.expansion);
  if (part === "merge") return mergePatches(p, x);
  if (part === "pooling") return pyramidPooling(p, x, options);
  return flat(part === "backbone" ? swinFeatures(p, x, options, others[0]) : featurePyramid(p, [x, ...others], options));
};

const flat = (maps: readonly Tensor[]): Tensor =>
  concat(
    maps.map(({ shape }, i) => reshape(maps[i], [shape[0], (shape as number[]).slice(1).reduce((a, b) => a * b, 1)])),
    1,
  );

describe.each(parts.map((part) => [`${part.part} of ${sizeOfInput(part)}`, part] as const))("%s", (_, reference) => {
  const { part, options, probe, values, ...step } = reference;
  const output = (p: Parameters): Tensor => {
    const inputs = Object.keys(values).filter((name) => /^x\d?$/.test(name));
    return build(
      p.at("part"),
      part,
      options,
      inputs.map((name) => p.weight(name, values[name].shape, zeros)),
    );
  };

  test("every gradient, by parameters and by input", () =>
    expectSameStep(step, values, { probe: unpack(probe) }, (p, batch) => sum(mul(output(p), batch.probe))));

  test("its output", () => expectSameExport(step, values, unpack(probe), output));
});

function sizeOfInput({ values, options }: Part): string {
  const shape = (values.x ?? values.x0).shape.join(" x ");
  const kinds = [options.shift && `shift ${options.shift}`, options.position, options.normalisation];
  return [shape, ...kinds.filter(Boolean)].join(", ");
}

describe("the whole network", () => {
  type Whole = ReferenceStep & {
    options: SegmentationOptions;
    image: Packed;
    pixelWeights: Packed;
    target: { shape: number[]; numbers: string };
    values: FirstValues;
  };
  const { options, image, pixelWeights, target, values, ...step } = read<Whole>("segmentation");
  const images = unpack(image);
  const classes = { shape: target.shape, data: BigInt64Array.from(target.numbers, BigInt) };

  test("loss, every gradient, running statistics", () =>
    expectSameStep(
      step,
      values,
      { images, classes, weights: unpack(pixelWeights) },
      (p, fed) => segmentationLoss(segmentation(p, fed.images, options), fed.classes, { pixelWeights: fed.weights }).loss,
    ));

  test("the exported network, which has no auxiliary head", () =>
    expectSameExport(step, values, images, (p, x) => segmentation(p, x, options).logits));
});
