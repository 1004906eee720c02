export { type DenseCrfOptions, denseCrf, type Refine } from "./mean-field.ts";
export { type GaussianFilter, permutohedralLattice } from "./permutohedral.ts";
