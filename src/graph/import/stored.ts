import type { NodeProto, TensorProto } from "onnx-buf";
import { parseModel } from "../model.ts";
import { GraphError } from "../tensor.ts";
import { constantOf, elementType } from "./constants.ts";

/** A tensor that lies in a file. */
export interface StoredTensor {
  readonly shape: readonly number[];
  /** Its values in single precision, made when they are asked for. @throws GraphError when they are no such numbers, or damaged. */
  values(): Float32Array;
}

/** The tensors of a file by name, in its order. */
export type StoredTensors = ReadonlyMap<string, StoredTensor>;

/**
 * The weights that an ONNX file stores, by the names that they had where they were trained. PyTorch's export keeps these but for what it
 * computes beforehand, which is called by a number: `onnx::MatMul_7`. The turned matrix of a linear map gets back its name,
 * `layer.weight`, [outputs, inputs], by the bias that is added to its product, or else by the path of its node; anything else is called by that path,
 * `layer.Add`. Normalisations that were folded into convolutions cannot be told apart again.
 * @throws GraphError when the bytes are not an ONNX model.
 */
export const readStoredTensors = (bytes: Uint8Array): StoredTensors => {
  const { graph } = parseModel(bytes);
  const users = new Map(graph.node.flatMap((node) => node.input.map((input) => [input, node] as const)));
  const stored = new Set(graph.initializer.map(({ name }) => name));
  return new Map(
    graph.initializer.map((tensor) => {
      const user = users.get(tensor.name);
      const kept = [tensor.name, storedTensor(tensor)] as const;
      if (user === undefined || !/^onnx::\w+_\d+$/.test(tensor.name)) return kept;
      const bias = users.get(user.output[0])?.input.find((input) => stored.has(input) && input.endsWith(".bias"));
      const layer = bias?.slice(0, -".bias".length) ?? pathOf(user);
      if (user.opType === "MatMul" && tensor.dims.length === 2 && layer !== "")
        return [`${layer}.weight`, turned(storedTensor(tensor))];
      const path = pathOf(user);
      return path === "" ? kept : [`${path}.${user.name.split("/").at(-1)}`, kept[1]];
    }),
  );
};

const storedTensor = (tensor: TensorProto): StoredTensor => ({
  shape: tensor.dims.map(Number),
  values: () => {
    if (elementType(tensor.dataType) !== "float32")
      throw new GraphError(`the constant "${tensor.name}" holds no floating-point numbers.`);
    const { origin } = constantOf(tensor);
    if (origin.kind !== "constant" || !(origin.data instanceof Float32Array))
      throw new GraphError(`"${tensor.name}" is no constant.`);
    return origin.data;
  },
});

/** A matrix with its axes exchanged. */
const turned = (matrix: StoredTensor): StoredTensor => {
  const [rows, columns] = matrix.shape;
  return {
    shape: [columns, rows],
    values: () => {
      const values = matrix.values();
      return values.map((_, i) => values[(i % rows) * columns + Math.floor(i / rows)]);
    },
  };
};

/** `/layers/layers.0/reduction/MatMul` -> `layers.0.reduction`: a container that was called stands twice in a path. */
const pathOf = ({ name }: NodeProto): string => {
  const parts = name.split("/").slice(1, -1);
  return parts.filter((part, i) => !parts[i + 1]?.startsWith(`${part}.`)).join(".");
};
