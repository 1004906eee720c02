import { type Random, random } from "../../../random/index.ts";
import type { Anatomy } from "./anatomy.ts";
import { isupGrade, minimumShare } from "./isup.ts";
import { noiseField, unit } from "./noise.ts";
import { type Depth, outline, type TissueKind } from "./outline.ts";
import {
  type Architecture,
  architecturesOf,
  type BenignArchitecture,
  type CancerArchitecture,
  type GleasonPattern,
} from "./patterns.ts";

/** What grows at a point, and how far it is, in um, to where something else grows (the glass apart). */
export interface Territory {
  readonly architecture: Architecture;
  readonly margin: number;
}

/** The plan of a slide, in um: where tissue is, and what grows where. Every function is pure and takes any position. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  /** The architectures that can occur. */
  readonly architectures: readonly Architecture[];
  readonly depth: Depth;
  readonly territory: (x: number, y: number) => Territory;
  /** Density of lymphocytes in the stroma, 0 .. 1. */
  readonly inflammation: (x: number, y: number) => number;
}

/** The cancer that a plan asks for: which pattern there is most of, which second, and how much of each. */
export interface CancerPlan {
  readonly primary: GleasonPattern;
  readonly secondary: GleasonPattern;
  /** The secondary pattern's share of the glandular area of the cancer, 0 when there is one pattern only. */
  readonly secondaryShare: number;
  /** The cancer's share of the tissue. */
  readonly tumourShare: number;
}

/** A part of a focus: a disc of one architecture, before its edge is warped. */
interface Nodule {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly architecture: CancerArchitecture;
}

/** How much of a territory its glands cover: what turns a share of glandular area into a share of territory. Measured. */
const coverage: Readonly<Record<CancerArchitecture, number>> = {
  "well formed": 0.48,
  cribriform: 0.39,
  fused: 0.38,
  "poorly formed": 0.46,
  sheet: 0.65,
  cords: 0.45,
  "single cells": 0.4,
};

/** The patterns that give an ISUP grade, and their shares, well away from where the grade would change; undefined for grade 0. */
export const cancerPlan = (seed: number, attempt: number, grade: number): CancerPlan | undefined => {
  if (grade === 0) return undefined;
  const source = random("phantom plan", seed, attempt);
  const mixed: Readonly<Record<number, readonly (readonly [GleasonPattern, GleasonPattern])[]>> = {
    1: [[3, 3]],
    2: [[3, 4]],
    3: [[4, 3]],
    4: [[4, 4], [4, 4], [4, 4], [3, 5], [5, 3]], // biome-ignore format: one line a grade
    5: [[4, 5], [5, 4], [5, 5]], // biome-ignore format: one line a grade
  };
  const choices = mixed[grade];
  const [primary, secondary] = choices[source.integer(0, choices.length - 1)];
  return {
    primary,
    secondary,
    secondaryShare: primary === secondary ? 0 : source.uniform(0.2, 0.38),
    tumourShare: source.uniform(0.25, 0.75),
  };
};

/** Draws the plan of a slide of `width` x `height` um. `attempt` gives another plan of the same kind. */
export const layout = (
  seed: number,
  attempt: number,
  {
    width,
    height,
    tissue,
    plan,
    anatomy,
  }: { width: number; height: number; tissue: TissueKind; plan?: CancerPlan; anatomy: Anatomy },
): Layout => {
  const depth = outline(seed, tissue, width, height);
  const lobuleAt = lobules(seed, anatomy);
  const cancerAt = plan === undefined ? undefined : cancer(seed, attempt, plan, width, height, depth);
  const territory = (x: number, y: number): Territory => {
    const benign = lobuleAt(x, y);
    if (cancerAt === undefined) return benign;
    const tumour = cancerAt(x, y);
    if (tumour.margin > 0) return tumour;
    return { architecture: benign.architecture, margin: Math.min(benign.margin, -tumour.margin) };
  };
  const benignKinds = (["normal", "atrophy", "hyperplasia", "stroma"] as const).filter((kind) => anatomy.benign[kind] > 0);
  const patterns = plan === undefined ? [] : [...new Set([plan.primary, plan.secondary])];
  return {
    width,
    height,
    architectures: [...benignKinds, ...patterns.flatMap((pattern) => architecturesOf[pattern])],
    depth,
    territory,
    inflammation: infiltrates(seed, anatomy.inflammation),
  };
};

