import { fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import type { InferenceSession } from "onnxruntime-node";

/**
 * How a model is run on the graphics device. Channels first, as graphs are written: in its own choice, channels last, ONNX Runtime
 * 1.30 computes grouped convolutions wrongly, without a word, where the filters of a group are more than 4 and no multiple of 4
 * (192 of 701 random convolutions with their gradients, against none of 874 so). What its kernels claim and then refuse goes to
 * the processor: MaxPool with positions.
 */
export const onDevice = (model: Uint8Array): InferenceSession.ExecutionProviderConfig => {
  const nodes = fromBinary(ModelProtoSchema, model).graph?.node ?? [];
  const refused = nodes.filter(({ opType, output }) => opType === "MaxPool" && output.length > 1).map(({ name }) => name);
  return { name: "webgpu", preferredLayout: "NCHW", ...(refused.length > 0 ? { forceCpuNodeNames: refused } : {}) };
};
