export { CALLS, type Call, callOf, directionOf, type Target } from "./call.ts";
export type { CellProblem } from "./cells.ts";
export {
  type CandidateReport,
  evaluatePredictor,
  type FitPredictorOptions,
  fitPredictor,
  type InputReport,
  LEAST_PATIENTS,
  type LearningCurvePoint,
  type PredictorReport,
  type Table,
  type TableRow,
  type TargetReport,
} from "./fit-predictor.ts";
export type { InputImportance } from "./importance.ts";
export {
  type CategoricalInput,
  type Cell,
  categorical,
  type Input,
  type InputValues,
  type NumericInput,
  numeric,
  PERSONAL_INPUTS,
  STAGE_1_INPUTS,
  yesNo,
} from "./inputs.ts";
export { MODEL_KINDS, type ModelKind } from "./models/index.ts";
export type { JudgedPrediction, PredictionMeasures } from "./prediction-measures.ts";
export { type PatientPrediction, type Predictor, predictPatient } from "./predictor.ts";
export { readPredictor } from "./read-predictor.ts";
export type { Prediction } from "./target-model.ts";
