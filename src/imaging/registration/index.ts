export { type Displacement, displacementBetween } from "./displacement.ts";
export { itkTransform, parseItkTransform } from "./itk-transform.ts";
export type { Similarity } from "./mutual-information.ts";
export { registrationPicture } from "./picture.ts";
export { QUALITY_LIMITS, type RegistrationQuality } from "./quality.ts";
export { type Registration, type RegistrationOptions, registeredVolume, registerVolumes } from "./register.ts";
export type { RegistrationKind, RegistrationProgress } from "./search.ts";
export type { RegistrationStart } from "./start.ts";
