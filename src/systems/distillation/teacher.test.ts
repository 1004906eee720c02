import { fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { describe, expect, test } from "vitest";
import { constant, conv2d, input, maxPool2d, mean, relu, reshape, type Tensor, toOnnx } from "../../graph/index.ts";
import { type ConfigInput, configSchema } from "./config.ts";
import { type Teacher, teacherOf } from "./teacher.ts";
import { compute, floats, largestDifference, noise } from "./testing/graphs.ts";
import { type TinyTeacherOptions, teacherFile, tinyTeacher } from "./testing/tiny-teacher.ts";

const size = 64;
type Settings = NonNullable<ConfigInput["teacher"]>;
const settingsOf = (given: Settings = {}) =>
  configSchema.parse({ image: { size }, teacher: { strides: [4, 8, 16], octaves: 1, ...given } }).teacher;
const open = (bytes: Uint8Array, given: Settings = {}, pixels = size): Teacher =>
  teacherOf(teacherFile(bytes), settingsOf(given), pixels);
const tiny = (given: Settings = {}, options: TinyTeacherOptions = {}): Teacher => open(tinyTeacher(options), given);
const strides = ({ scales }: Teacher): number[] => scales.map(({ stride }) => stride);

const photograph = { shape: [2, 3, size, size], data: noise([2, 3, size, size], "photograph").data.map(Math.abs) };

describe("the feature maps", () => {
  test("of each stride are the last, from fine to coarse, with their channels and size", () => {
    expect(tiny().scales).toMatchObject([
      { name: "stride4", stride: 4, channels: 5, size: 16 },
      { name: "stride8", stride: 8, channels: 6, size: 8 },
      { name: "stride16", stride: 16, channels: 7, size: 4 },
    ]);
    // Of two maps of a stride the later.
    const x = input("image", [1, 3, size, size]);
    const first = maxPool2d(x, 4);
    const second = relu(first);
    expect(open(toOnnx({ inputs: [x], outputs: { first, second } }), { strides: [4] }).scales[0].name).toBe("second");
  });

  test("may be named instead, in any order", () => {
    expect(tiny({ layers: ["stride8", "stride2"] }).scales).toMatchObject([
      { name: "stride2", stride: 2, channels: 4, size: 32 },
      { name: "stride8", stride: 8, channels: 6, size: 8 },
    ]);
    expect(strides(tiny({ strides: [16, 4] }))).toEqual([4, 16]);
  });

  test("come for images of other sizes and batches than the file is fixed to", () => {
    const teacher = open(tinyTeacher(), {}, 96);
    expect(teacher.scales.map((scale) => scale.size)).toEqual([24, 12, 6]);
    expect(teacher.features(input("x", [5, 3, 96, 96])).map(({ shape }) => shape)).toEqual([
      [5, 5, 24, 24],
      [5, 6, 12, 12],
      [5, 7, 6, 6],
    ]);
  });

  test("of further octaves are the coarsest map of the image at half the size, a quarter ...", async () => {
    const teacher = tiny({ octaves: 2 });
    expect(teacher.scales.slice(2)).toMatchObject([
      { name: "stride16", stride: 16, channels: 7, size: 4 },
      { name: "stride16 of the image at 1/2", stride: 32, channels: 7, size: 2 },
    ]);
    const half = new Float32Array(photograph.data.length / 4);
    for (let i = 0; i < half.length; i++) {
      const [row, column] = [Math.floor(i / (size / 2)), i % (size / 2)];
      for (const at of [0, 1, size, size + 1]) half[i] += photograph.data[2 * row * size + 2 * column + at] / 4;
    }
    const { reduced } = await compute([photograph], (x) => ({ reduced: teacher.features(x)[3] }));
    const { expected } = await compute([{ shape: [2, 3, size / 2, size / 2], data: half }], (x) => ({
      expected: open(tinyTeacher(), {}, size / 2).features(x)[2],
    }));
    expect(largestDifference(reduced.data, expected.data)).toBeLessThan(1e-5);
  });

  test("are the same of a model whose images have their channels last", async () => {
    const [first, last] = [tiny(), tiny({}, { channelsLast: true })];
    expect(last.scales).toEqual(first.scales);
    const found = await compute([photograph], (x) => ({ first: first.features(x)[2], last: last.features(x)[2] }));
    expect(largestDifference(found.last.data, found.first.data)).toBeLessThan(1e-5);
  });
});

describe("what it is shown", () => {
  /** A teacher that lets through what it gets: its only map is the image, four pixels to a position. */
  const through = (() => {
    const x = input("image", [1, 3, size, size]);
    const corner = constant(
      Float32Array.from({ length: 9 * 16 }, (_, i) => (i % 64 === 0 ? 1 : 0)),
      [3, 3, 4, 4],
    );
    return toOnnx({ inputs: [x], outputs: { seen: conv2d(x, corner, { stride: 4 }) } });
  })();
  const colours = [0.2, 0.6, 0.9];
  const shown = async (scaling: Settings["scaling"], own: "imagenet" | "symmetric", given: readonly number[]) => {
    const image = floats(
      [1, given.length, size, size],
      given.flatMap((value) => new Array(size * size).fill(value)),
    );
    const teacher = teacherOf(teacherFile(through, own), settingsOf({ strides: [4], scaling }), size);
    const { seen } = await compute([image], (x) => ({ seen: teacher.features(x)[0] }));
    return [0, 1, 2].map((channel) => seen.data[channel * (size / 4) ** 2]);
  };
  const imagenet = [(0.2 - 0.485) / 0.229, (0.6 - 0.456) / 0.224, (0.9 - 0.406) / 0.225];

  test.each([
    ["imagenet", imagenet],
    ["symmetric", [-0.6, 0.2, 0.8]],
    ["unit", colours],
    ["bytes", [51, 153, 229.5]],
  ] as const)("with the scaling %s", async (scaling, expected) => {
    expect(largestDifference(await shown(scaling, "imagenet", colours), expected)).toBeLessThan(1e-4);
  });

  test("is scaled as the file needs it, where the settings leave it open", async () => {
    expect(largestDifference(await shown("auto", "symmetric", colours), [-0.6, 0.2, 0.8])).toBeLessThan(1e-6);
    expect(largestDifference(await shown("auto", "imagenet", colours), imagenet)).toBeLessThan(1e-5);
  });

  test("is a grey image in all three colours, each scaled by its own", async () => {
    expect(largestDifference(await shown("symmetric", "imagenet", [0.5]), [0, 0, 0])).toBeLessThan(1e-6);
    const grey = (await shown("imagenet", "imagenet", [0.5])).map((value) => Number(value.toFixed(4)));
    expect(grey).toEqual([0.0655, 0.1964, 0.4178]);
    const teacher = tiny();
    const [first] = teacher.features(input("x", [3, 1, size, size]));
    expect(first.shape).toEqual([3, 5, 16, 16]);
  });
});

test("its weights are constants of the graph, to the bit those of the file", () => {
  const bytes = tinyTeacher();
  const x = input("x", [2, 3, size, size]);
  const built = toOnnx({
    inputs: [x],
    outputs: Object.fromEntries(
      open(bytes)
        .features(x)
        .map((feature, i) => [`f${i}`, feature]),
    ),
  });
  const constantsOf = (model: Uint8Array) =>
    fromBinary(ModelProtoSchema, model).graph!.initializer.map(({ rawData }) => Buffer.from(rawData).toString("base64"));
  const weights = constantsOf(bytes);
  expect(weights).toHaveLength(8);
  for (const weight of weights) expect(constantsOf(built)).toContain(weight);
});

describe("a model that cannot be the teacher is refused in a sentence:", () => {
  const image = (...shape: number[]): Tensor => input("image", shape);
  const model = (x: Tensor, y: Tensor): Uint8Array => toOnnx({ inputs: [x], outputs: { y } });
  const vector = image(1, 10);
  const bytesImage = input("image", [1, 3, size, size], "uint8");
  const colour = image(1, 3, size, size);
  const filter = constant(noise([4, 3, 3, 3], "filter").data, [4, 3, 3, 3]);
  const cases: [what: string, bytes: Uint8Array, given: Settings, message: string][] = [
    [
      "a stride it lacks",
      tinyTeacher({ channels: [4, 5, 6] }),
      {},
      'The teacher "tiny.onnx" has no feature map of stride 16; it has 2, 4, 8. Set teacher.strides, or name maps in teacher.layers.',
    ],
    [
      "no maps at all",
      model(colour, mean(colour, [2, 3])),
      {},
      'The teacher "tiny.onnx" has no feature map of stride 4; it has none.',
    ],
    [
      "one stride twice",
      tinyTeacher(),
      { strides: [4, 8, 4] },
      'Two feature maps of the teacher "tiny.onnx" have the stride 4: name one of each.',
    ],
    [
      "two names of one stride",
      tinyTeacher(),
      { layers: ["stride4", "stride8", "stride4"] },
      'Two feature maps of the teacher "tiny.onnx" have the stride 4: name one of each.',
    ],
    [
      "an unknown name",
      tinyTeacher(),
      { layers: ["stride5"] },
      'no value "stride5"; the nearest names are "stride2", "stride4", "stride8"',
    ],
    [
      "a name that is no map",
      model(colour, mean(colour, [2, 3])),
      { layers: ["y"] },
      '"y" of the teacher "tiny.onnx" is no feature map of 64 x 64 pixels: its shape is [1,3].',
    ],
    [
      "a name of an odd size",
      model(colour, conv2d(colour, filter)),
      { layers: ["y"] },
      '"y" of the teacher "tiny.onnx" is no feature map of 64 x 64 pixels: its shape is [1,4,62,62].',
    ],
    [
      "no image",
      model(vector, relu(vector)),
      {},
      'The teacher "tiny.onnx" does not take one RGB image, float32 [batch, 3, height, width]: it cannot be used.',
    ],
    ["grey images only", tinyTeacher({ colours: 1 }), {}, 'The teacher "tiny.onnx" does not take one RGB image'],
    ["four channels", tinyTeacher({ colours: 4 }), {}, 'The teacher "tiny.onnx" does not take one RGB image'],
    [
      "maps that are cut at the border",
      tinyTeacher({ padding: 0 }),
      {},
      '"stride4" of the teacher "tiny.onnx" has 15 x 15 positions for 64 x 64 pixels',
    ],
    ["no model", Uint8Array.of(1, 2, 3), {}, 'The teacher "tiny.onnx" cannot be read. The file is not an ONNX model'],
    [
      "images of whole numbers",
      model(bytesImage, reshape(bytesImage, [3, size, size])),
      {},
      "does not take one RGB image, float32",
    ],
  ];
  test.each(cases)("%s", (_, bytes, given, message) => {
    expect(() => open(bytes, given)).toThrow(message);
  });

  test("named maps too coarse to be halved, with what to set", () => {
    const named: Settings = { layers: ["stride4", "stride16"] };
    expect(() => open(tinyTeacher(), named, 80)).toThrow("Set image.size to a multiple of 32, or choose other maps");
    expect(strides(open(tinyTeacher(), named, 96))).toEqual([4, 16]);
  });
});
