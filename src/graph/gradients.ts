import { add } from "./elementwise.ts";
import { zerosLike } from "./layout.ts";
import { filled, formatShape, GraphError, type Operation, staticShape, type Tensor } from "./tensor.ts";

/**
 * Reverse-mode differentiation: adds to the graph the nodes that compute dL/dt for each tensor t in `wrt`, in that order.
 * A tensor that the loss does not depend on gets zeros.
 * @throws GraphError when the loss is not a single float32 value, or an operator on the way has no gradient.
 */
export const gradients = (loss: Tensor, wrt: readonly Tensor[]): Tensor[] => {
  if (loss.type !== "float32" || loss.shape.some((size) => size !== 1)) {
    throw new GraphError(
      `gradients: the loss must be a single float32 value, but it is ${loss.type} of shape ${formatShape(loss.shape)}.`,
    );
  }
  const total = new Map<Tensor, Tensor>([[loss, filled(staticShape("gradients", loss), 1)]]);
  const wanted = new Set(wrt);
  const onTheWay = dependents(loss, wanted);

  for (const operation of [...onTheWay].sort((a, b) => b.order - a.order)) {
    const incoming = operation.outputs.map((output) => total.get(output));
    if (incoming.every((gradient) => gradient === undefined)) continue;
    if (operation.gradient === undefined) {
      throw new GraphError(`gradients: the operator ${operation.operator} has no gradient, but the loss depends on it.`);
    }
    const outgoing = operation.gradient(...operation.outputs.map((output, i) => incoming[i] ?? zerosLike(output)));
    for (const [index, gradient] of outgoing.entries()) {
      const target = operation.inputs[index];
      if (gradient === undefined || !(wanted.has(target) || isResultOf(target, onTheWay))) continue;
      const before = total.get(target);
      total.set(target, before ? add(before, gradient) : gradient);
    }
  }
  return wrt.map((tensor) => total.get(tensor) ?? zerosLike(tensor));
};

const isResultOf = (tensor: Tensor, operations: ReadonlySet<Operation>): boolean =>
  tensor.origin.kind === "operation" && operations.has(tensor.origin.operation);

/** The operations between `sources` and the loss: only these carry gradients. */
const dependents = (loss: Tensor, sources: ReadonlySet<Tensor>): Set<Operation> => {
  const result = new Set<Operation>();
  for (const operation of operationsOf([loss])) {
    if (operation.inputs.some((input) => sources.has(input) || isResultOf(input, result))) result.add(operation);
  }
  return result;
};

/** Every operation that the tensors are computed by, each after those it uses. */
export const operationsOf = (tensors: readonly Tensor[]): Operation[] => {
  const found = new Set<Operation>();
  const open = [...tensors];
  for (let tensor = open.pop(); tensor !== undefined; tensor = open.pop()) {
    if (tensor.origin.kind !== "operation" || found.has(tensor.origin.operation)) continue;
    found.add(tensor.origin.operation);
    open.push(...tensor.origin.operation.inputs);
  }
  return [...found].sort((a, b) => a.order - b.order);
};
