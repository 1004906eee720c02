/** The systems, and what is needed to use a trained model. The rooms below are exported under their own names (`lynceus/graph`, ...). */
export * from "./detection/index.ts";
export { systemNamed, systems } from "./systems/registry.ts";
export type { System } from "./systems/system.ts";
