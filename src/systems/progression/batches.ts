import type { LabelVolume, Volume } from "../../imaging/index.ts";
import { type Random, random } from "../../random/index.ts";
import type { Values } from "../../runtime/index.ts";
import { epochOrder } from "../../training/index.ts";
import type { ModelConfig } from "./config.ts";
import { type Cut, cutLabels, cutSlices } from "./cut-slices.ts";
import { channelsOf } from "./segmenter.ts";

/** A study to learn from: standardised channels, and labels on their grid. */
export interface TrainingStudy {
  readonly channels: readonly Volume[];
  readonly labels: LabelVolume;
}

/**
 * How much classes count in the cross-entropy: (1 / share of voxels)^balance, so that they are 1 in the mean over voxels; a class that is nowhere
 * counts as much as one of a single voxel. Rare classes otherwise vanish at first: where their probability is 0, Dice has no gradient.
 */
export const classWeightsOf = (studies: readonly TrainingStudy[], classes: number, balance: number): number[] => {
  const counts = new Float64Array(classes);
  for (const { labels } of studies) for (const label of labels.data) counts[label]++;
  const total = counts.reduce((sum, count) => sum + count);
  const weights = Array.from(counts, (count) => (total / Math.max(1, count)) ** balance);
  const mean = weights.reduce((sum, weight, label) => sum + (weight * counts[label]) / total, 0);
  return weights.map((weight) => weight / mean);
};

/** Voxels of a class that are remembered in a study, so that patches can be taken around them. */
const REMEMBERED = 500;

/**
 * A batch by its number, a function of (seed, number) alone: `x` [batch, channels, patch, patch], `labels` and `counts` (0 beyond the slice)
 * [batch, patch, patch]. A part of it (`rare`) is drawn class by class, each time around a voxel of the class in a study that has it, the
 * others are all slices in turn, around any voxel.
 */
export const batchMaker = (studies: readonly TrainingStudy[], config: ModelConfig): ((number: number) => Promise<Values>) => {
  const { seed, patch, rare, training, classes } = config;
  const { batch } = training;
  const rareRows = Math.round(batch * rare);
  const slices = studies.flatMap(({ labels }, study) => Array.from({ length: labels.slices }, (_, slice) => ({ study, slice })));
  const places = studies.map(({ labels }) => placesOf(labels, classes.length));
  const present = classes
    .map((_, label) => ({ label, having: places.flatMap((own, study) => (own[label].length > 0 ? [study] : [])) }))
    .filter(({ label, having }) => label > 0 && having.length > 0);
  const sliceAt = epochOrder(slices.length, seed);
  const plainRows = batch - rareRows;
  const [channels, area] = [channelsOf(config), patch * patch];

  const placeOf = (number: number, row: number, rng: Random) => {
    if (row < rareRows && present.length > 0) {
      const { label, having } = present[((number - 1) * rareRows + row) % present.length];
      const study = having[rng.integer(0, having.length - 1)];
      const own = places[study][label];
      return { study, voxel: own[rng.integer(0, own.length - 1)] };
    }
    const { study, slice } = slices[sliceAt((number - 1) * Math.max(1, plainRows) + Math.max(0, row - rareRows)).index];
    const { width, height } = studies[study].labels;
    const size = width * height;
    return { study, voxel: slice * size + rng.integer(0, size - 1) };
  };

  return async (number) => {
    const x = new Float32Array(batch * channels * area);
    const labels = new BigInt64Array(batch * area);
    const counts = new Float32Array(batch * area);
    for (let row = 0; row < batch; row++) {
      const rng = random("slices", seed, number, row);
      const { study, voxel } = placeOf(number, row, rng);
      const own = studies[study];
      const cut = cutAround(own.labels, voxel, config, rng);
      const values = cutSlices(own.channels, cut, config);
      changeContrast(values, own.channels.length, config, rng);
      x.set(values, row * channels * area);
      const classesThere = cutLabels(own.labels, cut, patch);
      for (let at = 0; at < area; at++) {
        labels[row * area + at] = BigInt(Math.max(0, classesThere[at]));
        counts[row * area + at] = classesThere[at] < 0 ? 0 : 1;
      }
    }
    const shape = [batch, patch, patch];
    return {
      x: { data: x, shape: [batch, channels, patch, patch] },
      labels: { data: labels, shape },
      counts: { data: counts, shape },
    };
  };
};

/** Up to `REMEMBERED` voxels of each class, spread over the study. */
const placesOf = ({ data }: LabelVolume, classes: number): number[][] => {
  const all: number[][] = Array.from({ length: classes }, () => []);
  for (let voxel = 0; voxel < data.length; voxel++) if (data[voxel] > 0) all[data[voxel]].push(voxel);
  return all.map((own) => {
    const step = Math.max(1, own.length / REMEMBERED);
    return Array.from({ length: Math.min(own.length, REMEMBERED) }, (_, n) => own[Math.floor(n * step)]);
  });
};

/** A patch that holds the voxel somewhere in its middle half, within the slice as far as that is large enough; turned, scaled, mirrored. */
const cutAround = ({ width, height }: LabelVolume, voxel: number, { patch, augmentation }: ModelConfig, rng: Random): Cut => {
  const { flipHorizontal, flipVertical, turn, scale } = augmentation;
  const [i, j] = [voxel % width, Math.floor(voxel / width) % height];
  const middle = (at: number, size: number): number => {
    const wanted = at + rng.uniform(-0.25, 0.25) * patch;
    const half = (patch - 1) / 2;
    return size <= patch ? (size - 1) / 2 : Math.min(size - 1 - half, Math.max(half, wanted));
  };
  const centre = [middle(i, width), middle(j, height)] as const;
  const angle = (rng.uniform(-1, 1) * turn * Math.PI) / 180;
  const size = 1 + rng.uniform(-1, 1) * scale;
  const mirrorX = rng.uniform() < 0.5 && flipHorizontal;
  const mirrorY = rng.uniform() < 0.5 && flipVertical;
  return {
    slice: Math.floor(voxel / (width * height)),
    centre,
    turn: angle,
    scale: [mirrorX ? -size : size, mirrorY ? -size : size],
  };
};

/** Each sequence's contrast and mean change, and its brightness along a direction, as with other scanners and coils. */
const changeContrast = (values: Float32Array, sequences: number, { patch, augmentation }: ModelConfig, rng: Random): void => {
  const { gain, field } = augmentation;
  const size = values.length / sequences;
  for (let sequence = 0; sequence < sequences; sequence++) {
    const contrast = 1 + rng.uniform(-1, 1) * gain;
    const shift = rng.uniform(-1, 1) * gain;
    const [alongX, alongY] = [rng.uniform(-1, 1) * field, rng.uniform(-1, 1) * field];
    for (let at = 0; at < size; at++) {
      const [column, row] = [at % patch, Math.floor(at / patch) % patch];
      const received = 1 + alongX * ((2 * column) / patch - 1) + alongY * ((2 * row) / patch - 1);
      const index = sequence * size + at;
      values[index] = values[index] * contrast * received + shift;
    }
  }
};
