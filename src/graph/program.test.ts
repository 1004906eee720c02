import { expect, test } from "vitest";
import { add, cast, constant, GraphError, greater, input, mul, nextName, program, readModel, sum } from "./index.ts";

const [w, m, x] = [input("w", [2, 3]), input("m", [2, 3]), input("x", ["n", 3])];

test("a program says what is fed, kept, replaced and returned, and its model names the next values", () => {
  const loss = sum(add(mul(w, m), sum(x)));
  const { feeds, state, updates, results, model } = program({
    feeds: [x],
    state: [w, m],
    updates: new Map([["m", add(m, 1)]]),
    results: { loss, far: greater(loss, 1) },
  });
  expect(feeds).toEqual([{ name: "x", shape: ["n", 3], type: "float32" }]);
  expect(state).toEqual([
    { name: "w", shape: [2, 3], type: "float32" },
    { name: "m", shape: [2, 3], type: "float32" },
  ]);
  expect(updates).toEqual([{ name: "m", shape: [2, 3], type: "float32" }]);
  expect(results).toEqual([
    { name: "loss", shape: [], type: "float32" },
    { name: "far", shape: [], type: "bool" },
  ]);
  const read = readModel(model);
  expect(read.feeds.map(({ name }) => name)).toEqual(["x", "w", "m"]);
  expect(read.results.map(({ name }) => name)).toEqual([nextName("m"), "loss", "far"]);
});

test("an update must belong to a state and fit it", () => {
  const attempt = (name: string, next: typeof w) => () =>
    program({ feeds: [x], state: [w], updates: new Map([[name, next]]), results: {} });
  expect(attempt("v", w)).toThrow(new GraphError('program: the update "v" belongs to no state.'));
  expect(attempt("x", x)).toThrow('program: the update "x" belongs to no state.');
  expect(attempt("w", constant(new Float32Array(6), [3, 2]))).toThrow(
    'program: the update of "w" is float32 of shape [3, 2], but the state is float32 of shape [2, 3].',
  );
  expect(attempt("w", cast(w, "int64"))).toThrow(
    'program: the update of "w" is int64 of shape [2, 3], but the state is float32 of shape [2, 3].',
  );
});

test("feeds and state must be inputs, all listed, and under different names", () => {
  expect(() => program({ feeds: [add(x, 1)], results: { y: x } })).toThrow("tensors made by input()");
  expect(() => program({ feeds: [x], results: { y: sum(w) } })).toThrow('the input "w" of shape [2, 3] is needed but not listed');
  expect(() => program({ feeds: [input("w", [1])], state: [w], results: { y: sum(w) } })).toThrow('two inputs are named "w"');
});
