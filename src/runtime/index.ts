export { type GradientCheckOptions, gradientError } from "./gradient-check.ts";
export { openLocalRuntime } from "./local.ts";
export {
  type LoadedProgram,
  type Provider,
  type Runtime,
  RuntimeError,
  type RuntimeOptions,
  type Value,
  type Values,
} from "./runtime.ts";
export { openRuntime } from "./threaded.ts";
