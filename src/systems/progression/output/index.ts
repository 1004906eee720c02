export { classColours } from "./class-colours.ts";
export { overlayPicture } from "./overlay.ts";
export { cellsOf, patientCsv, patientsCsv } from "./patient-csv.ts";
export { PATIENT_SCHEMA, type PatientJson, patientJson } from "./patient-json.ts";
export { patientReport } from "./patient-report.ts";
export { summaryLines } from "./summary-lines.ts";
export { type ClassVolume, classVolumes, RESEARCH_USE } from "./volumes.ts";
export { featureTitle, targetTitle, withUnit } from "./wording.ts";
export { type PatientOutputOptions, writePatientOutputs } from "./write-outputs.ts";
