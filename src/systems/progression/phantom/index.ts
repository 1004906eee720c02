export { classOf, LEVEL, LEVELS, type VesselAnatomy } from "./anatomy.ts";
export {
  firstPatient,
  patientOfSplit,
  type VesselDatasetOptions,
  type VesselRow,
  type VesselSplit,
  vesselSplits,
  writeVesselDataset,
} from "./dataset.ts";
export type { Plaque } from "./growth.ts";
export { fitIntensityClassifier, type IntensityClassifier, type LabelledStudy } from "./intensity-classifier.ts";
export { type Protocol, protocols, stageMotion, type VesselPatient, type VesselStage, vesselPatient } from "./patient.ts";
export { type PersonalData, personalColumns, type RecordedData } from "./personal-data.ts";
export { registeredImages, type VesselStudy, vesselStudy } from "./study.ts";
export { acquisitions, type Sequence, sequences } from "./tissues.ts";
export { type VesselTruth, vesselTruth } from "./truth.ts";
