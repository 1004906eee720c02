export * from "./config.ts";
export * from "./corruption/index.ts";
export * from "./model.ts";
export * from "./train.ts";
