import type { DataType, Program, TensorData, TensorSpec } from "../graph/index.ts";
import type { Provider } from "./provider.ts";

/** A tensor with values, row-major. Booleans are bytes, 0 or 1. */
export interface Value {
  readonly data: TensorData;
  readonly shape: readonly number[];
}

export type Values = Readonly<Record<string, Value>>;

export interface RuntimeOptions {
  /**
   * Where programs run and their state lies: "cpu", or "webgpu", the graphics device. Results agree to rounding. Operators that
   * the device has no kernel for run on the processor, with copies at every run. Default "cpu".
   */
  readonly provider?: Provider;
  /** Threads of one program on the processor. Default: every core. Results may differ in the last bit between thread counts. */
  readonly threads?: number;
}

/** Runs programs and keeps their state. Programs of one runtime that name the same state share it. */
export interface Runtime {
  /** Loads a program. Its state must have been written before it runs. */
  load(program: Program): Promise<LoadedProgram>;
  /** Copies of the current state: all of it, or the named tensors. */
  readState(names?: readonly string[]): Promise<Map<string, Value>>;
  /** Sets state tensors; shapes of existing ones must stay. */
  writeState(values: ReadonlyMap<string, Value>): Promise<void>;
  close(): Promise<void>;
}

export interface LoadedProgram {
  /** One run: replaces the state that the program updates and returns its results. A failed run changes no state. */
  run(feeds: Values): Promise<Values>;
}

/** Something went wrong where values are: the message is a sentence for the user. */
export class RuntimeError extends Error {
  override name = "RuntimeError";
}

/** Checks a value against what a program declares. @throws RuntimeError naming the tensor, and both shapes or types. */
export const requireValue = (spec: TensorSpec, value: Value | undefined): Value => {
  if (value === undefined) throw new RuntimeError(`The program needs a value for "${spec.name}".`);
  const fits =
    spec.shape.length === value.shape.length &&
    spec.shape.every((size, axis) => typeof size === "string" || size === value.shape[axis]);
  if (!fits)
    throw new RuntimeError(`"${spec.name}" must have the shape [${spec.shape.join(", ")}], but has [${value.shape.join(", ")}].`);
  const count = value.shape.reduce((product, size) => product * size, 1);
  if (count !== value.data.length) {
    throw new RuntimeError(
      `"${spec.name}" has the shape [${value.shape.join(", ")}], which holds ${count} values, but ${value.data.length} were given.`,
    );
  }
  if (!(value.data instanceof arrayOf(spec.type))) throw new RuntimeError(`"${spec.name}" must hold ${spec.type} values.`);
  return value;
};

/** The array type that stores an element type. */
export const arrayOf = (type: DataType) =>
  ({ float32: Float32Array, int64: BigInt64Array, bool: Uint8Array, uint8: Uint8Array, uint16: Uint16Array })[type];
