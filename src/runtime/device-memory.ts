import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { input, toOnnx } from "../graph/index.ts";
import { hostMemory, type Memory } from "./state.ts";

/**
 * The memory of the graphics device. The Node binding of ONNX Runtime 1.30 can neither upload nor download a tensor (`getData` ends
 * the process), but a session takes tensors there and leaves its results there, so both are runs of the identity function; it
 * also writes into tensors given for its results, in place. State crosses to the device only here, at no run of a program.
 * Other types than float32 stay in the memory of the process: few kernels of the device take them.
 * Tensors are not collected as garbage: each must be freed.
 */
export const openDeviceMemory = (): Memory => {
  let sessions: Promise<readonly [InferenceSession, InferenceSession]> | undefined;
  const copiers = () => {
    sessions ??= openCopiers();
    return sessions;
  };

  return {
    allocate: async (spec, data) => {
      const host = await hostMemory.allocate(spec, data);
      if (spec.type !== "float32" || host.size === 0) return host;
      const [upload] = await copiers();
      const { y } = await upload.run({ x: host.reshape([host.size]) });
      return view(y, spec.shape, () => y.dispose());
    },
    read: async (tensor) => {
      if (tensor.location === "cpu") return hostMemory.read(tensor);
      const [, download] = await copiers();
      const { y } = await download.run({ x: view(tensor, [tensor.size]) });
      return y.data as Float32Array;
    },
    free: (tensor) => tensor.dispose(),
    close: async () => {
      for (const session of (await sessions) ?? []) await session.release();
      sessions = undefined;
    },
  };
};

/** A tensor on the device under another shape. Freeing it frees what lies behind only where `dispose` does. */
const view = ({ gpuBuffer }: OrtTensor, dims: readonly number[], dispose?: () => void): OrtTensor =>
  OrtTensor.fromGpuBuffer(gpuBuffer, { dataType: "float32", dims, dispose });

/** The identity function of float32 values in a row, with its result on the device and in the memory of the process. */
const openCopiers = async (): Promise<readonly [InferenceSession, InferenceSession]> => {
  const x = input("x", ["size"]);
  const model = toOnnx({ inputs: [x], outputs: { y: x } });
  const options: InferenceSession.SessionOptions = { executionProviders: ["webgpu"], logSeverityLevel: 4 };
  return [
    await InferenceSession.create(model, { ...options, preferredOutputLocation: "gpu-buffer" }),
    await InferenceSession.create(model, options),
  ];
};
