import { readFileSync } from "node:fs";
import { describe, test } from "vitest";
import type { Tensor } from "../../src/graph/index.ts";
import { crossEntropy, type Parameters } from "../../src/nn/index.ts";
import {
  expectSameExport,
  expectSameStep,
  type FirstValues,
  type Packed,
  type ReferenceStep,
  unpack,
} from "../../src/nn/testing/reference.ts";
import { type MobileOptions, mobile } from "./mobile.ts";
import { type ResNetOptions, resnet } from "./resnet.ts";
import { type SwinOptions, swin } from "./swin.ts";

/** Made by scripts/reference/more-networks.py: a step in float64 PyTorch. */
type Reference = ReferenceStep & {
  options: ResNetOptions & MobileOptions & SwinOptions;
  image: Packed;
  target: { shape: number[]; numbers: number[] };
  values: FirstValues;
};
type Network = (p: Parameters, image: Tensor, options: Reference["options"]) => Tensor;

describe.each<[string, Network, number]>([
  ["resnet", resnet, 0],
  ["mobile", mobile, 0.1],
  ["swin", swin, 0],
])("%s agrees with float64 PyTorch", (name, network, labelSmoothing) => {
  const file = new URL(`./fixtures/${name}.json`, import.meta.url);
  const { options, image, target, values, ...step }: Reference = JSON.parse(readFileSync(file, "utf8"));
  const images = unpack(image);
  const classes = { shape: target.shape, data: BigInt64Array.from(target.numbers, BigInt) };

  test("loss, every gradient, running statistics", async () => {
    await expectSameStep(step, values, { images, classes }, (p, batch) =>
      crossEntropy(network(p, batch.images, options), batch.classes, { labelSmoothing }),
    );
  });

  test("the exported network", async () => {
    await expectSameExport(step, values, images, (p, x) => network(p, x, options));
  });
});
