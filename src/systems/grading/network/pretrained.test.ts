import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { readSafetensors, type StoredTensor, type StoredTensors } from "../../../graph/index.ts";
import { type FirstValues, unpack } from "../../../nn/testing/reference.ts";
import type { SegmentationOptions } from "./index.ts";
import { parametersOf, pretrained, readPretrained } from "./pretrained.ts";
import { relativePositions } from "./windows.ts";

// Made by scripts/reference/published.py with the safetensors library: one network under the names of four collections.
const pathOf = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
const { options, values }: { options: SegmentationOptions; values: FirstValues } = JSON.parse(
  readFileSync(pathOf("published.json"), "utf8"),
);
const parameters = parametersOf(options, [16, 24]);
const backbone = [...parameters.keys()].filter((name) => name.startsWith("backbone."));
const without = (...names: string[]) => backbone.filter((name) => !names.some((missing) => name.startsWith(missing)));
const firstNorms = [0, 1, 2].map((stage) => `backbone.stage${stage}.norm.`);

test("a network's parameters, by name and shape", () => {
  expect([...parameters.keys()].sort()).toEqual(Object.keys(values).sort());
  for (const [name, shape] of parameters) expect(shape, name).toEqual(values[name].shape);
});

describe.each<[string, string[]]>([
  ["microsoft", without(...firstNorms)],
  ["timm", without("backbone.position.")],
  ["mmsegmentation", [...parameters.keys()]],
  ["transformers", [...parameters.keys()]],
])("weights as %s names and orders them", (collection, expected) => {
  test("come to their places with their values", async () => {
    const found = await readPretrained(pathOf(`${collection}.safetensors`), parameters);
    expect([...found.values.keys()].sort()).toEqual([...expected].sort());
    for (const [name, value] of found.values) expect(value, name).toEqual(unpack(values[name]));
    expect([...found.missing, ...found.values.keys()].sort()).toEqual([...parameters.keys()].sort());
    expect(new Set(found.used.values())).toEqual(new Set(expected));
  });

  test("all of them are reported", async () => {
    const file = readSafetensors(readFileSync(pathOf(`${collection}.safetensors`)));
    const { used, unused } = pretrained(file, parameters);
    expect([...used.keys(), ...unused.keys()].sort()).toEqual([...file.keys()].sort());
  });
});

test("what is not needed is told from what does not fit", async () => {
  const { unused } = await readPretrained(pathOf("microsoft.safetensors"), parameters);
  expect(Object.fromEntries(unused)).toEqual({
    "head.bias": "the classifier of another task",
    "head.weight": "the classifier of another task",
    "layers.0.blocks.0.attn.relative_position_index": "the network computes it",
    "layers.0.blocks.1.attn_mask": "the network computes it",
  });
});

const stored = (shape: readonly number[], value = (i: number) => i): StoredTensor => ({
  shape,
  values: () => Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => value(i)),
});
const norm: [string, StoredTensor] = ["layers.0.blocks.0.norm1.weight", stored([2])];
const reasonFor = (name: string, tensor: StoredTensor): string | undefined =>
  pretrained(new Map([norm, [name, tensor]]), parameters).unused.get(name);

test("what does not fit is said, name by name", () => {
  expect(reasonFor("layers.0.blocks.0.mlp.fc1.weight", stored([8, 2]))).toBe(
    'its shape is [8, 2], but "backbone.stage0.block0.mlp.first.weight" needs [2, 2]',
  );
  expect(reasonFor("layers.0.blocks.0.attn.relative_position_bias_table", stored([169, 1]))).toBe(
    "it is made for windows of 7, but the network has windows of 2",
  );
  expect(reasonFor("absolute_pos_embed", stored([1, 10, 2]))).toBe(
    "its shape [1, 10, 2] is not that of 4 x 6 tokens of 2 channels, nor of another grid of them",
  );
  expect(reasonFor("layers.0.blocks.7.norm1.weight", stored([2]))).toBe(
    'this network has no "backbone.stage0.block7.norm1.weight"',
  );
  expect(reasonFor("layers.0.blocks.0.attn.logit_scale", stored([2]))).toBe("a part of Swin V2, whose blocks are others");
  expect(reasonFor("stages.0.blocks.0.norm1.weight", stored([2]))).toBe(
    '"backbone.stage0.block0.norm1.weight" has its values already',
  );
  expect(reasonFor("encoder.layers.0.blocks.0.attention.self.query.weight", stored([2, 2]))).toBe(
    '"backbone.stage0.block0.attention.query_key_value.weight" needs queries, keys and values together',
  );
  expect(reasonFor("conv1.weight", stored([2]))).toBe("the network has no such part");
});

