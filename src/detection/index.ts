export * from "./contract.ts";
export * from "./detector.ts";
export * from "./evaluate.ts";
