import { describe, expect, test } from "vitest";
import { openLocalRuntime, type Values } from "../../runtime/index.ts";
import { type Program, readModel } from "../index.ts";
import { IMAGES } from "./images.ts";
import { NORMALISATIONS } from "./normalisation.ts";
import type { RawAttribute } from "./raw-model.ts";
import { REDUCTIONS } from "./reductions.ts";
import { RESIZE } from "./resize.ts";
import { type Case, difference, floats, ints, type Options, operatorsOf, prepared, titleOf, w, x } from "./single-node.ts";

const int64: Options = { outputs: ["int64"] };
const at = (opset: number): Options => ({ opset });

const combining: Case[] = [
  ["ReduceSum", [x(2, 3, 4)], { axes: [1], keepdims: 0 }, at(11)],
  ["ReduceSum", [x(2, 3, 4), ints(-1, 0)]],
  ["ReduceSum", [x(2, 3, 4)]],
  ["ReduceSum", [x(2, 3, 4)], { noop_with_empty_axes: 1 }],
  ["ReduceSum", [ints(2, 3, 4)], { keepdims: 0 }, int64],
  ["ReduceMean", [x(2, 3, 4)], { axes: [-1] }],
  ["ReduceMean", [x(2, 3, 4), ints(2)], {}, at(18)],
  ["ReduceMax", [x(2, 3, 4)], { axes: [1], keepdims: 0 }],
  ["ReduceMax", [ints(2, 7, 4)], { keepdims: 0 }, int64],
  ["ReduceMin", [x(2, 3, 4), ints(1)], {}, at(18)],
  ["ReduceMin", [ints(2, 7, 4)], {}, int64],
  ["ReduceProd", [ints(2, 7, 4)], { keepdims: 0 }, int64],
  ["ReduceL1", [x(2, 3, 4)], { axes: [1] }],
  ["ReduceL2", [x(2, 3, 4)], { axes: [1] }],
  ["ReduceSumSquare", [x(2, 3, 4)], { axes: [1] }],
  ["ReduceLogSumExp", [x(2, 3, 4)], { axes: [1], keepdims: 0 }],
  ["ArgMax", [x(2, 3, 4)], { axis: -1 }, int64],
  ["ArgMax", [x(2, 3, 4)], { keepdims: 0 }, int64],
  ["MatMul", [x(2, 3, 4), w(4, 5)]],
  ["MatMul", [x(4), w(2, 4, 5)]],
  ["MatMul", [x(2, 3, 4), x(4)]],
  ["MatMul", [x(4), x(4)]],
  ["Gemm", [x(2, 4), w(4, 3), w(3)]],
  ["Gemm", [x(4, 2), w(3, 4), w(2, 1)], { transA: 1, transB: 1, alpha: { float: 0.5 }, beta: { float: -2 } }],
  ["Gemm", [x(2, 4), w(4, 3)]],
  ["FusedMatMul", [x(2, 4, 3), x(2, 5, 4)], { transA: 1, transB: 1, alpha: { float: 0.5 } }, { domain: "com.microsoft" }],
  ["BatchNormalization", [x(2, 3, 4, 4), w(3), w(3), w(3), floats(0.5, 1, 2)]],
  ["BatchNormalization", [x(4, 3), w(3), w(3), w(3), floats(0.5, 1, 2)], { epsilon: { float: 0.1 } }, at(9)],
  ["InstanceNormalization", [x(2, 3, 4, 4), w(3), w(3)], { epsilon: { float: 1e-3 } }],
  ["LayerNormalization", [x(2, 3, 8), w(8), w(8)]],
  ["LayerNormalization", [x(2, 3, 8), w(3, 8)], { axis: 1, epsilon: { float: 1e-2 } }],
  ["GroupNormalization", [x(2, 4, 3, 3), w(2), w(2)], { num_groups: 2 }, at(18)],
  ["GroupNormalization", [x(2, 4, 3, 3), w(4), w(4)], { num_groups: 2 }, at(21)],
  ["LRN", [x(2, 7, 3, 3)], { size: 5, alpha: { float: 0.3 }, beta: { float: 0.6 }, bias: { float: 2 } }],
];