test("a network of its own begins where its checkpoint ends, at another patch size too", () => {
  const checkpoint = new Map<string, StoredTensor>();
  for (const [name, shape] of parameters) checkpoint.set(name, stored(shape));
  checkpoint.set("optimiser.step", stored([1]));
  const same = pretrained(checkpoint, parameters);
  expect(same.missing).toEqual([]);
  expect([...same.unused.keys()]).toEqual(["optimiser.step"]);
  for (const [name, value] of same.values) expect([...value.data], name).toEqual([...value.data].map((_, i) => i));

  const larger = parametersOf(options, [32, 48]);
  const moved = pretrained(checkpoint, larger);
  expect(moved.missing).toEqual([]);
  // A plane over the grid stays a plane, but for the outermost half of a token, where it is held.
  const plane = (rows: number, columns: number) => (i: number) => {
    const place = Math.floor(i / 2);
    return ((Math.floor(place / columns) + 0.5) / rows + ((place % columns) + 0.5) / columns) * (1 + (i % 2));
  };
  checkpoint.set("backbone.position.embedding", stored([4, 6, 2], plane(4, 6)));
  const { data, shape } = pretrained(checkpoint, larger).values.get("backbone.position.embedding")!;
  expect(shape).toEqual([8, 12, 2]);
  for (let i = 0; i < data.length; i++) {
    const [row, column] = [Math.floor(i / 24), Math.floor(i / 2) % 12];
    if (row > 0 && row < 7 && column > 0 && column < 11) expect(data[i]).toBeCloseTo(plane(8, 12)(i), 5);
  }
});

test("a bias that an export has looked up already becomes the table again", () => {
  const [positions, name] = [relativePositions(2), "layers.2.blocks.1.attn.Add"];
  const looked = stored([1, 2, 4, 4], (i) => positions[i % 16] + 100 * Math.floor(i / 16));
  const { values: found } = pretrained(new Map([[name, looked]]), parameters);
  const table = found.get("backbone.stage2.block1.attention.position_bias")!;
  expect([...table.data]).toEqual(Array.from({ length: 18 }, (_, i) => Math.floor(i / 2) + 100 * (i % 2)));
});

describe("a file of weights is refused", () => {
  const readBytes = async (name: string, bytes: Uint8Array) => {
    const folder = await mkdtemp(join(tmpdir(), "weights-"));
    try {
      await writeFile(join(folder, name), bytes);
      return await readPretrained(join(folder, name), parameters);
    } finally {
      await rm(folder, { recursive: true });
    }
  };

  test("of another kind, missing, or damaged", async () => {
    await expect(readPretrained("swin.pth", parameters)).rejects.toThrow(
      'The weights "swin.pth" are neither a .safetensors nor an .onnx file.',
    );
    await expect(readPretrained("missing.onnx", parameters)).rejects.toThrow(
      'The weights "missing.onnx" cannot be read (ENOENT).',
    );
    await expect(readBytes("cut.safetensors", new Uint8Array(3))).rejects.toThrow(
      'The weights "cut.safetensors" cannot be used. The file is not a safetensors file, or ends within its header.',
    );
    await expect(readBytes("cut.onnx", new Uint8Array(3))).rejects.toThrow('The weights "cut.onnx" cannot be used. The file is');
  });

  test("that is of another network", () => {
    const resnet: StoredTensors = new Map([["conv1.weight", stored([2])]]);
    expect(() => pretrained(resnet, parameters)).toThrow(
      'None of its 1 tensors fits this network; of the first, "conv1.weight": the network has no such part.',
    );
  });
});
