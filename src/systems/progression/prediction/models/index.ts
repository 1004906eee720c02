export { type Matrix, matrix, meanOf, takeRows } from "./matrix.ts";
export { fitModel, MODEL_KINDS, type Model, type ModelKind, predictModel } from "./model.ts";
export { divisions, type Keys, type TrainingSet, takeSet } from "./training-set.ts";
