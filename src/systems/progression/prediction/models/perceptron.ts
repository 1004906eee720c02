import { add, matmul, mul, relu, square, sub, sum, type Tensor } from "../../../../graph/index.ts";
import { adamW, fill, heNormal, type Parameters, trainingStep, zeros } from "../../../../nn/index.ts";
import { random } from "../../../../random/index.ts";
import { openLocalRuntime, type Value } from "../../../../runtime/index.ts";
import { type Matrix, meanOf, type Scales, scalesOf, short, standardise } from "./matrix.ts";
import { divisions, type Keys, type TrainingSet } from "./training-set.ts";

interface Layer {
  /** [inputs, outputs], row-major. */
  readonly weights: readonly number[];
  readonly bias: readonly number[];
}

/** Multi-layer perceptrons on standardised columns; y = mean + deviation * mean over the members. */
export interface PerceptronModel {
  readonly kind: "perceptron";
  readonly scales: Scales;
  readonly mean: number;
  readonly deviation: number;
  /** The layers of each member; ReLU follows all but the last. */
  readonly members: readonly (readonly Layer[])[];
}

export interface PerceptronOptions {
  /** Units of each hidden layer. Default one of 32. */
  readonly hidden?: readonly number[];
  /** Steps at most, each over all rows. Default 400. */
  readonly most?: number;
  /** Steps that may bring no patient left out nearer before it stops. Default 60. */
  readonly patience?: number;
  /** Decoupled weight decay, times the rate at each step. Default 3: strong, as there are more weights than patients. */
  readonly decay?: number;
  /** Default 0.01. */
  readonly rate?: number;
}

const MEMBERS = 4;
/** Steps from one look at the patients left out to the next. */
const STRIDE = 5;

/** x: [rows, inputs] -> [members, rows, 1]; all members at once, each with weights of its own. */
export const perceptrons = (p: Parameters, x: Tensor, members: number, sizes: readonly number[]): Tensor => {
  const inputs = [x.shape[1] as number, ...sizes];
  return [...sizes, 1].reduce((y, outputs, layer) => {
    const last = layer === sizes.length;
    // The last layer starts at 0, and with it the prediction at the mean.
    const start = last ? fill(0) : heNormal(inputs[layer]);
    const weights = p.weight(`weight${layer}`, [members, inputs[layer], outputs], start);
    const z = add(matmul(y, weights), p.weight(`bias${layer}`, [members, 1, outputs], zeros, { decays: false }));
    return last ? z : relu(z);
  }, x);
};

/**
 * Trains four small perceptrons by AdamW over all rows at once. Each leaves out another quarter of the patients and keeps the weights
 * with which it predicted these best, so that every patient teaches three members and stops one. All four are one graph.
 */
export const fitPerceptron = async (
  { x, y, patients }: TrainingSet,
  keys: Keys,
  { hidden = [32], most = 400, patience = 60, decay = 3, rate = 0.01 }: PerceptronOptions = {},
): Promise<PerceptronModel> => {
  const scales = scalesOf(x);
  const [mean, deviation] = [short(meanOf(y)), short(scalesOf({ rows: y.length, columns: 1, data: y }).deviation[0])];
  const parts = divisions(patients, MEMBERS, ...keys, "perceptron");
  const members = parts.length;
  const step = trainingStep({
    batch: { x: [x.rows, x.columns], y: [x.rows, 1], taught: [members, x.rows, 1], held: [members, x.rows, 1] },
    objective: (p, batch) => {
      const errors = square(sub(perceptrons(p, batch.x, members, hidden), batch.y));
      return { loss: sum(mul(batch.taught, errors)), heldError: sum(mul(batch.held, errors), [1, 2]) };
    },
    optimiser: adamW({ weightDecay: decay }),
    seed: random(...keys, "perceptron").integer(0, 0x7fffffff),
  });
  const shares = (rowsOf: (part: (typeof parts)[number]) => Uint32Array): Value => {
    const data = new Float32Array(members * x.rows);
    for (const [member, part] of parts.entries()) {
      const rows = rowsOf(part);
      for (const row of rows) data[member * x.rows + row] = 1 / rows.length;
    }
    return { data, shape: [members, x.rows, 1] };
  };
  const batch = {
    x: { data: Float32Array.from(standardise(x, scales).data), shape: [x.rows, x.columns] },
    y: { data: Float32Array.from(y, (value) => (value - mean) / deviation), shape: [x.rows, 1] },
    taught: shares(({ train }) => train),
    held: shares(({ held }) => held),
  };
  const least = new Float64Array(members).fill(Number.POSITIVE_INFINITY);
  const kept: (readonly Layer[])[] = new Array(members);
  const runtime = openLocalRuntime({ threads: 1 });
  try {
    const loaded = await runtime.load(step.program);
    await runtime.writeState(new Map(step.initialState()));
    let improved = 0;
    for (let taken = 0; taken < most && taken - improved <= patience; taken++) {
      const before = taken % STRIDE === 0 ? await runtime.readState(step.networkState) : undefined;
      const { heldError } = await loaded.run({ ...batch, ...step.schedule(taken + 1, rate) });
      if (before === undefined) continue;
      for (let member = 0; member < members; member++) {
        if (!(Number(heldError.data[member]) < least[member])) continue;
        [least[member], improved] = [Number(heldError.data[member]), taken];
        kept[member] = layersOf(before, member, hidden.length + 1);
      }
    }
  } finally {
    await runtime.close();
  }
  return { kind: "perceptron", scales, mean, deviation, members: kept };
};

const layersOf = (state: ReadonlyMap<string, Value>, member: number, layers: number): Layer[] => {
  const own = (name: string): number[] => {
    const { data, shape } = state.get(name)!;
    const size = shape[1] * shape[2];
    return Array.from(data as Float32Array)
      .slice(member * size, (member + 1) * size)
      .map(short);
  };
  return Array.from({ length: layers }, (_, layer) => ({ weights: own(`weight${layer}`), bias: own(`bias${layer}`) }));
};

export const predictPerceptron = ({ scales, mean, deviation, members }: PerceptronModel, x: Matrix): Float64Array => {
  const z = standardise(x, scales);
  return Float64Array.from({ length: x.rows }, (_, row) => {
    const input = z.data.subarray(row * x.columns, (row + 1) * x.columns);
    return mean + (deviation * members.reduce((sum, layers) => sum + forward(layers, input), 0)) / members.length;
  });
};

const forward = (layers: readonly Layer[], input: Float64Array): number => {
  let values = input;
  for (const [layer, { weights, bias }] of layers.entries()) {
    const next = Float64Array.from(bias);
    for (let i = 0; i < values.length; i++) {
      for (let o = 0; o < next.length; o++) next[o] += values[i] * weights[i * next.length + o];
    }
    values = layer === layers.length - 1 ? next : next.map((value) => Math.max(0, value));
  }
  return values[0];
};
