export * from "./convolution.ts";
export * from "./elementwise.ts";
export { gradients } from "./gradients.ts";
export { concat, expand, pad, padAll, reshape, reverse, slice, stopGradient, transpose, withGradient } from "./layout.ts";
export { type MatmulOptions, matmul } from "./linear.ts";
export { type Model, readModel } from "./model.ts";
export { type OnnxOptions, OPSET, toOnnx } from "./onnx.ts";
export * from "./program.ts";
export { largest, max, mean, sum } from "./reduction.ts";
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