/** Whether the areas of the patterns give the grade with room to spare: no pattern near the share that would change it. */
export const isClear = (areas: Readonly<Record<GleasonPattern, number>>, grade: number): boolean => {
  if (isupGrade(areas) !== grade) return false;
  const total = areas[3] + areas[4] + areas[5];
  const unclear = (share: number): boolean =>
    (share > 0.4 * minimumShare && share < 2 * minimumShare) || (share > 0.43 && share < 0.57);
  return total === 0 || ![3, 4, 5].some((pattern) => unclear(areas[pattern as GleasonPattern] / total));
};

const lobulePitch = 400;

/** Lobules of benign tissue: the cells of jittered points, each of one architecture, with wavy borders. */
const lobules = (seed: number, anatomy: Anatomy): ((x: number, y: number) => Territory) => {
  const kinds = Object.keys(anatomy.benign) as BenignArchitecture[];
  const total = kinds.reduce((sum, kind) => sum + anatomy.benign[kind], 0);
  const warpX = noiseField(seed, "lobule x", 170);
  const warpY = noiseField(seed, "lobule y", 170);
  const kindOf = (column: number, row: number): BenignArchitecture => {
    let left = unit(seed, column, row, 13) * total;
    for (const kind of kinds) {
      left -= anatomy.benign[kind];
      if (left < 0) return kind;
    }
    return kinds[0];
  };
  return (x, y) => {
    const u = x + 40 * warpX(x, y);
    const v = y + 40 * warpY(x, y);
    const column = Math.floor(u / lobulePitch);
    const row = Math.floor(v / lobulePitch);
    let nearest = Infinity;
    let architecture: BenignArchitecture = "normal";
    let other = Infinity;
    for (let j = row - 1; j <= row + 1; j++) {
      for (let i = column - 1; i <= column + 1; i++) {
        const distance = Math.hypot(
          (i + 0.1 + 0.8 * unit(seed, i, j, 14)) * lobulePitch - u,
          (j + 0.1 + 0.8 * unit(seed, i, j, 15)) * lobulePitch - v,
        );
        const kind = kindOf(i, j);
        if (distance < nearest) {
          if (kind !== architecture) other = nearest;
          nearest = distance;
          architecture = kind;
        } else if (kind !== architecture && distance < other) other = distance;
      }
    }
    return { architecture, margin: Math.min(lobulePitch, (other - nearest) / 2) };
  };
};

const infiltratePitch = 280;

/** Patches of chronic inflammation: soft discs around some of a lattice's points. */
const infiltrates = (seed: number, share: number): ((x: number, y: number) => number) => {
  if (share === 0) return () => 0;
  const ragged = noiseField(seed, "infiltrate", 60);
  return (x, y) => {
    const column = Math.floor(x / infiltratePitch);
    const row = Math.floor(y / infiltratePitch);
    const edge = 30 * ragged(x, y);
    let density = 0;
    for (let j = row - 1; j <= row + 1; j++) {
      for (let i = column - 1; i <= column + 1; i++) {
        if (unit(seed, i, j, 22) > share) continue;
        const radius = 60 + 110 * unit(seed, i, j, 23);
        const [offX, offY] = [(i + unit(seed, i, j, 24)) * infiltratePitch - x, (j + unit(seed, i, j, 25)) * infiltratePitch - y];
        density = Math.max(density, Math.min(1, (radius + edge - Math.hypot(offX, offY)) / 50));
      }
    }
    return density;
  };
};

/**
 * Foci of cancer. Each nodule is a disc with a wavy edge; the discs of both patterns together are grown or shrunk by one length
 * until they cover the tumour's share of the tissue, then the border between the patterns is moved by one length until the secondary
 * pattern has its share. Both lengths are quantiles over a lattice of points of tissue, so that no search is needed.
 * A positive margin is inside the cancer.
 */
