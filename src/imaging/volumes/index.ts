export * from "./affine.ts";
export { type NiftiOptions, type NiftiVolume, readNifti, readNiftiLabels } from "./nifti/read.ts";
export { writeNifti } from "./nifti/write.ts";
export { orientationOf, reoriented } from "./orientation.ts";
export { type ResampleOptions, resampleLabels, resampleVolume } from "./resample.ts";
export * from "./volume.ts";
