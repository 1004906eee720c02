import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  averagePool2d,
  concat,
  constant,
  input,
  matmul,
  program,
  reshape,
  slice,
  type Tensor,
  transpose,
} from "../../../graph/index.ts";
import { frozen, type Parameters } from "../../../nn/index.ts";
import {
  expectSameExport,
  expectSameStep,
  type FirstValues,
  type Packed,
  type ReferenceStep,
  unpack,
} from "../../../nn/testing/reference.ts";
import { openLocalRuntime, type Value, type Values } from "../../../runtime/index.ts";
import {
  blockCosineTransform,
  cosineMatrix,
  cosineTransform,
  type DetectorOptions,
  detector,
  detectorLoss,
  type GeneratorOptions,
  generator,
  generatorLoss,
  lowRank,
  type ObjectiveOptions,
} from "./index.ts";

// The fixtures are made by scripts/reference/forgery.py: SciPy and NumPy, and PyTorch in float64.
const read = <Content>(name: string): Content =>
  JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), "utf8"));

const evaluate = async (of: (x: Tensor) => Record<string, Tensor>, x: Value): Promise<Values> => {
  const fed = input("x", x.shape);
  const runtime = openLocalRuntime({ threads: 1 });
  const results = await (await runtime.load(program({ feeds: [fed], results: of(fed) }))).run({ x });
  await runtime.close();
  return results;
};

const expectClose = (found: Value, expected: Value, tolerance: number): void => {
  expect(found.shape).toEqual(expected.shape);
  const [a, b] = [found, expected].map(({ data }) => Float64Array.from(data as Float32Array));
  const apart = a.map((value, i) => Math.abs(value - b[i]));
  expect(Math.max(...apart)).toBeLessThan(tolerance);
};

const transforms = read<Record<"image" | "whole" | "blocks" | "matrices" | "nearest", Packed> & { rank: number }>("transforms");

test("cosine transforms of whole images and of blocks are SciPy's, and their transposes undo them", async () => {
  const image = unpack(transforms.image);
  const undone = (y: Tensor, [rows, columns]: readonly number[]): Tensor =>
    matmul(matmul(cosineMatrix(rows), y, { transposeA: true }), cosineMatrix(columns));
  const found = await evaluate((x) => {
    const [whole, blocks] = [cosineTransform(x), blockCosineTransform(x)];
    const back = undone(reshape(transpose(blocks, [0, 1, 3, 2]), [1, 2, 6, 8, 8]), [8, 8]);
    return {
      whole,
      blocks,
      undone: undone(whole, [16, 24]),
      blocksUndone: reshape(transpose(reshape(back, [1, 2, 2, 3, 8, 8]), [0, 1, 2, 4, 3, 5]), image.shape),
    };
  }, image);
  expectClose(found.whole, unpack(transforms.whole), 1e-5);
  expectClose(found.blocks, unpack(transforms.blocks), 1e-5);
  expectClose(found.undone, image, 1e-5);
  expectClose(found.blocksUndone, image, 1e-5);
});

test("the low-rank projection is the truncated singular-value decomposition", async () => {
  const { y } = await evaluate((x) => ({ y: lowRank(x, { rank: transforms.rank }) }), unpack(transforms.matrices));
  expectClose(y, unpack(transforms.nearest), 1e-4);
});

const { networks, options, values, batch, ...reference } = read<{
  networks: { generator: GeneratorOptions; detector: DetectorOptions };
  options: ObjectiveOptions;
  values: FirstValues;
  batch: Record<"real" | "reference" | "forged" | "forgedRegion" | "regionKnown", Packed>;
  generatorStep: ReferenceStep;
  detectorStep: ReferenceStep;
  detected: string;
  generated: string;
}>("networks");

const fed = Object.fromEntries(Object.entries(batch).map(([name, packed]) => [name, unpack(packed)]));
/** The other player, as constants. */
const held = frozen(new Map(Object.entries(values).map(([name, packed]) => [name, unpack(packed)])));
const flat = (parts: readonly Tensor[]): Tensor =>
  concat(
    parts.map((part) => reshape(part, [(part.shape as number[]).reduce((a, b) => a * b, 1)])),
    0,
  );
const perception = (x: Tensor): readonly Tensor[] => [x, averagePool2d(x, 4)];

test("the generator's loss and every gradient, by the float64 reference", () =>
  expectSameStep(
    reference.generatorStep,
    values,
    { real: fed.real, reference: fed.reference },
    (p, { real, reference }) =>
      generatorLoss({ generator: p.at("generator"), detector: held.at("detector") }, { real, reference }, networks, {
        ...options,
        eightBits: false,
        style: { perception },
      }).loss,
    1e-3, // through the detector's largest values, the bias of an encoder is a small difference of large sums
  ));

test("the detector's loss and every gradient, by the float64 reference", () =>
  expectSameStep(reference.detectorStep, values, fed, (p, { real, reference, forged, forgedRegion, regionKnown }) => {
    const players = { generator: held.at("generator"), detector: p.at("detector") };
    return detectorLoss(players, { real, reference, forged, forgedRegion, regionKnown }, networks, {
      ...options,
      eightBits: false,
    }).loss;
  }));

test("what the finished networks return, by the float64 reference", async () => {
  const same = (evaluated: string, network: (p: Parameters, x: Tensor) => readonly Tensor[]) =>
    expectSameExport({ loss: 0, gradients: {}, statisticsAfter: {}, evaluated }, values, fed.real, (p, x) => flat(network(p, x)));
  await same(reference.detected, (p, x) => {
    const { logit, regions } = detector(p.at("detector"), x, networks.detector);
    return [logit, regions];
  });
  const other = constant(fed.reference.data.slice(0, 3 * 24 * 24) as Float32Array, [1, 3, 24, 24]);
  await same(reference.generated, (p, x) => {
    const { blend, styled } = generator(p.at("generator"), x, other, networks.generator);
    return [slice(blend!.mask, 3, 0, 24, 2), slice(styled!, 3, 0, 24, 3)];
  });
});