const pool = { kernel_shape: [3, 3], strides: [2, 2] };
const images: Case[] = [
  ["Conv", [x(2, 3, 7, 8), w(4, 3, 3, 3), w(4)], { pads: [1, 1, 1, 1], strides: [2, 2] }],
  ["Conv", [x(2, 3, 7, 8), w(4, 3, 3, 2)], { pads: [0, 1, 2, 0], strides: [2, 1], dilations: [1, 2] }],
  ["Conv", [x(1, 4, 7, 8), w(4, 1, 3, 3), w(4)], { group: 4, auto_pad: "SAME_UPPER", strides: [2, 2] }],
  ["Conv", [x(1, 4, 7, 8), w(6, 2, 4, 4)], { group: 2, auto_pad: "SAME_LOWER" }],
  ["Conv", [x(1, 2, 7, 8), w(3, 2, 3, 3)], { auto_pad: "VALID" }],
  ["ConvTranspose", [x(2, 3, 4, 5), w(3, 2, 3, 3), w(2)], { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] }],
  ["ConvTranspose", [x(1, 4, 4, 5), w(4, 1, 2, 3)], { strides: [2, 3], pads: [0, 1, 1, 0], group: 2, dilations: [2, 1] }],
  ["ConvTranspose", [x(1, 2, 4, 5), w(2, 3, 3, 3)], { strides: [2, 2], auto_pad: "SAME_UPPER" }],
  ["ConvTranspose", [x(1, 2, 4, 5), w(2, 3, 3, 3)], { strides: [2, 2], auto_pad: "SAME_LOWER" }],
  ["ConvTranspose", [x(1, 2, 4, 5), w(2, 3, 3, 3)], { strides: [2, 2], output_shape: [8, 10] }],
  ["ConvTranspose", [x(1, 2, 4, 5), w(2, 3, 3, 3)], { auto_pad: "VALID" }],
  ["MaxPool", [x(2, 3, 7, 8)], { ...pool, pads: [1, 1, 1, 1] }],
  ["MaxPool", [x(2, 3, 7, 8)], { ...pool, auto_pad: "SAME_UPPER" }, at(7)],
  ["MaxPool", [x(2, 3, 8, 8)], { ...pool, auto_pad: "SAME_LOWER" }],
  ["MaxPool", [x(2, 3, 6, 8)], { ...pool, ceil_mode: 1 }],
  ["MaxPool", [x(1, 1, 6, 7)], { kernel_shape: [2, 2], strides: [2, 2], pads: [1, 1, 1, 1], ceil_mode: 1 }],
  ["MaxPool", [x(1, 2, 6, 9)], { kernel_shape: [2, 3], strides: [1, 2], pads: [1, 0, 0, 1] }],
  ["MaxPool", [x(1, 2, 9, 9)], { kernel_shape: [3, 3], dilations: [2, 1] }],
  ["AveragePool", [x(2, 3, 7, 8)], { ...pool, pads: [1, 1, 1, 1] }],
  ["AveragePool", [x(2, 3, 7, 8)], { ...pool, pads: [1, 1, 1, 1], count_include_pad: 1 }],
  ["AveragePool", [x(2, 3, 7, 8)], { ...pool, auto_pad: "SAME_UPPER" }],
  ["AveragePool", [x(2, 3, 6, 8)], { ...pool, ceil_mode: 1 }, at(10)],
  ["AveragePool", [x(2, 3, 6, 8)], { ...pool, ceil_mode: 1, pads: [1, 1, 1, 1], count_include_pad: 1 }, at(19)],
  ["AveragePool", [x(2, 3, 6, 8)], { kernel_shape: [2, 3], strides: [1, 2], pads: [1, 0, 0, 2], count_include_pad: 1 }],
  ["AveragePool", [x(1, 1, 9, 9)], { kernel_shape: [3, 3], dilations: [2, 3] }, at(19)],
  ["GlobalMaxPool", [x(2, 3, 4, 5)]],
  ["GlobalAveragePool", [x(2, 3, 4, 5)]],
];

