import type { Random } from "../../../random/index.ts";
import type { Content, GlandLook, Recipe, Site } from "./growth.ts";
import { noise } from "./noise.ts";
import type { NucleusStyle } from "./nuclei.ts";
import { blob, discs, discsInside, strand } from "./shapes.ts";

/** Cancer's nuclei: larger, paler in the middle, with a nucleolus; they vary more the less the gland is differentiated. */
const malignant = ({ anatomy }: Site, radius: number, variation: number): NucleusStyle => ({
  radius: radius * anatomy.nuclearScale,
  aspect: 1.15,
  variation,
  haematoxylin: 1.4 * anatomy.chromatin,
  vesicular: 0.55,
  nucleolus: 1.25,
});

const cancerLook = (source: Random, { anatomy }: Site, changes: Partial<GlandLook> = {}): GlandLook => ({
  haematoxylin: anatomy.cytoplasm.haematoxylin * source.uniform(0.8, 1.25),
  eosin: anatomy.cytoplasm.eosin * source.uniform(0.8, 1.15),
  foam: source.uniform(0.2, 0.8),
  walls: source.uniform(0.2, 0.7),
  apicalPallor: source.uniform(0, 0.3),
  content: content(source, anatomy.secretion),
  retraction: source.uniform() < 0.15 ? source.uniform(2, 5) : 0,
  ...changes,
});

const content = (source: Random, secretion: number): Content => {
  if (source.uniform() > secretion) return "empty";
  return source.uniform() < 0.35 ? "mucin" : "secretion";
};

/** Gleason 3: small, round, discrete glands, each with a clear lumen and one layer of nuclei. */
const wellFormed: Recipe = {
  pitch: 60,
  jitter: 0.32,
  presence: 0.96,
  gap: 7,
  step: 2,
  margin: 6,
  reach: 40,
  grow: (source, site) => {
    const radius = source.uniform(23, 34) * site.scale;
    const thickness = Math.min(radius - 4, source.uniform(12, 15.5) / site.anatomy.lumen ** 0.35);
    return {
      reach: radius * 1.3,
      outer: blob(source, radius, source.uniform(1, 1.5), 0.06, 4),
      lumen: (x, y, depth) => depth - thickness - 1.2 * noise(site.key, x / 8, y / 8),
      layers: [{ kind: "file", of: "outer", level: 5, spacing: 8.3, across: true, style: malignant(site, 3.6, 0.12) }],
      look: cancerLook(source, site),
    };
  },
};

/** Gleason 4, cribriform: a large nest with many punched-out lumina and no stroma between them. */
const cribriform: Recipe = {
  pitch: 165,
  jitter: 0.3,
  presence: 0.97,
  gap: 14,
  step: 2.5,
  margin: 10,
  reach: 128,
  grow: (source, site) => {
    const radius = source.uniform(72, 104) * site.scale;
    const outer = blob(source, radius, source.uniform(1, 1.5), 0.07, 5);
    const size = site.anatomy.lumen ** 0.4;
    const holes = discsInside(source, outer, radius, {
      count: source.integer(10, 24),
      wall: 9.5,
      smallest: 7 * size,
      largest: 14 * size,
    });
    const punched = holes.length === 0 ? undefined : discs(holes, 4);
    return {
      reach: radius * 1.3,
      outer,
      lumen: punched && ((x, y, depth) => Math.min(depth - 9, punched(x, y) + 1.5 * noise(site.key, x / 9, y / 9))),
      layers: [
        { kind: "file", of: "outer", level: 5, spacing: 8.4, across: true, style: malignant(site, 3.7, 0.12) },
        { kind: "file", of: "lumen", level: -5.6, spacing: 8.6, across: true, style: malignant(site, 3.7, 0.12) },
        { kind: "filling", border: 6, lumen: 5, spacing: 8.8, style: malignant(site, 3.7, 0.12) },
      ],
      look: cancerLook(source, site, { apicalPallor: 0 }),
    };
  },
};

/** Gleason 4, fused: several small glands that share their walls, each with a lumen or a trace of one. */
const fused: Recipe = {
  pitch: 120,
  jitter: 0.3,
  presence: 0.97,
  gap: 6,
  step: 2.5,
  margin: 8,
  reach: 100,
  grow: (source, site) => {
    const radius = source.uniform(58, 84) * site.scale;
    const parts = discsInside(source, blob(source, radius, 1.3, 0.1, 4), radius, {
      count: 10,
      wall: -9,
      smallest: 17,
      largest: 24,
    });
    const nest = parts.length > 0 ? parts : [{ x: 0, y: 0, radius: 24 }];
    const holes = nest
      .filter(() => source.uniform() < 0.85)
      .map((part) => ({
        x: part.x + source.uniform(-4, 4),
        y: part.y + source.uniform(-4, 4),
        radius: Math.max(2.5, part.radius - source.uniform(10.5, 14.5)) * site.anatomy.lumen ** 0.5,
      }));
    const open = holes.length === 0 ? undefined : discs(holes, 3);
    return {
      reach: radius * 1.35,
      outer: discs(nest, 12),
      lumen: open && ((x, y, depth) => Math.min(depth - 8, open(x, y) + 1.8 * noise(site.key, x / 8, y / 8))),
      layers: [
        { kind: "file", of: "lumen", level: -8.5, spacing: 8.4, across: true, style: malignant(site, 3.7, 0.13) },
        { kind: "file", of: "outer", level: 5, spacing: 9, across: true, style: malignant(site, 3.7, 0.13) },
        { kind: "filling", border: 5, lumen: 8, spacing: 9.5, style: malignant(site, 3.7, 0.13) },
      ],
      look: cancerLook(source, site),
    };
  },
};

