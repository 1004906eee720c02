import { describe, expect, test } from "vitest";
import { random } from "../../../random/index.ts";
import { GraphError, input, readTflite } from "../../index.ts";
import { type BuiltModel, convolutionOptions, tfliteModel } from "./testing/build.ts";

const [ADD, CONV_2D, DEQUANTIZE] = [0, 3, 6];

const model: BuiltModel = {
  tensors: [
    { name: "image", shape: [1, 4, 4, 2] },
    { name: "halves", shape: [2, 3, 3, 2], type: 1, data: new Uint16Array(36) },
    { name: "w", shape: [2, 3, 3, 2] },
    { name: "bias", shape: [2], data: new Float32Array(2) },
    { name: "y", shape: [1, 4, 4, 2] },
    { name: "z", shape: [1, 4, 4, 2] },
  ],
  operators: [
    { code: DEQUANTIZE, inputs: [1], outputs: [2] },
    { code: CONV_2D, inputs: [0, 2, 3], outputs: [4], ...convolutionOptions(false, { activation: "RELU6" }) },
    { code: ADD, inputs: [0, 4], outputs: [5] },
  ],
  inputs: [0],
  outputs: [5],
};
const bytes = tfliteModel(model);

/** Where the offset at a position leads, and where a table has a field. */
const walk = (file: Uint8Array) => {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const at = (position: number) => position + view.getUint32(position, true);
  const field = (table: number, number: number) =>
    table + view.getUint16(table - view.getInt32(table, true) + 4 + 2 * number, true);
  return { view, at, field };
};

/** Reads a file and calls it, whatever its input has become. Returns the sentence of a refusal, if it is one. */
const refusal = (file: Uint8Array): string | undefined => {
  try {
    const read = readTflite(file);
    const feeds = Object.fromEntries(
      read.inputs.map(({ name, shape, type }) => [
        name,
        input(
          name,
          shape.map((size) => (typeof size === "string" ? 4 : size)),
          type,
        ),
      ]),
    );
    read.values(feeds);
    read.call(feeds);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(GraphError);
    expect((error as Error).message).toMatch(/\.$/);
    return (error as Error).message;
  }
};

test("a sound file is read, wherever in memory it begins", () => {
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  expect([bytes, shifted.subarray(3), Buffer.from(bytes)].map(refusal)).toEqual([undefined, undefined, undefined]);
});

