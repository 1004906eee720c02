export { type GradientCheckOptions, gradientError } from "./gradient-check.ts";
export { openLocalRuntime } from "./local.ts";
export { PROVIDERS, type Provider, requireProvider } from "./provider.ts";
export {
  type LoadedProgram,
  type Runtime,
  RuntimeError,
  type RuntimeOptions,
  type Value,
  type Values,
} from "./runtime.ts";
export { openRuntime } from "./threaded.ts";
