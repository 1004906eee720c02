export * from "./affine.ts";
export { type DicomCode, dicomCode, SEGMENT_CATEGORY } from "./dicom/codes.ts";
export { type IdentityOptions, uidFor } from "./dicom/identity.ts";
export {
  type DicomFolder,
  type DicomStack,
  type MrAcquisition,
  openDicom,
  type PatientIdentity,
  type SourceImage,
} from "./dicom/read.ts";
export { type DicomSegment, type DicomSegmentationOptions, writeDicomSegmentation } from "./dicom/segmentation.ts";
export { sequenceTerms } from "./dicom/words.ts";
export { type DicomSeries, writeDicomSeries } from "./dicom/write-series.ts";
export { type NiftiOptions, type NiftiVolume, readNifti, readNiftiLabels } from "./nifti/read.ts";
export { writeNifti } from "./nifti/write.ts";
export { orientationOf, reoriented } from "./orientation.ts";
export { type ResampleOptions, resampleLabels, resampleVolume } from "./resample.ts";
export * from "./volume.ts";
