import { toOnnx } from "./onnx.ts";
import { type DataType, formatShape, GraphError, type Shape, type Tensor } from "./tensor.ts";

/** Name, shape and type of a value that crosses the border of a program. */
export interface TensorSpec {
  readonly name: string;
  readonly shape: Shape;
  readonly type: DataType;
}

/**
 * A graph ready to run. `feeds` come from the caller at every run; `state` is kept by the runtime between runs
 * (parameters, moments, running statistics); `updates` names the state that a run replaces; `results` are returned.
 * In the model the next value of the state "w" is the output "next:w".
 */
export interface Program {
  readonly model: Uint8Array;
  readonly feeds: readonly TensorSpec[];
  readonly state: readonly TensorSpec[];
  readonly updates: readonly TensorSpec[];
  readonly results: readonly TensorSpec[];
}

export const nextName = (state: string): string => `next:${state}`;

export interface ProgramDefinition {
  /** Inputs that the caller feeds. */
  readonly feeds: readonly Tensor[];
  /** Inputs that the runtime keeps. */
  readonly state?: readonly Tensor[];
  /** The next value of a state, by the state's name. */
  readonly updates?: ReadonlyMap<string, Tensor>;
  /** What a run returns, by name. */
  readonly results: Readonly<Record<string, Tensor>>;
}

/**
 * Compiles a graph to a program.
 * @throws GraphError when an update names no state or differs from it in shape or type.
 */
export const program = ({ feeds, state = [], updates = new Map(), results }: ProgramDefinition): Program => {
  const stateSpecs = state.map(specOf);
  for (const [name, next] of updates) {
    const kept = stateSpecs.find((spec) => spec.name === name);
    if (kept === undefined) throw new GraphError(`program: the update "${name}" belongs to no state.`);
    if (kept.type !== next.type || kept.shape.join() !== next.shape.join()) {
      const [is, was] = [next, kept].map(({ type, shape }) => `${type} of shape ${formatShape(shape)}`);
      throw new GraphError(`program: the update of "${name}" is ${is}, but the state is ${was}.`);
    }
  }
  const outputs = { ...Object.fromEntries([...updates].map(([name, next]) => [nextName(name), next])), ...results };
  return {
    model: toOnnx({ inputs: [...feeds, ...state], outputs }),
    feeds: feeds.map(specOf),
    state: stateSpecs,
    updates: stateSpecs.filter((spec) => updates.has(spec.name)),
    results: Object.entries(results).map(([name, { shape, type }]) => ({ name, shape, type })),
  };
};

const specOf = ({ shape, type, origin }: Tensor): TensorSpec => {
  if (origin.kind !== "input") throw new GraphError("program: feeds and state must be tensors made by input().");
  return { name: origin.name, shape, type };
};
