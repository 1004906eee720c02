/** Element types of the graph. */
export type DataType = "float32" | "int64" | "bool" | "uint8" | "uint16";

/** A size known when the graph is built, or the name of one that is known only when the program runs. */
export type Dimension = number | string;
export type Shape = readonly Dimension[];

/** Values of a constant. Booleans are stored as bytes, 0 or 1. */
export type TensorData = Float32Array | BigInt64Array | Uint8Array | Uint16Array;

export type AttributeValue = number | string | readonly number[] | { readonly float: number };
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** Gradients of the loss by an operator's outputs -> gradients by its inputs (undefined: not differentiable there). */
export type GradientRule = (...outputGradients: Tensor[]) => readonly (Tensor | undefined)[];

export type Origin =
  | { readonly kind: "input"; readonly name: string }
  | { readonly kind: "constant"; readonly data: TensorData }
  | { readonly kind: "operation"; readonly operation: Operation; readonly output: number };

/** One application of an ONNX operator. `order` grows with creation, so sorting by it is a topological order. */
export interface Operation {
  readonly operator: string;
  readonly inputs: readonly Tensor[];
  readonly attributes: Attributes;
  readonly order: number;
  readonly outputs: readonly Tensor[];
  readonly gradient: GradientRule | undefined;
}

/** A tensor without values: what it will hold (shape, type) and where that comes from. */
export class Tensor {
  readonly shape: Shape;
  readonly type: DataType;
  readonly origin: Origin;

  constructor(shape: Shape, type: DataType, origin: Origin) {
    this.shape = shape;
    this.type = type;
    this.origin = origin;
  }

  get rank(): number {
    return this.shape.length;
  }
}

/** A mistake in how a graph is put together: the message names the operator and the shapes or types. */
export class GraphError extends Error {
  override name = "GraphError";
}

/** A value fed at every run. Names are unique within a program. @throws GraphError when a size is not a whole number or a name. */
export const input = (name: string, shape: Shape, type: DataType = "float32"): Tensor => {
  if (!Array.isArray(shape) || shape.some((size) => typeof size !== "string" && !(Number.isInteger(size) && size >= 0))) {
    throw new GraphError(`input: the shape of "${name}" must hold whole numbers or names, but is ${JSON.stringify(shape)}.`);
  }
  return new Tensor(shape, type, { kind: "input", name });
};

/** Fixed values, stored in the model. @throws GraphError when the number of values is not the product of the shape. */
export const constant = (data: TensorData, shape: readonly number[], type: DataType = typeOfData(data)): Tensor => {
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  if (data.length !== size) {
    throw new GraphError(`constant: ${data.length} values cannot fill the shape ${formatShape(shape)}, which holds ${size}.`);
  }
  return new Tensor(shape, type, { kind: "constant", data });
};

/** A constant without dimensions. @throws GraphError when the type cannot hold the value. */
export const scalar = (value: number, type: DataType = "float32"): Tensor => {
  if (type === "float32") return constant(Float32Array.of(value), []);
  const limit = { int64: Number.MAX_SAFE_INTEGER, uint8: 255, uint16: 65535, bool: 1 }[type];
  if (!Number.isInteger(value) || value > limit || value < (type === "int64" ? -limit : 0)) {
    throw new GraphError(`scalar: the number ${value} is no ${type} value.`);
  }
  if (type === "int64") return constant(BigInt64Array.of(BigInt(value)), []);
  return constant(type === "uint16" ? Uint16Array.of(value) : Uint8Array.of(value), [], type);
};

/** A float32 constant of one value everywhere. */
export const filled = (shape: readonly number[], value: number): Tensor =>
  constant(new Float32Array(shape.reduce((product, dimension) => product * dimension, 1)).fill(value), shape);

/** An int64 constant with one dimension, as ONNX wants axes, sizes and positions. */
export const indices = (...values: readonly number[]): Tensor => constant(BigInt64Array.from(values, BigInt), [values.length]);

const typeOfData = (data: TensorData): DataType => {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof BigInt64Array) return "int64";
  return data instanceof Uint16Array ? "uint16" : "uint8";
};

let operationCount = 0;

interface Result {
  readonly shape: Shape;
  readonly type?: DataType;
}

/** Adds an operator with one output. `gradient` may close over that output through its second use in `apply`'s caller. */
export const apply = (
  operator: string,
  inputs: readonly Tensor[],
  result: Result & { readonly attributes?: Attributes; readonly gradient?: GradientRule },
): Tensor => applyMany(operator, inputs, [result], result.attributes, result.gradient)[0];

/** Adds an operator with several outputs. */
export const applyMany = (
  operator: string,
  inputs: readonly Tensor[],
  results: readonly Result[],
  attributes: Attributes = {},
  gradient?: GradientRule,
): readonly Tensor[] => {
  const outputs: Tensor[] = [];
  const operation: Operation = { operator, inputs, attributes, order: operationCount++, outputs, gradient };
  for (const [output, { shape, type = "float32" }] of results.entries()) {
    outputs.push(new Tensor(shape, type, { kind: "operation", operation, output }));
  }
  return outputs;
};

/** `[2, 3, height]`, as shapes are written in messages. */
export const formatShape = (shape: Shape): string => `[${shape.join(", ")}]`;

/** The sizes of a shape that must be known when the graph is built. @throws GraphError naming the operator otherwise. */
export const staticShape = (operator: string, tensor: Tensor): readonly number[] => {
  for (const dimension of tensor.shape) {
    if (typeof dimension === "string") {
      throw new GraphError(`${operator}: needs sizes known when the graph is built, but got ${formatShape(tensor.shape)}.`);
    }
  }
  return tensor.shape as readonly number[];
};

/** Requires an element type. @throws GraphError naming the operator. */
export const requireType = (operator: string, tensor: Tensor, ...types: readonly DataType[]): void => {
  if (!types.includes(tensor.type)) {
    throw new GraphError(
      `${operator}: needs ${types.join(" or ")}, but got ${tensor.type} of shape ${formatShape(tensor.shape)}.`,
    );
  }
};

/** Requires a number of dimensions. @throws GraphError naming the operator. */
export const requireRank = (operator: string, tensor: Tensor, rank: number, meaning: string): void => {
  if (tensor.rank !== rank) {
    throw new GraphError(`${operator}: needs ${meaning}, but got the shape ${formatShape(tensor.shape)}.`);
  }
};

/**
 * The shape of an elementwise operator: dimensions are aligned at the right, and a 1 stretches to the other's size.
 * @throws GraphError naming the operator and both shapes.
 */
export const broadcastShapes = (operator: string, a: Shape, b: Shape): Shape => {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left === right || right === 1) return left;
    if (left === 1) return right;
    throw new GraphError(`${operator}: the shapes ${formatShape(a)} and ${formatShape(b)} do not broadcast together.`);
  });
};

/** A non-negative axis. @throws GraphError when the tensor has no such axis. */
export const resolveAxis = (operator: string, tensor: Tensor, axis: number): number => {
  const resolved = axis < 0 ? axis + tensor.rank : axis;
  if (!Number.isInteger(axis) || resolved < 0 || resolved >= tensor.rank) {
    throw new GraphError(`${operator}: axis ${axis} does not exist in the shape ${formatShape(tensor.shape)}.`);
  }
  return resolved;
};
