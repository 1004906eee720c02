import { describe, expect, test } from "vitest";
import { openLocalRuntime, type Values } from "../../runtime/index.ts";
import { type Program, readModel } from "../index.ts";
import { ELEMENTWISE } from "./elementwise.ts";
import { LAYOUT } from "./layout.ts";
import { rawTensor } from "./raw-model.ts";
import {
  bools,
  type Case,
  difference,
  fed,
  floats,
  int,
  ints,
  number,
  type Options,
  operatorsOf,
  positive,
  prepared,
  titleOf,
  w,
  x,
} from "./single-node.ts";

const bool: Options = { outputs: ["bool"] };
const int64: Options = { outputs: ["int64"] };
const many = (outputs: number): Options => ({ outputs: Array(outputs).fill("float32") });
const at = (opset: number): Options => ({ opset });

const elementwise: Case[] = [
  ["Add", [x(2, 3, 4), x(3, 1)]],
  ["Add", [ints(3, -4), int(5)], {}, int64],
  ["Sub", [x(2, 3), w(3)]],
  ["Sub", [ints(3, -4), ints(9)], {}, int64],
  ["Mul", [x(2, 3), w(2, 1)]],
  ["Mul", [ints(3, 4), int(-5)], {}, int64],
  ["Div", [x(2, 3), positive(3)]],
  ["Div", [ints(7, -7, 8), ints(2)], {}, int64],
  ["Div", [floats(7, -7, 8), number(3)]],
  ["Mod", [ints(7, -7, 8), ints(3, 3, -3)], {}, int64],
  ["Mod", [ints(7, -7, 8), ints(3, 3, -3)], { fmod: 1 }, int64],
  ["Pow", [x(2, 5), number(2)]],
  ["Pow", [positive(2, 5), floats(-0.5)]],
  ["Max", [x(2, 3), x(3), w(2, 1)]],
  ["Max", [ints(3, 9), ints(5)], {}, int64],
  ["Min", [x(2, 3), x(3), w(2, 1)]],
  ["Min", [x(4)], {}],
  ["Min", [ints(3, 9), ints(5)], {}, int64],
  ["Sum", [x(2, 3), x(3), x(1)]],
  ["Mean", [x(2, 3), x(3), x(1)]],
  ["Equal", [fed(BigInt64Array.of(1n, 2n, 3n)), ints(1, 5, 3)], {}, bool],
  ["Equal", [ints(1, 2, 3), int(2)], {}, bool],
  ["Less", [x(5), x(5)], {}, bool],
  ["Less", [ints(1, 2, 3), int(2)], {}, bool],
  ["LessOrEqual", [x(5), number(0)], {}, bool],
  ["LessOrEqual", [ints(1, 2, 3), int(2)], {}, bool],
  ["Greater", [x(5), number(0)], {}, bool],
  ["Greater", [ints(1, 2, 3), int(2)], {}, bool],
  ["GreaterOrEqual", [x(5), number(0)], {}, bool],
  ["GreaterOrEqual", [ints(1, 2, 3), int(2)], {}, bool],
  ["And", [fed(Uint8Array.of(0, 1, 1)), bools(1, 1, 0)], {}, bool],
  ["And", [bools(0, 1, 1), bools(1, 1, 0)], {}, bool],
  ["Or", [fed(Uint8Array.of(0, 1, 0)), bools(1, 1, 0)], {}, bool],
  ["Or", [bools(0, 1, 0), bools(1, 1, 0)], {}, bool],
  ["Not", [fed(Uint8Array.of(0, 1, 0))], {}, bool],
  ["Not", [bools(0, 1)], {}, bool],
  ["Where", [bools(1, 0, 1), x(2, 3), number(7)]],
  ["Where", [bools(1, 0, 1), ints(1, 2, 3), int(-1)], {}, int64],
  ["Abs", [x(7)]],
  ["Abs", [ints(-3, 3)], {}, int64],
  ["Neg", [x(7)]],
  ["Neg", [ints(-3, 3)], {}, int64],
  ["Sqrt", [positive(7)]],
  ["Sqrt", [floats(2, 3)]],
  ["Floor", [x(9)]],
  ["Floor", [floats(-1.5, 2.5)]],
  ["Ceil", [x(9)]],
  ["Ceil", [floats(-1.5, 2.5)]],
  ["Round", [x(9)]],
  ["Round", [floats(-2.5, -1.5, -0.5, 0.4, 0.5, 1.5, 2.5, 2.6, 3.5)]],
  ["Reciprocal", [positive(7)]],
  ["Exp", [x(7)]],
  ["Log", [positive(7)]],
  ["Sign", [x(7)]],
  ["Erf", [x(7)]],
  ["Asinh", [x(7)]],
  ["Sin", [x(7)]],
  ["Cos", [x(7)]],
];

