import type { Anatomy } from "./anatomy.ts";
import type { Canvas } from "./canvas.ts";
import { type FieldLattice, fieldAt, fieldPitch } from "./fields.ts";
import { unit } from "./noise.ts";
import { paintNuclei } from "./paint-nuclei.ts";
import { fractalTexture, grainTexture, sampleTexture, texelAt } from "./textures.ts";

/** Paints stroma wherever there is tissue: wavy pink fibres, torn open in places. */
export const paintStroma = (canvas: Canvas, lattice: FieldLattice, anatomy: Anatomy): void => {
  const { pixel, width, height, depth, haematoxylin, eosin } = canvas;
  const { along, across, thickness } = lattice.values;
  const fibres = fractalTexture();
  const grain = grainTexture();
  const torn = tornFrom(anatomy);
  for (let row = 0; row < height; row++) {
    const y = (canvas.y + row + 0.5) * pixel;
    for (let column = 0; column < width; column++) {
      const x = (canvas.x + column + 0.5) * pixel;
      const index = row * width + column;
      if (depth[index] < -pixel) continue;
      const u = fieldAt(lattice, along, x, y);
      const v = fieldAt(lattice, across, x, y);
      const wave = 2.6 * sampleTexture(fibres, u / 2.4, v / 6);
      const fine = sampleTexture(fibres, u / 5 + 91, (v + wave) * 3.1);
      const bundle = sampleTexture(fibres, u / 9 + 37, (v + wave) * 1.1);
      const texture = 1 + 0.24 * fine + 0.2 * bundle + 0.07 * texelAt(grain, x * 2, y * 2);
      const closed = Math.min(1, Math.max(0.06, (torn - gap(u, v + wave) - 0.35 * fine) * 2.2));
      eosin[index] = anatomy.stromaEosin * Math.max(0.25, texture) * closed * fieldAt(lattice, thickness, x, y);
      haematoxylin[index] = Math.max(0.02, 0.07 + 0.03 * bundle) * closed;
    }
  }
};

/** How likely the stroma is torn at a place, from its coordinates along and across the fibres: mean 0, variance 1. */
const gap = (along: number, across: number): number => sampleTexture(fractalTexture(), along / 9 + 211, across * 0.42 + 101);

/** From which `gap` on the stroma is torn open. */
const tornFrom = ({ clefts }: Anatomy): number => 2.9 - 1.7 * clefts;

const spindlePitch = 14;

/** Paints the spindle nuclei of fibroblasts and smooth muscle, along the fibres. */
export const paintSpindles = (canvas: Canvas, lattice: FieldLattice, anatomy: Anatomy, seed: number): void => {
  scatter(canvas, lattice, anatomy, seed, spindlePitch, 51, (x, y, draw) => {
    if (draw(2) >= 0.3 * fieldAt(lattice, lattice.values.cellularity, x, y)) return undefined;
    const { across } = lattice.values;
    const half = fieldPitch / 2;
    const direction = Math.atan2(
      fieldAt(lattice, across, x - half, y) - fieldAt(lattice, across, x + half, y),
      fieldAt(lattice, across, x, y + half) - fieldAt(lattice, across, x, y - half),
    );
    const angle = direction + 0.5 * (draw(3) - 0.5);
    return [
      anatomy.nuclearScale * (4.2 + 3.6 * draw(4)),
      anatomy.nuclearScale * (1.3 + 0.9 * draw(5)),
      Math.cos(angle),
      Math.sin(angle),
      anatomy.chromatin * (1.15 + 0.75 * draw(6)),
      0,
      0,
    ];
  });
};

const lymphocytePitch = 8;

/** Paints lymphocytes: small, round, dark, crowded where there is inflammation. */
export const paintLymphocytes = (canvas: Canvas, lattice: FieldLattice, anatomy: Anatomy, seed: number): void => {
  if (anatomy.inflammation === 0) return;
  scatter(canvas, lattice, anatomy, seed, lymphocytePitch, 61, (x, y, draw) => {
    if (draw(2) >= 0.8 * fieldAt(lattice, lattice.values.inflammation, x, y)) return undefined;
    const radius = anatomy.nuclearScale * (2.5 + 0.8 * draw(3));
    return [radius * (1 + 0.25 * draw(4)), radius, 1, 0, anatomy.chromatin * (1.7 + 0.6 * draw(5)), 0, 0];
  });
};

/** Paints at most one nucleus for each cell of a jittered lattice that lies in tissue; `nucleus` gives its fields after x and y. */
const scatter = (
  canvas: Canvas,
  lattice: FieldLattice,
  anatomy: Anatomy,
  seed: number,
  pitch: number,
  salt: number,
  nucleus: (x: number, y: number, draw: (salt: number) => number) => readonly number[] | undefined,
): void => {
  const { pixel } = canvas;
  const { along, across } = lattice.values;
  const torn = tornFrom(anatomy);
  const reach = 10;
  const firstColumn = Math.floor((canvas.x * pixel - reach) / pitch);
  const lastColumn = Math.floor(((canvas.x + canvas.width) * pixel + reach) / pitch);
  const firstRow = Math.floor((canvas.y * pixel - reach) / pitch);
  const lastRow = Math.floor(((canvas.y + canvas.height) * pixel + reach) / pitch);
  for (let row = firstRow; row <= lastRow; row++) {
    for (let column = firstColumn; column <= lastColumn; column++) {
      const draw = (which: number): number => unit(seed, column, row, salt + which);
      const x = (column + draw(0)) * pitch;
      const y = (row + draw(1)) * pitch;
      if (fieldAt(lattice, lattice.values.depth, x, y) < 4) continue;
      if (gap(fieldAt(lattice, along, x, y), fieldAt(lattice, across, x, y)) > torn - 0.3) continue;
      const fields = nucleus(x, y, draw);
      if (fields !== undefined) paintNuclei(canvas, [x, y, ...fields]);
    }
  }
};
