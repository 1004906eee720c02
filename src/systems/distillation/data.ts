import { join } from "node:path";
import { ignoresPixels, type PreparedImages, type TrainingWork } from "../../detection/index.ts";
import { concat, reshape, slice, type Tensor } from "../../graph/index.ts";
import { augment } from "../../imaging/index.ts";
import { random } from "../../random/index.ts";
import type { Value, Values } from "../../runtime/index.ts";
import { epochOrder, writeJson } from "../../training/index.ts";
import type { Config, ModelConfig } from "./config.ts";
import type { Teacher } from "./teacher.ts";

/** What a training is fed of an image. */
export interface View {
  /** Of one image. */
  readonly shape: readonly number[];
  /** [batch, ...shape] -> the teacher's features, from fine to coarse. */
  features(x: Tensor): readonly Tensor[];
}

/** Whether images change from epoch to epoch. Where they do not, the teacher's features of each are computed once. */
export const augments = ({ augmentation }: Pick<Config, "augmentation">): boolean =>
  Object.values(augmentation).some((value) => value !== false && value !== 0);

/** Pixels, which the teacher sees in every step; or the features themselves, one after another in one vector. */
export const viewOf = (teacher: Teacher, config: ModelConfig): View => {
  const { size, channels } = config.image;
  if (augments(config)) return { shape: [channels, size, size], features: teacher.features };
  const lengths = teacher.scales.map((scale) => scale.channels * scale.size ** 2);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  return {
    shape: [total],
    features: (x) => {
      let end = 0;
      return teacher.scales.map((scale, index) => {
        end += lengths[index];
        const part = slice(x, 1, end - lengths[index], end);
        return reshape(part, [x.shape[0], scale.channels, scale.size, scale.size]);
      });
    },
  };
};

/** The features of one image as one vector, [total]. */
export const flat = (features: readonly Tensor[]): Tensor =>
  concat(
    features.map((feature) => reshape(feature, [feature.shape.reduce<number>((product, size) => product * (size as number), 1)])),
    0,
  );

/** Whether the memory is a recall module's anywhere: then it begins with exemplars. */
export const recalls = ({ memory }: Pick<Config, "memory">): boolean => memory.modules.includes("recall");

/** Whether exemplars are asked about in every step (L_NM). */
export const remindsOfExemplars = (config: Pick<Config, "memory" | "loss">): boolean =>
  recalls(config) && config.loss.normality > 0;

/**
 * A batch of the training by its number, a function of (seed, number) alone: `x` [batch, ...view] are images in the order of `epochOrder`;
 * `exemplars` [exemplarsPerStep, ...view], for L_NM, those of the N normal exemplars whose turn it is; `weights` and `exemplarWeights`
 * [..., 1, size, size] say which pixels count, where some do not. The exemplars' names go to `exemplars.json` in the run folder.
 */
export const batchMaker = async (
  { images, config, files }: TrainingWork<Config>,
  view: View,
): Promise<(number: number) => Promise<Values>> => {
  const { seed, image, memory, training, augmentation } = config;
  const imageAt = epochOrder(images.samples.length, seed);
  const weighs = ignoresPixels(images, config);
  const augmented = augments(config);
  const moved = { ...augmentation, brightness: 0, contrast: 0 };
  const exemplars = recalls(config) ? chooseExemplars(images, memory.exemplars, seed) : [];
  if (exemplars.length > 0) {
    const names = new Set(exemplars.map((index) => images.samples[index].name));
    await writeJson(join(files.folder, "exemplars.json"), [...names]);
  }

  return async (number) => {
    const first = (number - 1) * training.batch;
    const places = Array.from({ length: training.batch }, (_, row) => imageAt(first + row));
    const weights = weighs ? new Float32Array(training.batch * image.size ** 2).fill(1) : undefined;
    const x = await Promise.all(
      places.map(async ({ epoch, index }, row) => {
        const { x: prepared, counts } = await images.get(index);
        const rng = () => random("augment", seed, epoch, index);
        if (weights && counts) weights.set(augmented ? augment(counts, image.size, moved, rng()) : counts, row * counts.length);
        return augmented ? augment(prepared, image.size, augmentation, rng()) : prepared;
      }),
    );
    const turn = (number - 1) * memory.exemplarsPerStep;
    const next = Array.from({ length: memory.exemplarsPerStep }, (_, i) => exemplars[(turn + i) % exemplars.length]);
    const pixels = [1, image.size, image.size];
    const reminders = remindsOfExemplars(config) ? await Promise.all(next.map((index) => images.get(index))) : [];
    const all = new Float32Array(image.size ** 2).fill(1);
    const reminderWeights = reminders.map(({ counts = all }) => counts);
    return {
      x: stack(x, view.shape),
      ...(weights ? { weights: { data: weights, shape: [training.batch, ...pixels] } } : {}),
      ...(reminders.length > 0
        ? {
            exemplars: stack(
              reminders.map((exemplar) => exemplar.x),
              view.shape,
            ),
          }
        : {}),
      ...(reminders.length > 0 && weights ? { exemplarWeights: stack(reminderWeights, pixels) } : {}),
    };
  };
};

/** Positions of the normal images that stand for all: drawn by the seed, in the order of the draw. */
export const chooseExemplars = ({ samples }: PreparedImages, count: number, seed: number): number[] => {
  const normal = samples.flatMap(({ label }, index) => (label === 0 ? [index] : []));
  return Array.from(random("exemplars", seed).permutation(normal.length).subarray(0, count), (position) => normal[position]);
};

const stack = (parts: readonly Float32Array[], shape: readonly number[]): Value => {
  const data = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  for (const [index, part] of parts.entries()) data.set(part, index * part.length);
  return { data, shape: [parts.length, ...shape] };
};
