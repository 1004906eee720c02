import { env, InferenceSession } from "onnxruntime-node";
import { input, toOnnx } from "../graph/index.ts";

/**
 * Run in a process of its own, with a channel to its parent: opens the graphics device and sends what is wrong with it,
 * the predicate of a sentence, or nothing ("").
 */
if (process.send) {
  env.logLevel = "fatal";
  const x = input("x", [1]);
  const model = toOnnx({ inputs: [x], outputs: { y: x } });
  const problem = await InferenceSession.create(model, { executionProviders: ["webgpu"], logSeverityLevel: 4 }).then(
    () => "",
    ({ message }: Error) =>
      /adapter/i.test(message)
        ? "found no graphics device on this machine (it needs a Vulkan, Metal or Direct3D 12 driver)"
        : `cannot be used on ${process.platform} ${process.arch} (${message.split("\n")[0]})`,
  );
  process.once("disconnect", () => process.exit()); // stays until it was heard
  process.send(problem);
}
