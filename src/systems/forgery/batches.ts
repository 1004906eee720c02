import type { Prepared, PreparedImages } from "../../detection/index.ts";
import { augment } from "../../imaging/index.ts";
import { type Random, random } from "../../random/index.ts";
import type { Values } from "../../runtime/index.ts";
import { balancedOrder, type Place } from "./balanced-order.ts";
import type { Config } from "./config.ts";
import type { ForgeryImage } from "./data.ts";
import { selfBlend } from "./self-blend.ts";
import type { BatchCounts } from "./training-step.ts";

/** Training images whose samples say what is forged, with the masks of that as `truth`. */
export type ForgeryImages = PreparedImages & { readonly samples: readonly ForgeryImage[] };

/** How many images of each kind the batches of a training have. */
export const batchCounts = ({ samples }: ForgeryImages, { training, simulated }: Config): BatchCounts => {
  const given = samples.some(({ label }) => label === 1) ? training.batch / 2 : 0;
  const real = training.batch - given;
  return { real, forged: given + (simulated === "selfBlending" ? real : 0) };
};

/** An image as it is trained on: planes [3, size, size] in [0, 1], and where it is forged, [size, size], where that is known. */
interface Example {
  readonly planes: Float32Array;
  readonly region: Float32Array | undefined;
}

/**
 * A batch by its number, a function of (images, seed, number) alone: `real` and for the generator `reference`, [count, 3, size, size] in [0, 1],
 * and the forged ones with their regions, see `ForgeryBatch`; images and regions are augmented alike. Which images: see `balancedOrder`.
 */
export const batchMaker = (images: ForgeryImages, config: Config): ((number: number) => Promise<Values>) => {
  const { seed, image, simulated, data, augmentation, training } = config;
  const { size } = image;
  const order = balancedOrder(images.samples, { seed, batch: training.batch, forgedReferences: data.forgedReferences });
  const moved = { ...augmentation, brightness: 0, contrast: 0 };

  const seen = async (index: number, rng: () => Random): Promise<Example> => {
    const prepared = await images.get(index);
    const region = regionOf(images.samples[index], prepared, config);
    return {
      planes: augment(prepared.x, size, augmentation, rng()),
      region: region && augment(region, size, moved, rng()),
    };
  };
  const at = ({ epoch, index }: Place): Promise<Example> => seen(index, () => random("augment", seed, epoch, index));

  return async (number) => {
    const { real, forged, references } = order(number);
    const untouched = await Promise.all(real.map(at));
    const given = await Promise.all(forged.map(at));
    const further =
      simulated === "generator"
        ? await Promise.all(references.map((index, row) => seen(index, () => random("augment reference", seed, number, row))))
        : [];
    const pairs =
      simulated === "selfBlending" ? untouched.map(({ planes }, row) => selfBlended(planes, size, seed, number, row)) : [];
    return {
      // The blending's target, not the image: else what changes a whole image would tell the forged.
      real: stack(simulated === "selfBlending" ? pairs.map(({ target }) => target) : untouched, size),
      ...(simulated === "generator" ? { reference: stack(further, size) } : {}),
      ...ofForged([...given, ...pairs.map(({ blended }) => blended)], size),
    };
  };
};

/** Of a real image nothing is forged; of a forged one what its mask says, or, without one, what `data.unmasked` says. */
const regionOf = ({ label }: ForgeryImage, { x, truth }: Prepared, { data }: Config): Float32Array | undefined => {
  if (label === 0) return undefined;
  return truth ?? (data.unmasked === "whole" ? new Float32Array(x.length / 3).fill(1) : undefined);
};

/** An image blended with itself, and the target of the blending, which is real; both rounded to 8 bits, as images of files are. */
const selfBlended = (planes: Float32Array, size: number, ...keys: number[]): { target: Example; blended: Example } => {
  const { planes: blended, target, mask } = selfBlend(planes, size, random("self-blending", ...keys));
  return { target: { planes: rounded(target), region: undefined }, blended: { planes: rounded(blended), region: mask } };
};

const rounded = (planes: Float32Array): Float32Array => planes.map((value) => Math.round(255 * value) / 255);

const stack = (examples: readonly Example[], size: number) => {
  const data = new Float32Array(examples.length * 3 * size * size);
  for (const [row, { planes }] of examples.entries()) data.set(planes, row * 3 * size * size);
  return { data, shape: [examples.length, 3, size, size] };
};

const ofForged = (examples: readonly Example[], size: number): Values => {
  if (examples.length === 0) return {};
  const regions = new Float32Array(examples.length * size * size);
  for (const [row, { region }] of examples.entries()) if (region) regions.set(region, row * size * size);
  const known = Float32Array.from(examples, ({ region }) => (region ? 1 : 0));
  return {
    forged: stack(examples, size),
    forgedRegion: { data: regions, shape: [examples.length, 1, size, size] },
    regionKnown: { data: known, shape: [examples.length] },
  };
};
