import { add, concat, mean, mul, slice, softmax, sum, type Tensor } from "../../graph/index.ts";
import { augment } from "../../imaging/index.ts";
import { crossEntropy, dense, type Parameters, type TrainingStep, trainingStep } from "../../nn/index.ts";
import { random } from "../../random/index.ts";
import type { Value, Values } from "../../runtime/index.ts";
import { epochOrder, updateSettingsOf } from "../../training/index.ts";
import { classesOf, NO_CLASS } from "./classes.ts";
import type { Config } from "./config.ts";
import { GRADES } from "./grade.ts";
import { networkOptions } from "./model.ts";
import { segmentation, segmentationLoss, stochasticDepth } from "./network/index.ts";
import { softGrades } from "./soft-grade.ts";
import type { TrainingPatches } from "./training-patches.ts";

/**
 * The graph of one step: L1 = 0.1 CE + 0.9 Dice of the pixels' classes; in joint training (`loss.slide` above 0) half a batch is of one slide, and
 * L2, the cross-entropy of its grade, is added with `slideWeight`: expected areas of the patterns -> soft grades of the patches -> their mean r ->
 * softmax(W r + b). The network begins with the values `from`, where it has them.
 */
export const buildStep = (config: Config, from?: ReadonlyMap<string, Value>): TrainingStep => {
  const { seed, patch, network, loss: weights, training } = config;
  const { batch } = training;
  const joint = weights.slide > 0;
  const branches = 2 * network.depths.reduce((total, depth) => total + depth);
  return trainingStep({
    seed,
    from,
    batch: {
      x: [batch, 3, patch, patch],
      labels: { shape: [batch, patch, patch], type: "int64" },
      counts: [batch, patch, patch],
      ...(joint ? { grade: [1, GRADES], slideWeight: [] } : {}),
      ...(network.stochasticDepth > 0 ? { kept: [branches, batch] } : {}),
    },
    objective: (p, { x, labels, counts, grade, slideWeight, kept }) => {
      const found = segmentation(p, x, networkOptions(config), kept);
      const pixels = segmentationLoss(found, labels, { ...weights, pixelWeights: counts });
      if (!joint) return pixels;
      const ofSlide = slice(found.logits, 0, 0, patchesOfSlide(batch));
      const slide = crossEntropy(slideLogits(p.at("slide"), ofSlide, config), grade);
      return { ...pixels, slide, loss: add(pixels.loss, mul(slide, slideWeight)) };
    },
    ...updateSettingsOf(training),
  });
};

/** The first half of a batch is of one slide; the other keeps the network's statistics, and Dice, those of all slides. */
const patchesOfSlide = (batch: number): number => Math.ceil(batch / 2);

/** W r + b, [1, 6], of patches of one slide: r is the mean of their soft grades. */
const slideLogits = (p: Parameters, logits: Tensor, config: Config): Tensor => {
  const [, , height, width] = logits.shape as readonly number[];
  const areas = mul(sum(softmax(logits, 1), [2, 3]), 1 / (height * width));
  const ofPattern = (pattern: number): Tensor => {
    const columns = classesOf(config.classes).flatMap((tissue, c) =>
      tissue.pattern === pattern ? [slice(areas, 1, c, c + 1)] : [],
    );
    return columns.length === 0 ? mul(slice(areas, 1, 0, 1), 0) : columns.reduce((total, column) => add(total, column));
  };
  const { secondary, minimumCancer, minimumPattern } = config.grade;
  const grades = softGrades(concat([ofPattern(3), ofPattern(4), ofPattern(5)], 1), { secondary, minimumCancer, minimumPattern });
  return dense(p, mean(grades, [0], { keepAxes: true }), GRADES, { initialise: likelyGrades });
};

/** W begins by taking the shares of patch grades at their word. */
const likelyGrades = (shape: readonly number[]): Float32Array =>
  Float32Array.from({ length: shape[0] * shape[1] }, (_, i) => (Math.floor(i / shape[1]) === i % shape[1] ? 4 : 0));

/**
 * A batch by its number, a function of (seed, number) alone: `x` [batch, 3, size, size] in [0, 1], `labels` and `counts` (0 where a pixel has no class);
 * patches in the order of `epochOrder`. In joint training, once `loss.slideAfter` of the steps are done, half of them are of one slide in turn, and
 * `grade`, one-hot [1, 6], is that slide's; `slideWeight` is 0 before, and for a slide without a grade.
 */
export const batchMaker = (patches: TrainingPatches, config: Config): ((number: number) => Promise<Values>) => {
  const { seed, patch: size, network, training, augmentation, loss } = config;
  const { batch } = training;
  const depth = { depths: network.depths, rate: network.stochasticDepth, batch, seed };
  const moved = { ...augmentation, brightness: 0, contrast: 0 };
  const area = size * size;
  const joint = loss.slide > 0;
  const alone = loss.slideAfter * training.steps * training.accumulate;
  const joined = (number: number): boolean => joint && number > alone;
  const patchAt = epochOrder(patches.count, seed);
  const slideAt = epochOrder(patches.slides.length, seed);
  const placesOf = (number: number): { epoch: number; index: number }[] => {
    const first = (number - 1) * batch;
    const own = Array.from({ length: batch }, (_, row) => patchAt(first + row));
    if (!joined(number)) return own;
    const { epoch, index } = slideAt(number - 1);
    const slide = patches.slides[index];
    const order = random("patches of a slide", seed, epoch, index).permutation(slide.count);
    return own.map((place, row) =>
      row < patchesOfSlide(batch) ? { epoch, index: slide.first + order[row % slide.count] } : place,
    );
  };

  return async (number) => {
    const x = new Float32Array(batch * 3 * area);
    const labels = new BigInt64Array(batch * area);
    const counts = new Float32Array(batch * area);
    await Promise.all(
      placesOf(number).map(async ({ epoch, index }, row) => {
        const { pixels, labels: classes } = await patches.get(index);
        const planes = new Float32Array(3 * area);
        for (let i = 0; i < area; i++) for (let c = 0; c < 3; c++) planes[c * area + i] = pixels[3 * i + c] / 255;
        const rng = () => random("augment", seed, epoch, index, row);
        x.set(augment(planes, size, augmentation, rng()), row * 3 * area);
        const turned = augment(Float32Array.from(classes), size, moved, rng());
        for (let i = 0; i < area; i++) {
          const known = turned[i] !== NO_CLASS;
          labels[row * area + i] = BigInt(known ? turned[i] : 0);
          counts[row * area + i] = known ? 1 : 0;
        }
      }),
    );
    const shape = [batch, size, size];
    const grade = joined(number) ? patches.slides[slideAt(number - 1).index].sample.grade : undefined;
    const oneHot = Float32Array.from({ length: GRADES }, (_, k) => (k === grade ? 1 : 0));
    return {
      x: { data: x, shape: [batch, 3, size, size] },
      labels: { data: labels, shape },
      counts: { data: counts, shape },
      ...(joint
        ? {
            grade: { data: oneHot, shape: [1, GRADES] },
            slideWeight: { data: Float32Array.of(grade === undefined ? 0 : loss.slide), shape: [] },
          }
        : {}),
      ...(depth.rate > 0 ? { kept: stochasticDepth(depth, number) } : {}),
    };
  };
};
