export * from "./systems/denoising/index.ts";
