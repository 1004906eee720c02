import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { add, input, mul, program, reshape, sub, sum } from "../graph/index.ts";
import {
  openLocalRuntime,
  openRuntime,
  type Provider,
  type Runtime,
  RuntimeError,
  requireProvider,
  type Value,
} from "./index.ts";

const values = (...numbers: number[]): Value => ({ data: Float32Array.from(numbers), shape: [numbers.length] });
const bitsOf = ({ data }: Value): number[] => [...new Uint32Array(Uint8Array.from(new Uint8Array(data.buffer)).buffer)];

const [a, b, x] = [input("a", [3]), input("b", [3]), input("x", [3])];
/** a := a + x */
const addToA = program({ feeds: [x], state: [a], updates: new Map([["a", add(a, x)]]), results: { before: a } });
/** b := 2 b + a */
const addToB = program({ feeds: [], state: [a, b], updates: new Map([["b", add(mul(b, 2), a)]]), results: { total: sum(b) } });

const missing = await requireProvider("webgpu").then(
  () => "",
  (error: Error) => ` (SKIPPED: ${error.message})`,
);
// All runtimes keep the same promises.
describe.each<[string, Provider, typeof openRuntime]>([
  ["in this thread", "cpu", openLocalRuntime],
  ["in a thread of its own", "cpu", openRuntime],
  [`in this thread, on WebGPU${missing}`, "webgpu", openLocalRuntime],
  [`in a thread of its own, on WebGPU${missing}`, "webgpu", openRuntime],
])("a runtime %s", (_, provider, open) => {
  let runtime: Runtime;
  beforeEach(({ skip }) => {
    skip(provider === "webgpu" && missing !== "");
    runtime = open({ provider, threads: 1 });
  });
  afterEach(() => runtime?.close());

  const state = async (name: string): Promise<number[]> => Array.from((await runtime.readState([name])).get(name)!.data, Number);

  test("leaves what a program only reads as it was, bit by bit", async () => {
    // A NaN with a payload, minus zero and the smallest subnormal: values that arithmetic would not bring back.
    const odd: Value = { data: new Float32Array(Uint32Array.of(0x7fc00123, 0x80000000, 1).buffer), shape: [3] };
    await runtime.writeState(
      new Map([
        ["a", odd],
        ["b", values(1, 2, 3)],
      ]),
    );
    const loaded = await runtime.load(addToB);
    for (let run = 0; run < 3; run++) {
      await loaded.run({});
      expect(bitsOf((await runtime.readState(["a"])).get("a")!)).toEqual([0x7fc00123, 0x80000000, 1]);
    }
  });

  test("keeps 16-bit state", async () => {
    await runtime.writeState(new Map([["levels", { data: Uint16Array.of(0, 257, 65535), shape: [3] }]]));
    expect((await runtime.readState()).get("levels")).toEqual({ data: Uint16Array.of(0, 257, 65535), shape: [3] });
    const foreign = { data: new Float64Array(3) as unknown as Float32Array, shape: [3] };
    await expect(runtime.writeState(new Map([["other", foreign]]))).rejects.toThrow('The state "other" must be a Float32Array,');
  });

  test("hands every program the newest state, in whatever order they alternate", async () => {
    let [expectedA, expectedB] = [
      [1, 2, 3],
      [0, 1, 0],
    ];
    await runtime.writeState(
      new Map([
        ["a", values(...expectedA)],
        ["b", values(...expectedB)],
      ]),
    );
    const [first, second] = [await runtime.load(addToA), await runtime.load(addToB)];
    for (const [count, which] of [..."AABABBBAAABAB"].entries()) {
      if (which === "A") {
        const { before } = await first.run({ x: values(count, 1, -1) });
        expect(Array.from(before.data, Number)).toEqual(expectedA);
        expectedA = expectedA.map((value, i) => value + [count, 1, -1][i]);
      } else {
        await second.run({});
        expectedB = expectedB.map((value, i) => 2 * value + expectedA[i]);
      }
      expect(await state("a")).toEqual(expectedA);
      expect(await state("b")).toEqual(expectedB);
    }
  });

  test("exchanges state between two tensors of one program", async () => {
    const swap = program({
      feeds: [],
      state: [a, b],
      updates: new Map([
        ["a", b],
        ["b", a],
      ]),
      results: { sum: sum(add(a, b)) },
    });
    await runtime.writeState(
      new Map([
        ["a", values(1, 2, 3)],
        ["b", values(4, 5, 6)],
      ]),
    );
    const loaded = await runtime.load(swap);
    for (const [expectedA, expectedB] of [
      [
        [4, 5, 6],
        [1, 2, 3],
      ],
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
    ]) {
      expect((await loaded.run({})).sum.data[0]).toBe(21);
      expect([await state("a"), await state("b")]).toEqual([expectedA, expectedB]);
    }
  });

  test("hands out copies of its state, and takes copies", async () => {
    const mine = values(1, 2, 3);
    await runtime.writeState(new Map([["a", mine]]));
    mine.data[0] = 100;
    const loaded = await runtime.load(addToA);
    const snapshot = (await runtime.readState()).get("a")!;
    const { before } = await loaded.run({ x: values(1, 1, 1) });
    await loaded.run({ x: values(1, 1, 1) });
    expect(Array.from(snapshot.data, Number)).toEqual([1, 2, 3]);
    expect(Array.from(before.data, Number)).toEqual([1, 2, 3]);
    snapshot.data[0] = 100;
    expect(await state("a")).toEqual([3, 4, 5]);
  });

  test("changes no state in a run that fails, neither in its checks nor half-way", async () => {
    const open = input("open", ["n"]);
    const halfWay = program({
      feeds: [open],
      state: [a, b],
      // `a` needs nothing of the part that fails, so its next value is there when the run breaks off.
      updates: new Map([
        ["a", add(a, 1)],
        ["b", add(b, reshape(open, [3]))],
      ]),
      results: {},
    });
    await runtime.writeState(
      new Map([
        ["a", values(1, 2, 3)],
        ["b", values(4, 5, 6)],
      ]),
    );
    const [breaking, checked] = [await runtime.load(halfWay), await runtime.load(addToA)];
    await expect(breaking.run({ open: values(1, 1, 1, 1) })).rejects.toThrow(/^The program failed: .*reshape/i);
    await expect(checked.run({ x: values(1) })).rejects.toThrow(RuntimeError);
    expect([await state("a"), await state("b")]).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    await breaking.run({ open: values(10, 20, 30) });
    expect([await state("a"), await state("b")]).toEqual([
      [2, 3, 4],
      [14, 25, 36],
    ]);
  });

  test("says in one sentence which tensor is wrong, and how", async () => {
    const loaded = await runtime.load(addToA);
    await expect(loaded.run({ x: values(1, 2, 3) })).rejects.toThrow(
      'The state "a" has no value yet: write it before running the program.',
    );
    await runtime.writeState(new Map([["a", values(1, 2, 3)]]));
    await expect(loaded.run({})).rejects.toThrow('The program needs a value for "x".');
    await expect(loaded.run({ x: values(1, 2) })).rejects.toThrow('"x" must have the shape [3], but has [2].');
    await expect(loaded.run({ x: { data: Float32Array.of(1, 2), shape: [3] } })).rejects.toThrow(
      '"x" has the shape [3], which holds 3 values, but 2 were given.',
    );
    await expect(loaded.run({ x: { data: new BigInt64Array(3), shape: [3] } })).rejects.toThrow('"x" must hold float32 values.');
    await expect(runtime.writeState(new Map([["a", values(1)]]))).rejects.toThrow('"a" must have the shape [3], but has [1].');
    await expect(runtime.readState(["c"])).rejects.toThrow('The state "c" has no value yet');

    const longer = input("a", [5]);
    const other = await runtime.load(program({ feeds: [], state: [longer], results: { y: sub(longer, 1) } }));
    await expect(other.run({})).rejects.toThrow('The program expects the state "a" with the shape [5], but it has [3].');
    await expect(runtime.load({ ...addToA, model: Uint8Array.of(1, 2, 3) })).rejects.toThrow(/^The program cannot be loaded: /);
    expect(await state("a")).toEqual([1, 2, 3]);
  });

  test("refuses state that does not fill its shape, and writes all of a map or nothing", async () => {
    await runtime.writeState(new Map([["a", values(1, 2, 3)]]));
    const short: Value = { data: Float32Array.of(1, 2), shape: [3] };
    const attempt = runtime.writeState(
      new Map([
        ["a", values(7, 8, 9)],
        ["b", short],
      ]),
    );
    await expect(attempt).rejects.toThrow('"b" has the shape [3], which holds 3 values, but 2 were given.');
    expect(await state("a")).toEqual([1, 2, 3]);
  });

  test("refuses requests after it is closed", async () => {
    const loaded = await runtime.load(addToA);
    await runtime.writeState(new Map([["a", values(1, 2, 3)]]));
    await runtime.close();
    await expect(loaded.run({ x: values(1, 1, 1) })).rejects.toThrow(RuntimeError);
  });
});
