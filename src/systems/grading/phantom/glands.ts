import { random } from "../../../random/index.ts";
import type { Anatomy } from "./anatomy.ts";
import { benignGlands } from "./benign-glands.ts";
import { cancerGlands } from "./cancer-glands.ts";
import { type DistanceGrid, distanceAt, distanceGrid } from "./distance-grid.ts";
import type { GlandLook, Growth, Recipe } from "./growth.ts";
import type { Layout } from "./layout.ts";
import { smoothMinimum, unit } from "./noise.ts";
import { type Nuclei, placeNuclei } from "./nuclei.ts";
import { type Architecture, classOf, phantomClasses } from "./patterns.ts";
import { vessel } from "./vessels.ts";

/** A gland, or a vessel, where it lies. Its lumen and nuclei are made when they are first asked for. Lengths in um. */
export interface Gland {
  readonly x: number;
  readonly y: number;
  /** Nothing of it is farther than this from its middle, along x or y. */
  readonly reach: number;
  /** A number of its own. */
  readonly key: number;
  /** Its class in the mask. */
  readonly classIndex: number;
  readonly outer: DistanceGrid;
  readonly lumen: DistanceGrid | undefined;
  readonly nuclei: Nuclei;
  readonly look: GlandLook;
}

/** Which glands: all of them and the vessels, or those of cancer alone. */
export type GlandChoice = "all" | "cancer";

/** Finds the glands that touch a rectangle, in um, in an order that does not depend on the rectangle. */
export type GlandFinder = (left: number, top: number, right: number, bottom: number, choice?: GlandChoice) => Iterable<Gland>;

type Structure = Exclude<Architecture, "stroma"> | "vessel";

const recipes: Readonly<Record<Structure, Recipe>> = { vessel, ...benignGlands, ...cancerGlands };

/** Numbers that a slide's glands may hold: about 50 MB. */
const cachedNodes = 12e6;

/**
 * The glands of a slide. Each architecture has a jittered lattice of sites of its own; a gland grows where the territory of its site is
 * of that architecture, so that whether there is one, and how it looks, follows from its place alone. The glands built last are kept,
 * up to a fixed memory.
 */
export const glandsOf = (
  seed: number,
  layout: Layout,
  anatomy: Anatomy,
  direction: (x: number, y: number) => number,
): GlandFinder => {
  const structures: readonly Structure[] = [
    "vessel",
    ...layout.architectures.filter((architecture) => architecture !== "stroma"),
  ];
  const lattices = structures.map((structure) => {
    const recipe = recipes[structure];
    const scale = anatomy.glandScale;
    const grow = (column: number, row: number): Gland | undefined =>
      plant(seed, structure, column, row, layout, anatomy, direction);
    return {
      isCancer: structure in cancerGlands,
      pitch: recipe.pitch * scale,
      reach: recipe.reach * scale + recipe.jitter * recipe.pitch * scale,
      at: remembered(grow, cachedNodes / structures.length),
    };
  });
  return function* (left, top, right, bottom, choice = "all") {
    for (const { isCancer, pitch, reach, at } of lattices) {
      if (choice === "cancer" && !isCancer) continue;
      const [firstColumn, lastColumn] = [Math.floor((left - reach) / pitch) - 1, Math.floor((right + reach) / pitch)];
      const [firstRow, lastRow] = [Math.floor((top - reach) / pitch) - 1, Math.floor((bottom + reach) / pitch)];
      for (let row = firstRow; row <= lastRow; row++) {
        for (let column = firstColumn; column <= lastColumn; column++) {
          const gland = at(column, row);
          if (gland === undefined) continue;
          const isNear =
            gland.x + gland.reach > left &&
            gland.x - gland.reach < right &&
            gland.y + gland.reach > top &&
            gland.y - gland.reach < bottom;
          if (isNear) yield gland;
        }
      }
    }
  };
};

/** The site of a lattice's cell: rows are offset by half a cell, as in a honeycomb. */
const siteOf = (
  seed: number,
  salt: number,
  { pitch, jitter }: Recipe,
  scale: number,
  column: number,
  row: number,
): { x: number; y: number } => ({
  x: (column + (row & 1 ? 1 : 0.5) + jitter * (2 * unit(seed, column, row, salt) - 1)) * pitch * scale,
  y: (row + 0.5 + jitter * (2 * unit(seed, column, row, salt + 1) - 1)) * pitch * scale,
});

