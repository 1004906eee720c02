import { DatasetError } from "../../imaging/index.ts";
import { random } from "../../random/index.ts";
import { epochOrder } from "../../training/index.ts";
import { type ForgeryImage, kindsOf } from "./data.ts";

/** A sample, and how often all of its class (and kind) were seen before: what its augmentation is drawn by. */
export interface Place {
  readonly epoch: number;
  /** Position among the samples. */
  readonly index: number;
}

export interface BalancedBatch {
  readonly real: readonly Place[];
  /** As many; none where there are no forged samples. */
  readonly forged: readonly Place[];
  /** For each real image its reference x_r, by its position among the samples. */
  readonly references: readonly number[];
}

export interface BalanceOptions {
  readonly seed: number;
  /** Images of a batch, without references: half of them real, where there are forged ones. */
  readonly batch: number;
  /** Share of references that are forged images, where there are any. Default 0.5. */
  readonly forgedReferences?: number;
}

/**
 * The batches of the endless training, by their number from 1: a function of (samples, seed, number) alone.
 *
 * Half of a batch is real, half forged; without forged samples all of it is real. Real images come in the order of `epochOrder`: no one
 * comes again before all others came. So do the forged images of each kind, and the kinds take turns in random order, each once a round,
 * so that all are equally often seen however many images they have. A reference is drawn at random from either class, forged ones from
 * all kinds equally often; it is never the image itself.
 *
 * @throws DatasetError without a real sample, or when the only one has no other for its reference; RangeError for an odd batch that would
 * have to be halved, or a share outside [0, 1].
 */
export const balancedOrder = (
  samples: readonly ForgeryImage[],
  { seed, batch, forgedReferences = 0.5 }: BalanceOptions,
): ((number: number) => BalancedBatch) => {
  const positions = (belongs: (sample: ForgeryImage) => boolean): number[] =>
    samples.flatMap((sample, index) => (belongs(sample) ? [index] : []));
  const real = positions(({ label }) => label === 0);
  const kinds = kindsOf(samples).map((kind) => positions((sample) => sample.label === 1 && sample.kind === kind));
  requireUsable(real.length, kinds.length, batch, forgedReferences);

  const realAt = epochOrder(real.length, seed, "real");
  const kindAt = epochOrder(kinds.length, seed, "kinds");
  const forgedAt = kinds.map((own, kind) => epochOrder(own.length, seed, "forged", kind));
  const reals = kinds.length > 0 ? batch / 2 : batch;
  const forged = batch - reals;

  const referenceFor = (index: number, position: number): number => {
    const source = random("reference", seed, position);
    const isForged = source.uniform() < forgedReferences;
    if (kinds.length > 0 && (isForged || real.length === 1)) {
      const own = kinds[source.integer(0, kinds.length - 1)];
      return own[source.integer(0, own.length - 1)];
    }
    const drawn = source.integer(0, real.length - 2); // among the others
    return real[drawn < real.indexOf(index) ? drawn : drawn + 1];
  };

  return (number) => {
    const firstReal = (number - 1) * reals;
    const chosen = Array.from({ length: reals }, (_, row): Place => {
      const { epoch, index } = realAt(firstReal + row);
      return { epoch, index: real[index] };
    });
    return {
      real: chosen,
      forged: Array.from({ length: forged }, (_, row): Place => {
        const { epoch: round, index: kind } = kindAt((number - 1) * forged + row);
        const { epoch, index } = forgedAt[kind](round);
        return { epoch, index: kinds[kind][index] };
      }),
      references: chosen.map(({ index }, row) => referenceFor(index, firstReal + row)),
    };
  };
};

const requireUsable = (reals: number, kinds: number, batch: number, forgedReferences: number): void => {
  if (reals === 0)
    throw new DatasetError('There is no real image to train on. Put some into "real/" (or give them the label real).');
  if (reals === 1 && kinds === 0) {
    throw new DatasetError("There is a single image to train on, and no other to be its reference. Give more real images.");
  }
  if (!(Number.isInteger(batch) && batch >= 1))
    throw new RangeError(`A batch has ${batch} images; it must be a whole number of at least 1.`);
  if (kinds > 0 && batch % 2 === 1)
    throw new RangeError(`Half of a batch is real and half forged, so ${batch} images cannot be divided.`);
  if (!(forgedReferences >= 0 && forgedReferences <= 1)) {
    throw new RangeError(`The share of forged references is ${forgedReferences}; it must lie between 0 and 1.`);
  }
};