describe("a file is refused", () => {
  test("that is empty, or another kind of file", () => {
    const sentence = 'The file is not a TFLite model: its bytes 4 to 7 are not "TFL3".';
    const other = bytes.slice();
    other[7] = "2".charCodeAt(0);
    expect([new Uint8Array(), bytes.subarray(0, 7), other].map(refusal)).toEqual([sentence, sentence, sentence]);
  });

  test("that is cut short, wherever", () => {
    const said = new Set(Array.from({ length: bytes.length - 9 }, (_, i) => refusal(bytes.subarray(0, 8 + i))));
    expect(said.has(undefined)).toBe(false);
    for (const sentence of said) expect(sentence).toMatch(/^The file is no sound TFLite model: it has \d+ bytes, but speaks of /);
  });

  test("that leads to a place before its beginning", () => {
    const harmed = bytes.slice();
    const { view, at } = walk(harmed);
    view.setInt32(at(0), 2 ** 30, true);
    expect(refusal(harmed)).toBe(
      `The file is no sound TFLite model: it has ${bytes.length} bytes, but speaks of 4 at ${at(0) - 2 ** 30}; it is cut short or damaged.`,
    );
  });

  test("that uses a tensor or buffer that it does not have, or has no graph", () => {
    const changed = (change: Partial<BuiltModel>) => refusal(tfliteModel({ ...model, ...change }));
    const sentence = (what: string) => `The file is no sound TFLite model: it uses the ${what} of them; it is damaged.`;
    expect(changed({ inputs: [9] })).toBe(sentence("tensor 9, but has 6"));
    expect(changed({ outputs: [-1] })).toBe(sentence("tensor -1, but has 6"));
    expect(changed({ operators: [{ code: ADD, inputs: [-2, 0], outputs: [5] }] })).toBe(sentence("tensor -2, but has 6"));
    expect(changed({ operators: [{ code: ADD, inputs: [0, 0], outputs: [6] }] })).toBe(sentence("tensor 6, but has 6"));
    expect(changed({ tensors: model.tensors.map((tensor) => ({ ...tensor, buffer: 7 })) })).toBe(sentence("buffer 7, but has 3"));
    const empty = bytes.slice();
    const { view, at, field } = walk(empty);
    view.setUint32(at(field(at(0), 2)), 0, true);
    expect(refusal(empty)).toBe("The file is no sound TFLite model: it holds no graph.");
  });

  test("whose constants are shorter than their shape, or of a negative one", () => {
    const shaped = (shape: readonly number[]) =>
      refusal(
        tfliteModel({
          ...model,
          tensors: model.tensors.map((tensor) => (tensor.name === "bias" ? { ...tensor, shape } : tensor)),
        }),
      );
    const sentence = (shape: string) =>
      `The file is no sound TFLite model: the tensor "bias" of type FLOAT32 and shape ${shape} has 8 bytes.`;
    expect(shaped([3])).toBe(sentence("[3]"));
    expect(shaped([-1, -2])).toBe(sentence("[-1, -2]"));
  });

  test("of which two operators make one tensor, or nothing makes an output", () => {
    const [, convolution, sum] = model.operators;
    expect(refusal(tfliteModel({ ...model, operators: [sum, sum] }))).toBe(
      'The file is no sound TFLite model: two operators make the tensor "z".',
    );
    expect(refusal(tfliteModel({ ...model, operators: [convolution] }))).toBe(
      'The file is no sound TFLite model: nothing makes its output "z".',
    );
  });

  test("whose operators need each other", () => {
    const circle = [
      { code: ADD, inputs: [0, 5], outputs: [4] },
      { code: ADD, inputs: [0, 4], outputs: [5] },
    ];
    expect(refusal(tfliteModel({ ...model, operators: circle }))).toMatch(
      /^Node "y" \(Add\): The value "z" of Add cannot be imported\.$/,
    );
  });

  test("in which many tensors share their bytes", () => {
    const [size, count] = [2 ** 14, 400];
    const shared = Array.from({ length: count }, () => ({ shape: [size], buffer: 1 }));
    const sums = shared.map(() => ({ shape: [1, 1, 1, size] }));
    const file = tfliteModel({
      tensors: [{ shape: [1, 1, 1, size] }, { shape: [size], data: new Float32Array(size) }, ...shared, ...sums],
      operators: shared.map((_, i) => ({ code: ADD, inputs: [0, 2 + i], outputs: [2 + count + i] })),
      inputs: [0],
      outputs: [2 + count],
    });
    expect(refusal(file)).toBe("The constants of the TFLite model take more than 0.1 GB: it is too large, or damaged.");
  });

  test("in which many tables share a list", () => {
    // Every operator's list of inputs is made to be the longest one.
    const long = Array<number>(3000).fill(0);
    const operators = [long, ...Array<number[]>(3000).fill([0, 0])].map((inputs) => ({ code: ADD, inputs, outputs: [5] }));
    const file = tfliteModel({ ...model, operators });
    const { view, at, field } = walk(file);
    const list = at(field(at(at(field(at(0), 2)) + 4), 3));
    const inputsOf = (index: number) => field(at(list + 4 + 4 * index), 1);
    const longest = at(inputsOf(0));
    for (let i = 1; i < operators.length; i++) view.setUint32(inputsOf(i), longest - inputsOf(i), true);
    expect(refusal(file)).toBe("The file is no sound TFLite model: its lists hold more than it has bytes; it is damaged.");
  });

  test("or read, but never anything else, when bytes of it are changed", () => {
    const rng = random("tflite");
    let refused = 0;
    for (let round = 0; round < 1500; round++) {
      const harmed = bytes.slice();
      for (let i = rng.integer(1, 3); i > 0; i--)
        harmed[rng.integer(8, bytes.length - 1)] = [0, 255, rng.integer(0, 255)][rng.integer(0, 2)];
      if (refusal(harmed) !== undefined) refused++;
    }
    expect(refused).toBeGreaterThan(500);
  });
});
