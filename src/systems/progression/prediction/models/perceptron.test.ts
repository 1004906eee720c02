import { expect, test } from "vitest";
import { input, program } from "../../../../graph/index.ts";
import { frozen } from "../../../../nn/index.ts";
import { random } from "../../../../random/index.ts";
import { openLocalRuntime, type Value } from "../../../../runtime/index.ts";
import { matrix } from "./matrix.ts";
import { fitPerceptron, perceptrons, predictPerceptron } from "./perceptron.ts";

test("the stored layers predict what the trained graph does", async () => {
  const [rows, columns, hidden] = [40, 3, [5, 4]];
  const rng = random("perceptron test");
  const x = matrix(
    rows,
    columns,
    Float64Array.from({ length: rows * columns }, () => rng.normal(3, 2)),
  );
  const y = Float64Array.from({ length: rows }, (_, row) => Math.abs(x.data[row * columns]) + rng.normal(0, 0.1));
  const model = await fitPerceptron({ x, y, patients: Array.from(y, (_, row) => `${row}`) }, [], { hidden });

  const sizes = [columns, ...hidden, 1];
  const state = new Map<string, Value>();
  for (let layer = 0; layer < sizes.length - 1; layer++) {
    const joined = (of: "weights" | "bias") => Float32Array.from(model.members.flatMap((layers) => layers[layer][of]));
    state.set(`weight${layer}`, { data: joined("weights"), shape: [model.members.length, sizes[layer], sizes[layer + 1]] });
    state.set(`bias${layer}`, { data: joined("bias"), shape: [model.members.length, 1, sizes[layer + 1]] });
  }
  const fed = input("x", [rows, columns]);
  const results = { y: perceptrons(frozen(state), fed, model.members.length, hidden) };
  const runtime = openLocalRuntime({ threads: 1 });
  const loaded = await runtime.load(program({ feeds: [fed], state: [], updates: new Map(), results }));
  const z = x.data.map((value, at) => (value - model.scales.mean[at % columns]) / model.scales.deviation[at % columns]);
  const { y: found } = await loaded.run({ x: { data: Float32Array.from(z), shape: [rows, columns] } });
  await runtime.close();

  const own = predictPerceptron(model, x);
  for (let row = 0; row < rows; row++) {
    const members = model.members.map((_, member) => Number(found.data[member * rows + row]));
    const expected = model.mean + (model.deviation * members.reduce((sum, value) => sum + value, 0)) / members.length;
    expect(own[row]).toBeCloseTo(expected, 4);
  }
});
