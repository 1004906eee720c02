export { toHalf } from "./half.ts";
export { quantisableValues, quantise } from "./quantise.ts";
export { OBSERVED, observing, type Range } from "./ranges.ts";
