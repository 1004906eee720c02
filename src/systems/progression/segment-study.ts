import { createVolume, type Grid, type LabelVolume, resampleVolume, type Volume, voxelsOf } from "../../imaging/index.ts";
import { cutSlices } from "./cut-slices.ts";
import type { ClassFractions } from "./measurement/index.ts";
import { channelsOf, type Segmenter } from "./segmenter.ts";
import { standardised } from "./standardise.ts";

/** Patches that the network is given at once. */
const BATCH = 8;

/**
 * Probabilities of the classes in every voxel of the channels' grid: slice by slice in patches that overlap by half, each of whose pixels counts
 * the more the nearer it is to the patch's middle. The likeliest class of a voxel has more than half of it, see `decide`.
 * @throws what `signal` gives when it is aborted.
 */
export const segmentStudy = async (
  { config, segment }: Pick<Segmenter, "config" | "segment">,
  channels: readonly Volume[],
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<ClassFractions> => {
  const { patch, classes } = config;
  const [grid] = channels;
  const { width, height, slices } = grid;
  const area = patch * patch;
  const seen = channels.map(standardised);
  const weights = windowOf(patch);
  const sums = classes.map(() => new Float32Array(voxelsOf(grid)));
  const total = new Float32Array(voxelsOf(grid));
  const places = Array.from({ length: slices }, (_, slice) =>
    startsOf(height, patch).flatMap((top) => startsOf(width, patch).map((left) => ({ slice, top, left }))),
  ).flat();
  for (let first = 0; first < places.length; first += BATCH) {
    signal?.throwIfAborted();
    const own = places.slice(first, first + BATCH);
    const x = new Float32Array(own.length * channelsOf(config) * area);
    for (const [row, { slice, top, left }] of own.entries()) {
      const centre = [left + (patch - 1) / 2, top + (patch - 1) / 2] as const;
      x.set(cutSlices(seen, { slice, centre }, config), (row * x.length) / own.length);
    }
    const probabilities = await segment(x);
    for (const [row, { slice, top, left }] of own.entries()) {
      for (let j = Math.max(0, top); j < Math.min(height, top + patch); j++) {
        for (let i = Math.max(0, left); i < Math.min(width, left + patch); i++) {
          const at = (j - top) * patch + i - left;
          const voxel = (slice * height + j) * width + i;
          total[voxel] += weights[at];
          for (let c = 0; c < classes.length; c++) {
            sums[c][voxel] += weights[at] * probabilities[(row * classes.length + c) * area + at];
          }
        }
      }
    }
  }
  for (const sum of sums) for (let voxel = 0; voxel < sum.length; voxel++) sum[voxel] /= total[voxel];
  decide(sums);
  return { width, height, slices, affine: grid.affine, fractions: sums };
};

/** Shares by which the likeliest class leads where it had less than half. */
const LEAD = 1e-3;

/**
 * Where no class has more than half of a voxel, the likeliest one gets just that, and the others their parts of the rest: measures, for which a
 * class is where it has more than half, then speak of the same classes as labels do.
 */
const decide = (shares: readonly Float32Array[]): void => {
  for (let voxel = 0; voxel < shares[0].length; voxel++) {
    let most = 0;
    for (let c = 1; c < shares.length; c++) if (shares[c][voxel] > shares[most][voxel]) most = c;
    const largest = shares[most][voxel];
    if (largest > 0.5) continue;
    const others = (0.5 - LEAD) / (1 - largest);
    for (const [c, share] of shares.entries()) share[voxel] = c === most ? 0.5 + LEAD : share[voxel] * others;
  }
};

/** Firsts of the patches along an axis: half a patch apart, the last at the end; one in the middle where the axis is no longer than a patch. */
const startsOf = (size: number, patch: number): number[] => {
  if (size <= patch) return [Math.floor((size - patch) / 2)];
  const count = Math.ceil((size - patch) / (patch / 2)) + 1;
  return Array.from({ length: count }, (_, n) => Math.round((n * (size - patch)) / (count - 1)));
};

/** Weights of a patch's pixels: a bell whose deviation is a quarter of the patch. */
const windowOf = (patch: number): Float32Array => {
  const bell = (at: number): number => Math.exp(-0.5 * ((at - (patch - 1) / 2) / (patch / 4)) ** 2);
  return Float32Array.from({ length: patch * patch }, (_, at) => bell(at % patch) * bell(Math.floor(at / patch)));
};

/** The likeliest class of each voxel of a grid, which is that of the fractions or one with other pixels. */
export const likeliestClasses = (fractions: ClassFractions, grid: Grid): LabelVolume => {
  const isSame = grid.width === fractions.width && grid.height === fractions.height && grid.slices === fractions.slices;
  const there = fractions.fractions.map((data) => (isSame ? data : resampleVolume({ ...fractions, data }, grid).data));
  const labels = new Uint8Array(voxelsOf(grid));
  for (let voxel = 0; voxel < labels.length; voxel++) {
    for (let c = 1; c < there.length; c++) if (there[c][voxel] > there[labels[voxel]][voxel]) labels[voxel] = c;
  }
  return createVolume(grid, labels);
};