const resized = (
  mode: string,
  attributes: Record<string, RawAttribute>,
  height: number,
  width: number,
  options?: Options,
): Case => ["Resize", [x(1, 2, 4, 5), undefined, undefined, ints(1, 2, height, width)], { mode, ...attributes }, options];
const resizing: Case[] = [
  ["Upsample", [x(1, 2, 4, 5)], { scales: { floats: [1, 1, 2, 1.5] } }, at(7)],
  ["Upsample", [x(1, 2, 4, 5), floats(1, 1, 2, 3)], { mode: "linear" }, at(9)],
  ["Resize", [x(1, 2, 4, 5), floats(1, 1, 2, 3)], {}, at(10)],
  ["Resize", [x(1, 2, 6, 6), floats(1, 1, 0.6, 0.4)], {}, at(10)],
  ["Resize", [x(1, 2, 4, 5), floats(1, 1, 0.6, 2.5)], { mode: "linear" }, at(10)],
  ["Resize", [x(1, 2, 4, 5), undefined, floats(1, 1, 2.6, 1.3)], { mode: "linear" }],
  ["Resize", [x(1, 2, 4, 5), undefined, floats(1, 1, 2.6, 1.3)], { mode: "nearest" }],
  ["Resize", [x(1, 2, 4, 5), floats(), floats(), ints(1, 2, 7, 11)], { mode: "linear" }, at(11)],
  ["Resize", [x(1, 4, 5, 2), undefined, undefined, ints(8, 7)], { mode: "linear", axes: [1, 2] }, at(18)],
  ...["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"].flatMap((coordinate_transformation_mode) => [
    ...["linear", "cubic"].flatMap((mode) => [
      resized(mode, { coordinate_transformation_mode }, 9, 8),
      resized(mode, { coordinate_transformation_mode }, 1, 3),
    ]),
    ...["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"].flatMap((nearest_mode) => [
      resized("nearest", { coordinate_transformation_mode, nearest_mode }, 8, 7),
      resized("nearest", { coordinate_transformation_mode, nearest_mode }, 3, 2),
    ]),
  ]),
  resized("cubic", { cubic_coeff_a: { float: -0.5 } }, 9, 8),
  [
    "Resize",
    [x(1, 2, 4, 5), floats(), floats(), ints(1, 2, 9, 8)],
    { coordinate_transformation_mode: "tf_half_pixel_for_nn" },
    at(11),
  ],
  [
    "Resize",
    [x(1, 2, 4, 5), undefined, floats(1, 1, 2.6, 1.3)],
    { mode: "linear", coordinate_transformation_mode: "half_pixel_symmetric" },
    at(19),
  ],
];

const groups: Record<string, Case[]> = { combining, images, resizing };

const run = async (model: Program, values: Values): Promise<Values> => {
  const runtime = openLocalRuntime({ threads: 1 });
  try {
    return await (await runtime.load(model)).run(values);
  } finally {
    await runtime.close();
  }
};

describe.each(Object.entries(groups))("imported operators do what ONNX Runtime does: %s", (_, cases) => {
  test.each(cases.map((given) => [titleOf(given), given] as const))("%s", async (_name, given) => {
    const { bytes, imported, values } = prepared(given);
    const [found, expected] = [await run(imported, values), await run(readModel(bytes), values)];
    for (const { name, shape } of imported.results) {
      expect(shape).toEqual(expected[name].shape);
      expect(difference(found[name], expected[name])).toBeLessThanOrEqual(1e-6);
    }
  });
});

test("every operator of these tables is among them", () => {
  const tried = operatorsOf(Object.values(groups).flat());
  expect(
    Object.keys({ ...IMAGES, ...NORMALISATIONS, ...REDUCTIONS, ...RESIZE }).filter((operator) => !tried.includes(operator)),
  ).toEqual([]);
});