const cancer = (
  seed: number,
  attempt: number,
  plan: CancerPlan,
  width: number,
  height: number,
  depth: Depth,
): ((x: number, y: number) => Territory) => {
  const source = random("phantom foci", seed, attempt);
  const points = tissuePoints(width, height, depth);
  const area = points.share * width * height;
  const primary = nodules(source, plan.primary, points.at, area * plan.tumourShare, primaryFoci(source, area));
  const secondary =
    plan.secondaryShare === 0 ? [] : nodules(source, plan.secondary, primary, area * plan.tumourShare, 2 + primary.length / 3);

  const warpX = noiseField(seed, "focus x", 120);
  const warpY = noiseField(seed, "focus y", 120);
  const reach = (of: readonly Nodule[], x: number, y: number): Reach => {
    const u = x + 28 * warpX(x, y);
    const v = y + 28 * warpY(x, y);
    let [best, index] = [-Infinity, 0];
    for (let i = 0; i < of.length; i++) {
      const inside = of[i].radius - Math.hypot(of[i].x - u, of[i].y - v);
      if (inside > best) [best, index] = [inside, i];
    }
    let other = -Infinity;
    for (let i = 0; i < of.length; i++) {
      if (of[i].architecture !== of[index].architecture) {
        other = Math.max(other, of[i].radius - Math.hypot(of[i].x - u, of[i].y - v));
      }
    }
    return { inside: best, architecture: of[index].architecture, other };
  };

  const reaches = points.at.map(({ x, y }) => ({
    primary: reach(primary, x, y),
    secondary: secondary.length === 0 ? undefined : reach(secondary, x, y),
  }));
  const union = reaches.map((point) => Math.max(point.primary.inside, point.secondary?.inside ?? -Infinity));
  const growth = -quantile(union, 1 - plan.tumourShare);
  let lead = 0;
  if (secondary.length > 0) {
    const tumour = reaches
      .filter((_, index) => union[index] + growth > 0)
      .map((point) => ({ lead: point.secondary!.inside - point.primary.inside, point }))
      .toSorted((a, b) => b.lead - a.lead);
    let left = tumour.reduce((sum, { point }) => sum + coverage[point.primary.architecture], 0);
    let right = 0;
    for (const { lead: at, point } of tumour) {
      lead = -at;
      left -= coverage[point.primary.architecture];
      right += coverage[point.secondary!.architecture];
      if (right >= plan.secondaryShare * (left + right)) break;
    }
  }

  return (x, y) => {
    const first = reach(primary, x, y);
    if (secondary.length === 0) return { architecture: first.architecture, margin: inner(first.inside + growth, first) };
    const second = reach(secondary, x, y);
    const inside = Math.max(first.inside, second.inside) + growth;
    const ahead = second.inside - first.inside + lead;
    const winner = ahead > 0 ? second : first;
    return {
      architecture: winner.architecture,
      margin: inside > 0 ? Math.min(inner(inside, winner), Math.abs(ahead) / 2) : inside,
    };
  };
};

/** How far inside its nearest nodule a point is, of which architecture that is, and how far inside one of another architecture. */
interface Reach {
  readonly inside: number;
  readonly architecture: CancerArchitecture;
  readonly other: number;
}

const inner = (inside: number, { inside: best, other }: Reach): number =>
  inside > 0 ? Math.min(inside, (best - other) / 2) : inside;

const primaryFoci = (source: Random, area: number): number => source.integer(2, 4) + Math.min(24, Math.floor(area / 4e6));

/** Discs around points drawn from `places`; their total area is about `area`, which the caller corrects. */
const nodules = (
  source: Random,
  pattern: GleasonPattern,
  places: readonly { readonly x: number; readonly y: number }[],
  area: number,
  count: number,
): Nodule[] => {
  const whole = Math.round(count);
  const base = Math.sqrt(area / (Math.PI * whole));
  const kinds = architecturesOf[pattern];
  const first = source.integer(0, kinds.length - 1);
  return Array.from({ length: whole }, (_, index) => {
    const place = places[source.integer(0, places.length - 1)];
    return {
      x: place.x + source.uniform(-0.7, 0.7) * base,
      y: place.y + source.uniform(-0.7, 0.7) * base,
      radius: base * source.uniform(0.55, 1.2),
      architecture: kinds[(first + Math.floor(index / 2)) % kinds.length],
    };
  });
};

/** The points of a lattice that lie on tissue, at most some 4000, and their share of the lattice. */
const tissuePoints = (width: number, height: number, depth: Depth): { at: { x: number; y: number }[]; share: number } => {
  const step = Math.max(8, Math.sqrt((width * height) / 8000));
  const at: { x: number; y: number }[] = [];
  let count = 0;
  for (let y = step / 2; y < height; y += step) {
    for (let x = step / 2; x < width; x += step) {
      count++;
      if (depth(x, y) > 4) at.push({ x, y });
    }
  }
  if (at.length === 0)
    throw new Error(`A phantom of ${width} x ${height} um has no tissue; make it at least 200 um wide and high.`);
  return { at, share: at.length / count };
};

const quantile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.floor(share * sorted.length)))];
};
