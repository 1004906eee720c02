export * from "./dataset.ts";
export * from "./histogram-model.ts";
export { isupGrade, minimumShare } from "./isup.ts";
export type { TissueKind } from "./outline.ts";
export { phantomClasses } from "./patterns.ts";
export * from "./phantom.ts";
