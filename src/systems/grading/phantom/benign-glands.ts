import type { Random } from "../../../random/index.ts";
import type { GlandLook, Growth, Recipe, Site } from "./growth.ts";
import { noise } from "./noise.ts";
import type { NucleusLayer, NucleusStyle } from "./nuclei.ts";
import { blob, type Disc, discs, strand } from "./shapes.ts";

/** Secretory cells: regular, evenly dark, no nucleolus to be seen at this magnification. */
const secretory = ({ anatomy }: Site): NucleusStyle => ({
  radius: 3.3 * anatomy.nuclearScale,
  aspect: 1.3,
  variation: 0.08,
  haematoxylin: 1.45 * anatomy.chromatin,
  vesicular: anatomy.benignPallor,
  nucleolus: 0,
});

/** Basal cells: small, flat, dark, under the secretory cells. Cancer has none. */
const basal = ({ anatomy }: Site): NucleusStyle => ({
  radius: 2.5 * anatomy.nuclearScale,
  aspect: 2.2,
  variation: 0.1,
  haematoxylin: 1.8 * anatomy.chromatin,
  vesicular: 0,
  nucleolus: 0,
});

const benignLook = (source: Random, { anatomy }: Site, changes: Partial<GlandLook> = {}): GlandLook => ({
  haematoxylin: anatomy.cytoplasm.haematoxylin * source.uniform(0.75, 1.15),
  eosin: anatomy.cytoplasm.eosin * source.uniform(0.85, 1.15),
  foam: source.uniform(0.3, 0.9),
  walls: source.uniform(0.1, 0.5),
  apicalPallor: source.uniform(0.2, 0.6),
  content: source.uniform() < anatomy.secretion ? "secretion" : "empty",
  retraction: source.uniform() < 0.12 ? source.uniform(2, 5) : 0,
  ...changes,
});

/** A lobulated outline: discs around a middle, grown together. */
const lobulated = (source: Random, radius: number): Disc[] => {
  const count = source.integer(4, 7);
  const turn = source.uniform(0, 2 * Math.PI);
  const around = Array.from({ length: count }, (_, index) => {
    const angle = turn + ((index + source.uniform(-0.3, 0.3)) / count) * 2 * Math.PI;
    const distance = radius * source.uniform(0.4, 0.66);
    return { x: distance * Math.cos(angle), y: distance * Math.sin(angle), radius: radius * source.uniform(0.26, 0.42) };
  });
  return [{ x: 0, y: 0, radius: radius * 0.42 }, ...around];
};

/** Large, lobed, with papillary folds into a wide lumen, and two layers of nuclei; now and then cystic, or with corpora amylacea. */
const normal: Recipe = {
  pitch: 176,
  jitter: 0.3,
  presence: 0.88,
  gap: 16,
  step: 3,
  margin: 12,
  reach: 130,
  grow: (source, site) => {
    const { scale, anatomy, key } = site;
    if (source.uniform() < 0.12) return cystic(source, site);
    const radius = source.uniform(85, 122) * scale;
    const parts = lobulated(source, radius);
    const thickness = source.uniform(17, 22) / anatomy.lumen ** 0.4;
    const fronds = Array.from({ length: source.integer(2, 5) }, () => {
      const lobe = parts[source.integer(1, parts.length - 1)];
      const [turn, tip] = [source.uniform(-0.5, 0.5), source.uniform(0.3, 0.7)];
      const points = [1.7, 1 + (tip - 1) / 2, tip].map((away, index) => {
        const bend = turn + (index === 1 ? source.uniform(-0.25, 0.25) : 0);
        return { x: away * (lobe.x - lobe.y * bend), y: away * (lobe.y + lobe.x * bend) };
      });
      return strand(points, source.uniform(9.5, 12));
    });
    const lumen = (x: number, y: number, depth: number): number => {
      const tuft = Math.max(0, noise(key, x / 17, y / 17)) * 15 + 3 * noise(key + 1, x / 7, y / 7);
      let open = depth - thickness - tuft;
      for (const frond of fronds) open = Math.min(open, -frond(x, y) + 3.5 * noise(key + 2, x / 12, y / 12));
      return open;
    };
    const corpora = source.uniform() < 0.16 ? corporaAmylacea(source, radius * 0.3) : undefined;
    return {
      reach: radius * 1.05,
      outer: discs(parts, 14 * scale),
      lumen,
      layers: twoLayers(site, 7.4),
      look: benignLook(source, site, { corpora }),
    };
  },
};

