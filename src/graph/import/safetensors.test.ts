import { describe, expect, test } from "vitest";
import { readSafetensors } from "../index.ts";

/** A file made by hand: the length of the header, the header, the values. */
const file = (header: unknown, values: readonly number[], text = JSON.stringify(header)): Uint8Array => {
  const json = new TextEncoder().encode(text);
  const bytes = new Uint8Array(8 + json.length + values.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(values, 8 + json.length);
  return bytes;
};
const entry = (dtype: string, shape: number[], data_offsets: number[]) => ({ dtype, shape, data_offsets });

test("single, double, half and brain floats", () => {
  const header = {
    __metadata__: { format: "pt" },
    single: entry("F32", [2], [0, 8]),
    half: entry("F16", [1, 2], [8, 12]),
    brain: entry("BF16", [2], [12, 16]),
    double: entry("F64", [], [16, 24]),
    count: entry("I64", [1], [24, 32]),
    none: entry("F32", [0, 3], [32, 32]),
  };
  const single = [0x00, 0x00, 0xc0, 0x3f, 0x00, 0x00, 0x00, 0xc0]; // 1.5, -2
  const half = [0x00, 0x3e, 0x01, 0x00]; // 1.5, the smallest above 0
  const brain = [0xc0, 0x3f, 0x00, 0xc0]; // 1.5, -2
  const double = [0, 0, 0, 0, 0, 0, 0xf8, 0x3f]; // 1.5
  const bytes = file(header, [...single, ...half, ...brain, ...double, 7, 0, 0, 0, 0, 0, 0, 0]);
  // Values begin at any address: here at one that no typed array could take.
  const shifted = new Uint8Array(bytes.length + 1);
  shifted.set(bytes, 1);
  for (const found of [readSafetensors(bytes), readSafetensors(shifted.subarray(1))]) {
    expect([...found.keys()]).toEqual(["single", "half", "brain", "double", "count", "none"]);
    expect([...found.get("single")!.values()]).toEqual([1.5, -2]);
    expect([found.get("half")!.shape, ...found.get("half")!.values()]).toEqual([[1, 2], 1.5, 2 ** -24]);
    expect([...found.get("brain")!.values()]).toEqual([1.5, -2]);
    expect([found.get("double")!.shape, ...found.get("double")!.values()]).toEqual([[], 1.5]);
    expect([...found.get("none")!.values()]).toEqual([]);
    expect(() => found.get("count")!.values()).toThrow('"count" holds I64 values, which are no weights.');
  }
});

describe("a file is refused", () => {
  test.each<[string, Uint8Array]>([
    ["that is empty", new Uint8Array(0)],
    ["that is cut in its header", file({ x: entry("F32", [1], [0, 4]) }, []).subarray(0, 20)],
    ["whose header claims to be huge", Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0x70, 1, 2, 3])],
  ])("%s", (_, bytes) => {
    expect(() => readSafetensors(bytes)).toThrow("The file is not a safetensors file, or ends within its header.");
  });

  test.each(["[1]", "null", "{ x", "text"])("whose header is %s", (text) => {
    expect(() => readSafetensors(file(undefined, [], text))).toThrow("its header is no JSON object.");
  });

  test.each<[string, unknown]>([
    ["no shape", { dtype: "F32", data_offsets: [0, 4] }],
    ["a negative size", entry("F32", [-1], [0, 4])],
    ["three offsets", entry("F32", [1], [0, 4, 4])],
    ["a number", 7],
  ])("of which an entry has %s", (_, x) => {
    expect(() => readSafetensors(file({ x }, [0, 0, 0, 0]))).toThrow(
      `The safetensors file is damaged: the header's entry of "x" lacks dtype, shape or data_offsets.`,
    );
  });

  test.each<[string, unknown]>([
    ["beyond its end", entry("F32", [2], [0, 8])],
    ["in too few bytes", entry("F32", [1], [0, 3])],
    ["backwards", entry("F32", [0], [4, 0])],
  ])("of which a tensor lies %s", (_, x) => {
    expect(() => readSafetensors(file({ x }, [0, 0, 0, 0]))).toThrow(
      /^The safetensors file is damaged: "x", F32 \[\d\], cannot lie/,
    );
  });
});