const activations: Case[] = [
  ["Relu", [x(2, 5)]],
  ["LeakyRelu", [x(2, 5)]],
  ["LeakyRelu", [x(2, 5)], { alpha: { float: 0.3 } }],
  ["PRelu", [x(2, 3, 2, 2), w(3, 1, 1)]],
  ["Elu", [x(9)], { alpha: { float: 0.7 } }],
  ["Selu", [x(9)]],
  ["Clip", [x(9)], { min: { float: -0.5 }, max: { float: 0.5 } }, at(7)],
  ["Clip", [x(9)], { max: { float: 0.5 } }, at(10)],
  ["Clip", [x(9), number(-0.5), number(0.5)]],
  ["Clip", [x(9), undefined, number(0.5)]],
  ["Clip", [x(9), number(-0.5)]],
  ["Clip", [x(9)]],
  ["Clip", [ints(-3, 3, 9), int(0), int(5)], {}, int64],
  ["HardSigmoid", [x(9)]],
  ["HardSigmoid", [x(9)], { alpha: { float: 1 / 6 }, beta: { float: 0.4 } }],
  ["HardSwish", [x(9)]],
  ["Sigmoid", [x(9)]],
  ["Tanh", [x(9)]],
  ["Softplus", [x(9)]],
  ["Softsign", [x(9)]],
  ["Mish", [x(9)], {}, at(18)],
  ["Gelu", [x(9)], {}, at(20)],
  ["Gelu", [x(9)], { approximate: "tanh" }, at(20)],
  ["Gelu", [x(9)], {}, { domain: "com.microsoft" }],
  ["Softmax", [x(2, 3, 4)]],
  ["Softmax", [x(2, 3, 4)], { axis: 1 }],
  ["Softmax", [x(2, 3, 4)], {}, at(11)],
  ["Softmax", [x(2, 3, 4)], { axis: -1 }, at(11)],
  ["Softmax", [x(2, 3, 4)], { axis: 0 }, at(7)],
  ["LogSoftmax", [x(2, 3, 4)], { axis: 1 }],
  ["LogSoftmax", [x(2, 3, 4)], { axis: 1 }, at(11)],
];

