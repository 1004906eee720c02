export * from "./activations.ts";
export * from "./blocks.ts";
export * from "./convolution.ts";
export * from "./elementwise.ts";
export { gradients } from "./gradients.ts";
export * from "./import/index.ts";
export { gather, reverse, roll } from "./indexing.ts";
export {
  concat,
  expand,
  pad,
  padAll,
  reshape,
  slice,
  split,
  squeeze,
  stopGradient,
  transpose,
  unsqueeze,
  withGradient,
  zerosLike,
} from "./layout.ts";
export { affine, type MatmulOptions, matmul } from "./linear.ts";
export { jsonMetadata, type Model, readModel, withMetadata } from "./model.ts";
export { type OnnxOptions, OPSET, toOnnx } from "./onnx.ts";
export {
  type AveragePoolOptions,
  adaptiveAveragePool2d,
  adaptiveMaxPool2d,
  averagePool2d,
  maxPool2d,
  type PoolOptions,
} from "./pooling.ts";
export * from "./precision/index.ts";
export * from "./program.ts";
export { argMax, largest, max, mean, min, sum } from "./reduction.ts";
export * from "./resize.ts";
export * from "./separable.ts";
export { positionsOf, sizeOf } from "./sizes.ts";
export {
  constant,
  type DataType,
  type Dimension,
  filled,
  formatShape,
  GraphError,
  input,
  type Shape,
  scalar,
  Tensor,
  type TensorData,
} from "./tensor.ts";