const plant = (
  seed: number,
  structure: Structure,
  column: number,
  row: number,
  layout: Layout,
  anatomy: Anatomy,
  direction: (x: number, y: number) => number,
): Gland | undefined => {
  const recipe = recipes[structure];
  const salt = 100 + 10 * Object.keys(recipes).indexOf(structure);
  const scale = anatomy.glandScale;
  const { x, y } = siteOf(seed, salt, recipe, scale, column, row);
  if (layout.depth(x, y) < -recipe.reach * scale) return undefined;
  if (unit(seed, column, row, salt + 2) >= recipe.presence) return undefined;
  const territory = layout.territory(x, y);
  if (structure !== "vessel" && (territory.architecture !== structure || territory.margin < recipe.margin)) return undefined;

  const source = random("phantom gland", seed, structure, column, row);
  const key = source.integer(0, 2 ** 31 - 1);
  const growth = recipe.grow(source, { anatomy, scale, key, direction: direction(x, y) });
  const limits: Limit[] = [];
  if (recipe.gap !== undefined) {
    for (let j = -1; j <= 1; j++) {
      for (let i = -2; i <= 2; i++) {
        if (i === 0 && j === 0) continue;
        const other = siteOf(seed, salt, recipe, scale, column + i, row + j);
        const isNear = Math.hypot(other.x - x, other.y - y) - recipe.gap < 2 * (growth.reach + filletOf(recipe));
        if (isNear) limits.push(halfway(other.x - x, other.y - y, recipe.gap));
      }
    }
  }
  if (structure !== "vessel" && territory.margin < growth.reach) limits.push(border(layout, structure, x, y, growth.reach));
  return build(recipe, growth, limits, x, y, key, structure === "vessel" ? phantomClasses.stroma : classOf[structure]);
};

/** How far a point, relative to a site, is from where a gland must end. */
type Limit = (x: number, y: number) => number;

/** The line halfway to a neighbour, less half the gap. */
const halfway = (dx: number, dy: number, gap: number): Limit => {
  const distance = Math.hypot(dx, dy);
  return (x, y) => distance / 2 - (x * dx + y * dy) / distance - gap / 2;
};

/** The border of the territory, sampled coarsely: it is smooth, and costly to ask for. */
const border = (layout: Layout, structure: Structure, siteX: number, siteY: number, reach: number): Limit => {
  const grid = distanceGrid(0, 0, reach, Math.max(4, reach / 6), (x, y) => {
    const { architecture, margin } = layout.territory(siteX + x, siteY + y);
    return (architecture === structure ? margin : -margin) + 3;
  });
  return (x, y) => distanceAt(grid, x, y);
};

/** How rounded a corner is where a gland is pressed flat, in um. */
const filletOf = ({ pitch }: Recipe): number => Math.min(14, pitch / 6);

const build = (
  recipe: Recipe,
  growth: Growth,
  limits: readonly Limit[],
  x: number,
  y: number,
  key: number,
  classIndex: number,
): Gland => {
  const fillet = filletOf(recipe);
  const outer = distanceGrid(x, y, growth.reach, recipe.step, (atX, atY) => {
    let depth = growth.outer(atX - x, atY - y);
    if (depth < -farthestPainted - recipe.step) return depth;
    for (const limit of limits) depth = smoothMinimum(depth, limit(atX - x, atY - y), fillet);
    return depth;
  });
  const { lumen: open } = growth;
  let lumen: DistanceGrid | undefined;
  let nuclei: Nuclei | undefined;
  return {
    x,
    y,
    reach: extentOf(outer, x, y),
    key,
    classIndex,
    outer,
    look: growth.look,
    get lumen() {
      if (open === undefined) return undefined;
      lumen ??= distanceGrid(x, y, growth.reach, recipe.step, (atX, atY) => open(atX - x, atY - y, distanceAt(outer, atX, atY)));
      return lumen;
    },
    get nuclei() {
      nuclei ??= placeNuclei(random("phantom nuclei", key), growth.layers, outer, this.lumen);
      return nuclei;
    },
  };
};

/** How far outside a gland its cleft, the last thing painted of it, can reach, in um. */
const farthestPainted = 7;

/** How far from (x, y), along x or y, something of a gland can be painted. */
const extentOf = ({ data, columns, step, x: left, y: top }: DistanceGrid, x: number, y: number): number => {
  let extent = 0;
  for (let index = 0; index < data.length; index++) {
    if (data[index] < -farthestPainted) continue;
    const column = index % columns;
    extent = Math.max(extent, Math.abs(left + column * step - x), Math.abs(top + ((index - column) / columns) * step - y));
  }
  return extent + step;
};

/** `grow` with a memory of the glands used last; they hold at most `limit` numbers. */
const remembered = (
  grow: (column: number, row: number) => Gland | undefined,
  limit: number,
): ((column: number, row: number) => Gland | undefined) => {
  const known = new Map<number, Gland | undefined>();
  let held = 0;
  const cost = (gland: Gland | undefined): number => (gland === undefined ? 8 : 60 + 3 * gland.outer.data.length);
  return (column, row) => {
    const key = (row + 32768) * 65536 + column + 32768;
    if (known.has(key)) {
      const gland = known.get(key);
      known.delete(key);
      known.set(key, gland);
      return gland;
    }
    const gland = grow(column, row);
    known.set(key, gland);
    held += cost(gland);
    for (const [oldest, oldGland] of known) {
      if (held <= limit) break;
      known.delete(oldest);
      held -= cost(oldGland);
    }
    return gland;
  };
};