const layout: Case[] = [
  ["Identity", [x(2, 3)]],
  ["Dropout", [x(2, 3)]],
  ["Dropout", [x(2, 3)], { ratio: { float: 0.5 } }, at(10)],
  ["Cast", [x(5)], { to: 7 }, int64],
  ["Cast", [floats(-1.7, 0, 2.7)], { to: 7 }, int64],
  ["Cast", [floats(-1.7, 0, 2.7)], { to: 9 }, bool],
  ["Cast", [ints(3, -4)], { to: 1 }],
  ["Cast", [fed(BigInt64Array.of(0n, 5n))], { to: 9 }, bool],
  ["CastLike", [ints(3, -4), x(1)], {}],
  ["Constant", [], { value: rawTensor("", Float32Array.of(1, 2), [2]) }],
  ["Constant", [], { value_float: { float: 0.5 } }],
  ["Constant", [], { value_floats: { floats: [0.5, 2] } }],
  ["Constant", [], { value_int: 3 }, int64],
  ["Constant", [], { value_ints: [3, 4] }, int64],
  ["ConstantOfShape", [ints(2, 3)]],
  ["ConstantOfShape", [ints(2, 3)], { value: rawTensor("", BigInt64Array.of(7n), [1]) }, int64],
  ["Range", [int(2), int(11), int(3)], {}, int64],
  ["Range", [number(1), number(-1), number(-0.5)]],
  ["Shape", [x(2, 3, 4)], {}, int64],
  ["Shape", [x(2, 3, 4)], { start: -2, end: -1 }, int64],
  ["Size", [x(2, 3, 4)], {}, int64],
  ["Reshape", [x(2, 3, 4), ints(0, -1, 2)]],
  ["Reshape", [x(2, 3, 4), ints(4, 6)], { allowzero: 1 }],
  ["Reshape", [ints(1, 2, 3, 4), ints(2, -1)], {}, int64],
  ["Flatten", [x(2, 3, 4)]],
  ["Flatten", [x(2, 3, 4)], { axis: -1 }],
  ["Flatten", [x(2, 3, 4)], { axis: 0 }],
  ["Squeeze", [x(1, 3, 1)], { axes: [0] }, at(11)],
  ["Squeeze", [x(1, 3, 1), ints(-1)]],
  ["Squeeze", [x(1, 3, 1)]],
  ["Unsqueeze", [x(2, 3)], { axes: [0, 3] }, at(11)],
  ["Unsqueeze", [x(2, 3), ints(-1)]],
  ["Unsqueeze", [int(3), ints(0)], {}, int64],
  ["Transpose", [x(2, 3, 4)]],
  ["Transpose", [x(2, 3, 4)], { perm: [2, 0, 1] }],
  ["Transpose", [w(3, 2)]],
  ["Expand", [x(3, 1), ints(2, 1, 4)]],
  ["Expand", [ints(5), ints(3)], {}, int64],
  ["Tile", [x(2, 3), ints(2, 3)]],
  ["Tile", [ints(1, 2), ints(3)], {}, int64],
  ["Concat", [x(2, 3), x(2, 1)], { axis: -1 }],
  ["Concat", [ints(1), ints(2, 3)], { axis: 0 }, int64],
  ["Split", [x(2, 5)], { axis: 1, split: [2, 3] }, { ...many(2), opset: 11 }],
  ["Split", [x(2, 5), ints(1, 4)], { axis: -1 }, many(2)],
  ["Split", [x(6, 2)], {}, many(3)],
  ["Split", [x(7)], { num_outputs: 3 }, { ...many(3), opset: 18 }],
  ["Split", [ints(1, 2, 3, 4)], {}, { outputs: ["int64", "int64"] }],
  ["Slice", [x(5, 6)], { starts: [1, -3], ends: [4, 100] }, at(9)],
  ["Slice", [x(5, 6)], { starts: [-3], ends: [-1], axes: [1] }, at(7)],
  ["Slice", [x(5, 6), ints(0), ints(Number.MAX_SAFE_INTEGER), ints(-1), ints(2)]],
  ["Slice", [x(5, 6), ints(-1, 1), ints(-100, 5), ints(0, 1), ints(-2, 1)]],
  ["Slice", [ints(1, 2, 3, 4), ints(2), ints(4)], {}, int64],
  ["Slice", [ints(1, 2, 3, 4), ints(2), ints(2)], {}, int64],
  ["Slice", [ints(1, 2, 3, 4), ints(3), ints(-9), ints(0), ints(-1)], {}, int64],
  ["Gather", [x(3, 4), ints(2, 0, -1)]],
  ["Gather", [x(3, 4), int(1)], { axis: -1 }],
  ["Gather", [x(3, 4), fed(BigInt64Array.of(1n, 1n), [1, 2])]],
  ["Gather", [ints(7, 8, 9), int(-1)], {}, int64],
  ["Gather", [w(4, 2), ints(3, 1)]],
  ["Pad", [x(2, 3)], { pads: [0, 1, 2, 0], value: { float: 1.5 } }, at(7)],
  ["Pad", [x(2, 3), ints(1, -1, 0, 2)]],
  ["Pad", [x(2, 3), ints(1, 0, 0, 2), number(-2)]],
  ["Pad", [x(2, 3), ints(1, 2), undefined, ints(-1)], {}, at(18)],
  ["Pad", [x(2, 5), ints(0, 3, 0, 2)], { mode: "reflect" }],
  ["Pad", [x(2, 5), ints(1, 3, 0, 2)], { mode: "edge" }],
  ["Pad", [x(2, 5), ints(0, 3, 0, 2)], { mode: "wrap" }, at(19)],
  ["DepthToSpace", [x(2, 8, 2, 3)], { blocksize: 2 }],
  ["DepthToSpace", [x(2, 8, 2, 3)], { blocksize: 2, mode: "CRD" }],
  ["SpaceToDepth", [x(2, 2, 4, 6)], { blocksize: 2 }],
];

const groups: Record<string, Case[]> = { elementwise, activations, layout };

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
  expect(Object.keys({ ...ELEMENTWISE, ...LAYOUT }).filter((operator) => !tried.includes(operator))).toEqual([]);
});
