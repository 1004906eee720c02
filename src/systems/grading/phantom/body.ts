import { type Anatomy, anatomy } from "./anatomy.ts";
import { createCanvas } from "./canvas.ts";
import { fibreDirection, type TissueFields, tissueFields } from "./fields.ts";
import { type GlandFinder, glandsOf } from "./glands.ts";
import { cancerPlan, isClear, layout } from "./layout.ts";
import type { TissueKind } from "./outline.ts";
import { paintClasses } from "./paint-tissue.ts";
import type { GleasonPattern } from "./patterns.ts";

/** The tissue of a slide: everything that is there before it is stained. */
export interface Body {
  readonly anatomy: Anatomy;
  readonly fields: TissueFields;
  readonly glands: GlandFinder;
}

export interface BodyOptions {
  /** Size in um. */
  readonly width: number;
  readonly height: number;
  readonly grade: number;
  readonly patient: number;
  readonly tissue: TissueKind;
}

/** Slides up to this area, in um^2, are measured while they are planned; on larger ones single glands no longer matter. */
const measuredArea = 16e6;

/**
 * Grows the tissue of a slide of a grade. A plan whose glands, as they came out, do not give the grade clearly (`isClear`) is drawn
 * again. Throws an Error when none of 40 plans does, which only very small slides can cause.
 */
export const growBody = (seed: number, options: BodyOptions): Body => {
  const { width, height, grade, tissue } = options;
  const patientAnatomy = anatomy(seed, options.patient);
  for (let attempt = 0; attempt < 40; attempt++) {
    const plan = cancerPlan(seed, attempt, grade);
    const place = layout(seed, attempt, { width, height, tissue, plan, anatomy: patientAnatomy });
    const fields = tissueFields(seed, place, patientAnatomy);
    const glands = glandsOf(seed, place, patientAnatomy, (x, y) => fibreDirection(fields, x, y));
    const body = { anatomy: patientAnatomy, fields, glands };
    if (plan === undefined || width * height > measuredArea || isClear(patternAreas(body, width, height), grade)) return body;
  }
  throw new Error(`No tissue of grade ${grade} fits a slide of ${width} x ${height} um (seed ${seed}); make the slide larger.`);
};

/** The areas of Gleason patterns 3, 4 and 5, counted on a mask of 4 um pixels; in um^2. */
const patternAreas = (body: Body, width: number, height: number): Record<GleasonPattern, number> => {
  const pixel = 4;
  const side = 256;
  const areas = { 3: 0, 4: 0, 5: 0 };
  for (let y = 0; y * pixel < height; y += side) {
    for (let x = 0; x * pixel < width; x += side) {
      const columns = Math.min(side, Math.ceil(width / pixel) - x);
      const rows = Math.min(side, Math.ceil(height / pixel) - y);
      const canvas = createCanvas(x, y, columns, rows, pixel);
      paintClasses(canvas, body, "cancer");
      for (const value of canvas.classes) if (value === 3 || value === 4 || value === 5) areas[value] += pixel * pixel;
    }
  }
  return areas;
};
