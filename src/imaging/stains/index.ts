export * from "./deconvolution.ts";
export * from "./macenko.ts";
export * from "./optical-density.ts";
export * from "./reinhard.ts";
