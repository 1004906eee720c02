import { type Artefacts, paintFolds } from "./artefacts.ts";
import type { Body } from "./body.ts";
import { type Canvas, pixelsAround } from "./canvas.ts";
import { distanceAt } from "./distance-grid.ts";
import { type FieldLattice, fieldAt, sampleFields } from "./fields.ts";
import type { Gland, GlandChoice } from "./glands.ts";
import { paintGland } from "./paint-glands.ts";
import { paintNuclei } from "./paint-nuclei.ts";
import { paintLymphocytes, paintSpindles, paintStroma } from "./paint-stroma.ts";
import { phantomClasses } from "./patterns.ts";
import { fractalTexture, sampleTexture } from "./textures.ts";

/** Paints the concentrations and classes of a canvas: stroma and its cells, the glands over them, cut at the edge of the tissue. */
export const paintTissue = (canvas: Canvas, body: Body, seed: number, folds: Artefacts["folds"]): void => {
  const lattice = latticeOf(canvas, body);
  if (!lattice.values.depth.some((depth) => depth > -8)) return;
  const glands = glandsOn(canvas, body);
  fathom(canvas, lattice);
  paintStroma(canvas, lattice, body.anatomy);
  paintSpindles(canvas, lattice, body.anatomy, seed);
  paintLymphocytes(canvas, lattice, body.anatomy, seed);
  for (const vessel of glands.filter(isVessel)) {
    paintGland(canvas, vessel);
    paintNuclei(canvas, vessel.nuclei);
  }
  const epithelium = glands.filter((gland) => !isVessel(gland));
  for (const gland of epithelium) paintGland(canvas, gland);
  for (const gland of epithelium) paintNuclei(canvas, gland.nuclei);
  cutAtEdge(canvas);
  paintFolds(canvas, lattice, folds);
  classify(canvas, glands);
};

/** Paints the classes of a canvas alone, which may have pixels of any size; with "cancer", benign glands are left out. */
export const paintClasses = (canvas: Canvas, body: Body, choice: GlandChoice = "all"): void => {
  const lattice = latticeOf(canvas, body);
  if (!lattice.values.depth.some((depth) => depth > -8)) return;
  fathom(canvas, lattice);
  classify(canvas, glandsOn(canvas, body, choice));
};

const isVessel = ({ classIndex }: Gland): boolean => classIndex === phantomClasses.stroma;

const latticeOf = ({ x, y, width, height, pixel }: Canvas, { fields }: Body): FieldLattice =>
  sampleFields(fields, x * pixel, y * pixel, (x + width) * pixel, (y + height) * pixel);

const glandsOn = ({ x, y, width, height, pixel }: Canvas, { glands }: Body, choice: GlandChoice = "all"): Gland[] => [
  ...glands(x * pixel, y * pixel, (x + width) * pixel, (y + height) * pixel, choice),
];

/** Fills in how deep each pixel is; the edge of the tissue is frayed. */
const fathom = ({ x: left, y: top, width, height, pixel, depth }: Canvas, lattice: FieldLattice): void => {
  const edge = fractalTexture();
  for (let row = 0; row < height; row++) {
    const y = (top + row + 0.5) * pixel;
    for (let column = 0; column < width; column++) {
      const x = (left + column + 0.5) * pixel;
      const smooth = fieldAt(lattice, lattice.values.depth, x, y);
      depth[row * width + column] = Math.abs(smooth) > 8 ? smooth : smooth + 1.6 * sampleTexture(edge, x / 1.5, y / 1.5);
    }
  }
};

const cutAtEdge = ({ pixel, depth, haematoxylin, eosin }: Canvas): void => {
  for (let index = 0; index < depth.length; index++) {
    if (depth[index] > pixel) continue;
    const left = Math.max(0, depth[index] / pixel + 0.5);
    if (left >= 1) continue;
    haematoxylin[index] *= left;
    eosin[index] *= left;
  }
};

const classify = (canvas: Canvas, glands: readonly Gland[]): void => {
  const { pixel, width, depth, classes } = canvas;
  for (let index = 0; index < depth.length; index++)
    classes[index] = depth[index] > 0 ? phantomClasses.stroma : phantomClasses.background;
  for (const gland of glands) {
    const { firstColumn, lastColumn, firstRow, lastRow } = pixelsAround(canvas, gland.x, gland.y, gland.reach);
    for (let row = firstRow; row <= lastRow; row++) {
      const y = (canvas.y + row + 0.5) * pixel;
      for (let column = firstColumn; column <= lastColumn; column++) {
        const index = row * width + column;
        if (classes[index] === phantomClasses.background) continue;
        if (distanceAt(gland.outer, (canvas.x + column + 0.5) * pixel, y) > 0) classes[index] = gland.classIndex;
      }
    }
  }
};