/** Gleason 4, poorly formed: small crowded clusters with a slit, a dot or no lumen. */
const poorlyFormed: Recipe = {
  pitch: 37,
  jitter: 0.3,
  presence: 0.97,
  gap: 3,
  step: 1.5,
  margin: 4,
  reach: 32,
  grow: (source, site) => {
    const radius = source.uniform(14, 20) * site.scale;
    const slit =
      source.uniform() < 0.6
        ? blob(source, source.uniform(2.5, 5) * site.anatomy.lumen ** 0.4, source.uniform(1, 2.6), 0.15, 3)
        : undefined;
    const [offX, offY] = [source.uniform(-4, 4), source.uniform(-4, 4)];
    return {
      reach: radius * 1.6,
      outer: blob(source, radius, source.uniform(1, 2), 0.14, 5),
      lumen: slit && ((x, y, depth) => Math.min(depth - 5, slit(x - offX, y - offY))),
      layers: [
        { kind: "file", of: "outer", level: 4.6, spacing: 8, across: true, style: malignant(site, 3.7, 0.14) },
        { kind: "filling", border: 4.5, lumen: 4.5, spacing: 8.6, style: malignant(site, 3.7, 0.14) },
      ],
      look: cancerLook(source, site),
    };
  },
};

/** Gleason 5, sheet: solid nests without lumina, at times with necrosis in the middle (comedonecrosis). */
const sheet: Recipe = {
  pitch: 190,
  jitter: 0.33,
  presence: 1,
  gap: 7,
  step: 3,
  margin: 4,
  reach: 160,
  grow: (source, site) => {
    const radius = source.uniform(115, 140) * site.scale;
    const isNecrotic = source.uniform() < 0.16;
    const core = isNecrotic ? blob(source, radius * source.uniform(0.2, 0.36), 1.4, 0.14, 6) : undefined;
    return {
      reach: radius * 1.14,
      outer: blob(source, radius, source.uniform(1, 1.3), 0.06, 6),
      lumen: core && ((x, y, depth) => Math.min(depth - 14, core(x, y) + 4 * noise(site.key, x / 11, y / 11))),
      layers: [{ kind: "filling", border: 4, lumen: 4, spacing: source.uniform(9, 11.5), style: malignant(site, 3.9, 0.2) }],
      look: cancerLook(source, site, { content: "necrosis", apicalPallor: 0 }),
    };
  },
};

/** Gleason 5, cords: files of cells, one or two abreast, along the fibres. */
const cords: Recipe = {
  pitch: 44,
  jitter: 0.36,
  presence: 0.9,
  step: 2,
  margin: 4,
  reach: 92,
  grow: (source, site) => {
    const halfWidth = source.uniform(5.8, 8.5);
    const half = source.uniform(26, 68) * site.scale;
    const angle = site.direction + source.normal(0, 0.3);
    const bend = source.uniform(-0.4, 0.4);
    const points = [-1, -0.5, 0, 0.5, 1].map((along) => ({
      x: half * (along * Math.cos(angle) - bend * along * along * Math.sin(angle)),
      y: half * (along * Math.sin(angle) + bend * along * along * Math.cos(angle)),
    }));
    const line = strand(points, halfWidth);
    return {
      reach: half * 1.1 + halfWidth + 2,
      outer: (x, y) => line(x, y) + 1.5 * noise(site.key, x / 10, y / 10),
      layers: [{ kind: "filling", border: 3.6, lumen: 0, spacing: 8.4, style: malignant(site, 3.6, 0.2) }],
      look: cancerLook(source, site, { walls: 0.5, retraction: 0 }),
    };
  },
};

/** Gleason 5, single cells scattered in the stroma; some hold a vacuole. */
const singleCells: Recipe = {
  pitch: 19.5,
  jitter: 0.38,
  presence: 0.82,
  step: 1.5,
  margin: 2,
  reach: 14,
  grow: (source, site) => {
    const radius = source.uniform(7, 9.5);
    const hasVacuole = source.uniform() < 0.22;
    const angle = source.uniform(0, 2 * Math.PI);
    const [awayX, awayY] = [3.4 * Math.cos(angle), 3.4 * Math.sin(angle)];
    const style = malignant(site, hasVacuole ? 3.1 : 3.8, 0.18);
    return {
      reach: radius * 1.4,
      outer: blob(source, radius, source.uniform(1, 1.6), 0.1, 4),
      lumen: hasVacuole ? (x, y, depth) => Math.min(depth - 1.5, 3.6 - Math.hypot(x + awayX * 0.8, y + awayY * 0.8)) : undefined,
      layers: [{ kind: "filling", border: hasVacuole ? 2.4 : 4.4, lumen: 2, spacing: 12, style }],
      look: cancerLook(source, site, { content: "empty", walls: 0, retraction: 0 }),
    };
  },
};

export const cancerGlands = {
  "well formed": wellFormed,
  cribriform,
  fused,
  "poorly formed": poorlyFormed,
  sheet,
  cords,
  "single cells": singleCells,
};
