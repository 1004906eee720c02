import { setImmediate } from "node:timers/promises";
import type { Affine } from "../volumes/index.ts";
import { bfgs, type Minimum } from "./bfgs.ts";
import { affineMotion, type Motion, rigidMotion } from "./motion.ts";
import { type Looked, type MutualInformation, mutualInformation } from "./mutual-information.ts";
import { stratifiedPoints } from "./samples.ts";
import { bestStarts, centreOfMass, type RegistrationStart } from "./start.ts";

/** Rigid: three angles, three shifts. Affine: any linear map too, twelve numbers. */
export type RegistrationKind = "rigid" | "affine";

/** Both volumes as smooth as one level of the pyramid has them. */
export interface Level {
  /** In mm. */
  readonly spacing: number;
  readonly fixed: Looked;
  readonly moving: Looked;
}

export interface RegistrationProgress {
  /** Of the levels from coarse to fine, from 1. */
  readonly level: number;
  readonly levels: number;
  readonly spacing: number;
  readonly kind: RegistrationKind;
  readonly iteration: number;
  /** The mutual information so far, normalised: 1 .. 2. */
  readonly normalised: number;
}

export interface SearchOptions {
  readonly kind: RegistrationKind;
  readonly start: RegistrationStart;
  readonly samples: number;
  readonly keys: readonly (number | string)[];
  readonly onProgress?: (progress: RegistrationProgress) => void;
  readonly signal?: AbortSignal;
}

const ITERATIONS = 60;

/**
 * The transform from the fixed to the moving volume with the most normalised mutual information that is found from the start, level by level, each
 * on sample points of its own: first rigid; where asked for, affine from there, on all levels but the coarsest. Between iterations other
 * work goes on. @throws RangeError when the volumes do not overlap at the start, and what `signal` gives when it is aborted.
 */
export const findTransform = async (levels: readonly Level[], options: SearchOptions): Promise<Affine> => {
  let transform: Affine | undefined;
  for (const [at, level] of levels.entries()) {
    const { volume, mask } = levels[levels.length - 1].fixed;
    const count = at === 0 ? Math.min(options.samples, 10_000) : options.samples;
    const points = stratifiedPoints(mask ?? volume, count, [...options.keys, at], mask);
    const information = mutualInformation(points, level.fixed, level.moving);
    const improve = async (from: Affine, kind: RegistrationKind): Promise<Found> => {
      const motion = kind === "rigid" ? rigidMotion(from, points) : affineMotion(from, points);
      const report = ({ iterations, value }: Minimum): void =>
        options.onProgress?.({
          ...{ level: at + 1, levels: levels.length, spacing: level.spacing, kind },
          ...{ iteration: iterations, normalised: -value },
        });
      return climb(information, motion, level.spacing, report, options.signal);
    };
    let starts: readonly Affine[] = transform
      ? [transform]
      : bestStarts(information, centreOfMass(level.fixed), centreOfMass(level.moving), options.start);
    for (const kind of kindsOf(options.kind, at, levels.length)) {
      const found: Found[] = [];
      for (const start of starts) found.push(await improve(start, kind));
      starts = [found.reduce((a, b) => (b.normalised > a.normalised ? b : a)).transform];
    }
    transform = starts[0];
  }
  return transform!;
};

/** What is fitted on a level. */
const kindsOf = (kind: RegistrationKind, level: number, levels: number): readonly RegistrationKind[] => {
  if (kind === "rigid" || (level === 0 && levels > 1)) return ["rigid"];
  return level <= 1 ? ["rigid", "affine"] : ["affine"];
};

interface Found {
  readonly transform: Affine;
  readonly normalised: number;
}

/** To the top of the hill: BFGS with steps of at most two voxels. */
const climb = async (
  information: MutualInformation,
  motion: Motion,
  spacing: number,
  report: (minimum: Minimum) => void,
  signal: AbortSignal | undefined,
): Promise<Found> => {
  const none = new Float64Array(motion.parameters);
  const least = information.at(motion.at(none)).overlap / 2;
  const byTransform = new Float64Array(12);
  const objective = (parameters: Float64Array, gradient: Float64Array): number => {
    const { normalised, overlap } = information.withGradient(motion.at(parameters), byTransform);
    if (overlap < least) return Infinity;
    for (const [k, derivative] of motion.derivatives(parameters).entries()) {
      gradient[k] = -derivative.reduce((sum, one, n) => sum + one * byTransform[n], 0);
    }
    return -normalised;
  };
  const steps = { firstStep: spacing / 2, longestStep: 2 * spacing, shortestStep: spacing / 500, iterations: ITERATIONS };
  let best: Float64Array = none;
  for (const minimum of bfgs(objective, none, steps)) {
    best = minimum.point;
    report(minimum);
    await setImmediate();
    signal?.throwIfAborted();
  }
  const transform = motion.at(best);
  return { transform, normalised: information.at(transform).normalised };
};
