import { determinant3 } from "../matrix3.ts";
import {
  type Affine,
  identityAffine,
  invertAffine,
  isSameGrid,
  type LabelVolume,
  linearOf,
  resampleVolume,
  type Volume,
} from "../volumes/index.ts";
import { mutualInformation } from "./mutual-information.ts";
import { pyramidSpacings, reducedVolume } from "./pyramid.ts";
import { judgeRegistration, type RegistrationQuality, shapeOf } from "./quality.ts";
import { stratifiedPoints, valueRange } from "./samples.ts";
import { findTransform, type Level, type RegistrationKind, type RegistrationProgress } from "./search.ts";
import type { RegistrationStart } from "./start.ts";

export interface RegistrationOptions {
  /** Default "rigid". */
  readonly kind?: RegistrationKind;
  /** Default "search". */
  readonly start?: RegistrationStart;
  /** On the grid of its volume: only voxels that are not 0 count. */
  readonly fixedMask?: LabelVolume;
  readonly movingMask?: LabelVolume;
  /** The finest level's spacing in mm; default the finer spacing of the two volumes. */
  readonly finest?: number;
  /** At how many points the volumes are compared, on all levels but the coarsest. Default 40,000. */
  readonly samples?: number;
  /** Default 0. */
  readonly seed?: number;
  /** Whether to register the other way round too, which takes as long again and shows in `quality.inconsistency`. Default true. */
  readonly checkBackward?: boolean;
  readonly onProgress?: (progress: RegistrationProgress) => void;
  readonly signal?: AbortSignal;
}

export interface Registration {
  readonly kind: RegistrationKind;
  /** Patient coordinates (LPS+, mm) of the fixed volume to those of the moving one: what `resampleVolume` takes. */
  readonly transform: Affine;
  /** With the mutual information reached, before and after, and what speaks against the result. */
  readonly quality: RegistrationQuality;
}

/**
 * Finds where the points of a fixed volume lie in a moving one, of the same patient and of any contrast, by the largest
 * normalised mutual information (Studholme et al. 1999; Mattes et al. 2003) over rigid or affine transforms, from coarse to fine. The
 * same input gives the same bits.
 * @throws RangeError when the volumes do not overlap, have no contrast, or an option cannot be; what `signal` gives when it is aborted.
 */
export const registerVolumes = async (
  fixed: Volume,
  moving: Volume,
  options: RegistrationOptions = {},
): Promise<Registration> => {
  const { kind = "rigid", start = "search", samples = 40_000, seed = 0, checkBackward = true, onProgress, signal } = options;
  checkOptions(fixed, moving, { ...options, kind, start, samples });
  const ranges = { fixed: valueRange(fixed, "fixed"), moving: valueRange(moving, "moving") };
  const levels = pyramidSpacings(fixed, moving, options.finest).map((spacing): Level => {
    signal?.throwIfAborted();
    return {
      spacing,
      fixed: { volume: reducedVolume(fixed, spacing), range: ranges.fixed, mask: options.fixedMask },
      moving: { volume: reducedVolume(moving, spacing), range: ranges.moving, mask: options.movingMask },
    };
  });
  const search = { kind, samples, onProgress, signal };
  const transform = await findTransform(levels, { ...search, start, keys: [seed, "forward"] });
  const backward = checkBackward
    ? await findTransform(
        levels.map(({ spacing, fixed, moving }) => ({ spacing, fixed: moving, moving: fixed })),
        { ...search, start: typeof start === "string" ? start : invertAffine(start), keys: [seed, "backward"] },
      )
    : undefined;

  const finest = levels[levels.length - 1];
  const points = stratifiedPoints(fixed, samples, [seed, "quality"], options.fixedMask);
  const information = mutualInformation(points, finest.fixed, finest.moving);
  const begin = typeof start === "string" ? identityAffine : start;
  const quality = judgeRegistration({ information, points, start: begin, transform, backward });
  return { kind, transform, quality };
};

/** The moving volume on the fixed one's grid, as the registration found it; `outside` beyond it, default 0. */
export const registeredVolume = (fixed: Volume, moving: Volume, { transform }: Registration, outside = 0): Volume =>
  resampleVolume(moving, fixed, { transform, outside });

const checkOptions = (
  fixed: Volume,
  moving: Volume,
  {
    kind,
    start,
    samples,
    fixedMask,
    movingMask,
    finest = 0,
  }: RegistrationOptions & { kind: string; start: RegistrationStart; samples: number },
): void => {
  for (const [name, volume, mask] of [
    ["fixed", fixed, fixedMask],
    ["moving", moving, movingMask],
  ] as const) {
    if (Math.min(volume.width, volume.height, volume.slices) < 2) {
      throw new RangeError(
        `The ${name} volume has ${volume.width} x ${volume.height} x ${volume.slices} voxels: a registration needs two along each axis.`,
      );
    }
    if (mask && !isSameGrid(mask, volume)) {
      throw new RangeError(`The mask of the ${name} volume has another grid than the volume. Resample it with resampleLabels.`);
    }
  }
  if (!(samples >= 500 && Number.isInteger(samples))) {
    throw new RangeError(`A registration needs at least 500 sample points, a whole number, not ${samples}.`);
  }
  if (!(finest >= 0)) throw new RangeError(`The finest spacing is a length in mm, not ${finest}.`);
  if (kind !== "rigid" && kind !== "affine") throw new RangeError(`A registration is "rigid" or "affine", not "${kind}".`);
  if (typeof start === "string") return;
  if (
    kind === "rigid" &&
    (determinant3(linearOf(start)) < 0 || shapeOf(start).stretches.some((one) => Math.abs(one - 1) > 1e-6))
  ) {
    throw new RangeError("A rigid registration cannot start from a transform that stretches or mirrors. Ask for an affine one.");
  }
};
