import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Value } from "../runtime/index.ts";
import { CheckpointError, readTensors, writeTensors } from "./index.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lynceus-checkpoint-"));
  path = join(folder, "checkpoints", "last.safetensors");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** NaN with a payload, -0, a subnormal, infinity, 1/3. */
const odd = new Float32Array(Uint32Array.of(0x7fc00123, 0x80000000, 1, 0x7f800000, 0x3eaaaaab, 0xff7fffff).buffer);
const tensors: ReadonlyMap<string, Value> = new Map([
  ["encoder0.weight", { data: odd, shape: [2, 3] }],
  ["scale", { data: Float32Array.of(0.5), shape: [] }],
  ["größe", { data: new Float32Array([0, 7, 8, 9, 0]).subarray(1, 4), shape: [3] }],
  ["empty", { data: new Float32Array(0), shape: [0, 4] }],
]);
const bytesOf = ({ data, shape }: Value) => [shape, ...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)];

test("tensors come back bit by bit, in their order, with the metadata", async () => {
  await writeTensors(path, tensors, { step: "12", digest: "abc" });
  const read = await readTensors(path);
  expect([...read.tensors.keys()]).toEqual([...tensors.keys()]);
  for (const [name, value] of tensors) expect(bytesOf(read.tensors.get(name)!)).toEqual(bytesOf(value));
  expect(read.metadata).toEqual({ step: "12", digest: "abc" });
  expect(await readdir(join(folder, "checkpoints"))).toEqual(["last.safetensors"]);
});

test("the file is a safetensors file: header length, aligned JSON header, values without gaps", async () => {
  await writeTensors(path, tensors, { step: "12" });
  const file = await readFile(path);
  const headerLength = Number(file.readBigUInt64LE(0));
  expect(headerLength % 8).toBe(0);
  const header = JSON.parse(file.toString("utf8", 8, 8 + headerLength));
  expect(header.__metadata__).toEqual({ step: "12" });
  expect(header["encoder0.weight"]).toEqual({ dtype: "F32", shape: [2, 3], data_offsets: [0, 24] });
  expect(header.scale).toEqual({ dtype: "F32", shape: [], data_offsets: [24, 28] });
  expect(header.größe).toEqual({ dtype: "F32", shape: [3], data_offsets: [28, 40] });
  expect(file.length).toBe(8 + headerLength + 40);
  expect(file.readFloatLE(8 + headerLength + 24)).toBe(0.5);
  expect(file.readFloatLE(8 + headerLength + 28)).toBe(7);
});

test("the header is aligned whatever its length", async () => {
  for (let length = 0; length < 8; length++) {
    await writeTensors(path, tensors, { note: "x".repeat(length) });
    expect(Number((await readFile(path)).readBigUInt64LE(0)) % 8).toBe(0);
    expect((await readTensors(path)).metadata.note).toBe("x".repeat(length));
  }
});

test("a damaged file is named in the sentence", async () => {
  await writeTensors(path, tensors, { step: "1" });
  const whole = await readFile(path);
  const wrongType = Buffer.from(whole.toString("latin1").replace('"F32"', '"F16"'), "latin1");
  const damaged: Uint8Array[] = [
    new Uint8Array(),
    whole.subarray(0, 5),
    whole.subarray(0, 40),
    whole.subarray(0, whole.length - 1),
    Buffer.from("this is not a checkpoint, but a text of some length"),
    Buffer.concat([Buffer.alloc(8, 255), whole]),
    wrongType,
  ];
  for (const bytes of damaged) {
    await writeFile(path, bytes);
    const error: Error = await readTensors(path).then(
      () => new Error("was read"),
      (reason: Error) => reason,
    );
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error.message).toContain(`The checkpoint "${path}" is damaged (`);
    expect(error.message).toContain("Delete it to start anew.");
  }
});

test("a missing file is no damaged file", async () => {
  await expect(readTensors(path)).rejects.toMatchObject({ code: "ENOENT" });
});

test("only float32 can be stored, and a refused checkpoint leaves the old one", async () => {
  await writeTensors(path, tensors, { step: "1" });
  const before = await readFile(path);
  const whole: ReadonlyMap<string, Value> = new Map([["count", { data: BigInt64Array.of(1n), shape: [1] }]]);
  await expect(writeTensors(path, whole, { step: "2" })).rejects.toThrow('"count" is not float32.');
  expect(await readFile(path)).toEqual(before);
});