const twoLayers = (site: Site, spacing: number): readonly NucleusLayer[] => [
  { kind: "file", of: "lumen", level: -8.5, spacing, across: true, style: secretory(site) },
  { kind: "file", of: "outer", level: 3, spacing: 10.5, across: false, style: basal(site) },
  { kind: "filling", border: 4, lumen: 10, spacing: spacing * 1.1, style: secretory(site) },
];

/** A dilated gland: round, thin-walled, wide open. */
const cystic = (source: Random, site: Site): Growth => {
  const radius = source.uniform(55, 95) * site.scale;
  const thickness = source.uniform(8, 10);
  return {
    reach: radius * 1.35,
    outer: blob(source, radius, source.uniform(1, 1.5), 0.05, 5),
    lumen: (_x, _y, depth) => depth - thickness,
    layers: [{ kind: "file", of: "outer", level: 4, spacing: 8.5, across: false, style: { ...secretory(site), aspect: 1.7 } }],
    look: benignLook(source, site, {
      apicalPallor: 0,
      corpora: source.uniform() < 0.3 ? corporaAmylacea(source, radius * 0.4) : undefined,
    }),
  };
};

/** Atrophy, the classic mimic of cancer: small, crowded glands, but angular, with a thin dark lining and flattened nuclei. */
const atrophy: Recipe = {
  pitch: 66,
  jitter: 0.34,
  presence: 0.92,
  gap: 9,
  step: 2,
  margin: 6,
  reach: 58,
  grow: (source, site) => {
    const { anatomy, scale, key } = site;
    const radius = source.uniform(22, 38) * scale;
    const thickness = source.uniform(7.5, 10) / anatomy.lumen ** 0.3;
    const dark: NucleusStyle = {
      ...secretory(site),
      radius: 2.9 * anatomy.nuclearScale,
      aspect: 1.7,
      haematoxylin: 1.75 * anatomy.chromatin,
    };
    return {
      reach: radius * 1.5,
      outer: blob(source, radius, source.uniform(1.1, 2.1), 0.17, 6),
      lumen: (x, y, depth) => depth - thickness - 2.5 * noise(key, x / 11, y / 11),
      layers: [
        { kind: "file", of: "outer", level: 4, spacing: 6.6, across: false, style: dark },
        { kind: "filling", border: 3, lumen: 3, spacing: 7.5, style: dark },
      ],
      look: benignLook(source, site, {
        haematoxylin: anatomy.cytoplasm.haematoxylin * 1.25 + 0.05,
        apicalPallor: 0,
        foam: 0.2,
        walls: 0,
      }),
    };
  },
};

/** Hyperplasia: large crowded glands whose tall, piled-up lining leaves a narrow branching lumen. */
const hyperplasia: Recipe = {
  pitch: 146,
  jitter: 0.3,
  presence: 0.97,
  gap: 11,
  step: 3,
  margin: 12,
  reach: 112,
  grow: (source, site) => {
    const { anatomy, scale, key } = site;
    const radius = source.uniform(75, 105) * scale;
    const thickness = source.uniform(19, 26) / anatomy.lumen ** 0.5;
    return {
      reach: radius * 1.05,
      outer: discs(lobulated(source, radius), 16 * scale),
      lumen: (x, y, depth) => depth - thickness - 13 * noise(key, x / 21, y / 21) - 3 * noise(key + 1, x / 7, y / 7),
      layers: [
        { kind: "file", of: "lumen", level: -12, spacing: 6.9, across: true, style: secretory(site) },
        { kind: "file", of: "outer", level: 3, spacing: 9.5, across: false, style: basal(site) },
        { kind: "filling", border: 5, lumen: 12, spacing: 7.6, style: { ...secretory(site), aspect: 1.5 } },
      ],
      look: benignLook(source, site),
    };
  },
};

/** Laminated pink bodies that lie in the lumina of benign glands. */
const corporaAmylacea = (source: Random, reach: number): Disc[] =>
  Array.from({ length: source.integer(1, 3) }, () => ({
    x: source.uniform(-reach, reach),
    y: source.uniform(-reach, reach),
    radius: source.uniform(8, 17),
  }));

export const benignGlands = { normal, atrophy, hyperplasia };
