import { ELEMENTWISE } from "./elementwise.ts";
import { IMAGES } from "./images.ts";
import { LAYOUT } from "./layout.ts";
import type { OperatorTable } from "./node.ts";
import { NORMALISATIONS } from "./normalisation.ts";
import { REDUCTIONS } from "./reductions.ts";
import { RESIZE } from "./resize.ts";

/** Every operator that can be imported, in any of opsets 7 to 21. */
export const OPERATORS: OperatorTable = { ...ELEMENTWISE, ...IMAGES, ...LAYOUT, ...NORMALISATIONS, ...REDUCTIONS, ...RESIZE };
