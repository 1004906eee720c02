export { alphaBlend } from "./blend.ts";
export { transferColour } from "./colour-transfer.ts";
export { type Placement, placed } from "./copy-move.ts";
export { inpaint } from "./inpaint.ts";
export { blurred, type NoiseOptions, noisy, resampled, type Warp } from "./local.ts";
export {
  type Forgery,
  type ManipulateOptions,
  type ManipulationKind,
  manipulate,
  manipulationKinds,
  needsDonor,
  usualArea,
} from "./manipulate.ts";
export { type Guidance, membrane, poissonBlend } from "./poisson.ts";
export { type UpsamplingOptions, upsampled } from "./upsample.ts";
