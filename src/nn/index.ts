export * from "./initialisers.ts";
export * from "./layers.ts";
export { batchNorm, groupNorm, type NormalisationOptions } from "./normalisation.ts";
export { type AdamOptions, adam, adamW, type Optimiser, type SgdOptions, sgd } from "./optimisers.ts";
export { frozen, type Initialiser, Parameters, trainable } from "./parameters.ts";
export * from "./residuals.ts";
export * from "./schedules.ts";
export { type TrainingStep, type TrainingStepDefinition, trainingStep } from "./training-step.ts";
