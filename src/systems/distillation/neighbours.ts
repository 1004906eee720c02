import { availableParallelism } from "node:os";
import {
  imageScore,
  imageScoreOf,
  onlyRegion,
  type PreparedImages,
  prepareImages,
  type Region,
  readRegion,
  settle,
  smoothed,
  whereItCounts,
  writeDetector,
} from "../../detection/index.ts";
import {
  argMax,
  averagePool2d,
  concat,
  constant,
  gather,
  matmul,
  mul,
  reshape,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  transpose,
} from "../../graph/index.ts";
import { imageInput, preprocess } from "../../imaging/index.ts";
import { unitVectors } from "../../nn/index.ts";
import { random } from "../../random/index.ts";
import { openRuntime } from "../../runtime/index.ts";
import type { Baseline, WorkOptions } from "../system.ts";
import type { Config, ModelConfig } from "./config.ts";
import { CANDIDATES, coreset, drawPositions } from "./coreset.ts";
import { enlarged, type Teacher, teacherOf } from "./teacher.ts";
import { readTeacher } from "./teachers/index.ts";

/** Vectors that are remembered. */
const REMEMBERED = 2000;

/**
 * The baseline: nearest neighbours on the teacher's features (PatchCore, Roth et al. 2022, without its reweighting), of which, as for the
 * student, directions count. Of the features of normal images, a coreset is remembered; the anomaly of a position is its distance to the
 * nearest one. It is fitted in seconds. Its map is not standardised: training images, whose patches are remembered, say nothing about distances.
 */
export const neighbours = (config: Config): Baseline => ({
  name: "nearest neighbours",
  model: (data, options) => fitNeighbours(data, config, options),
});

/** Fits the baseline on the training images of a data set and returns its model file. */
export const fitNeighbours = async (
  data: string,
  given: Config,
  { threads = availableParallelism(), workers = 4, provider, listener, signal }: WorkOptions = {},
): Promise<Uint8Array> => {
  const file = await readTeacher(given.teacher.model, { listener, signal });
  const teacher = teacherOf(file, given.teacher, given.image.size);
  const { config, training } = await settle(data, given);
  const region = await readRegion(config.image.roi, config.image);
  const runtime = openRuntime({ threads, provider });
  try {
    const normal = training.filter(({ label }) => label === 0);
    const images = await prepareImages(normal, runtime, {
      image: config.image,
      region,
      keep: (x) => patchFeatures(teacher, x),
      cacheBytes: config.training.cacheMegabytes * 2 ** 20,
      workers,
      signal,
      onProgress: (done) => listener?.({ kind: "count", text: "remembering neighbours", done, total: normal.length }),
    });
    if (images.samples.length === 0) {
      throw new Error(`None of the training images of "${data}" could be read. ${images.skipped[0]?.reason}`);
    }
    const channels = comparedScales(teacher).reduce((total, scale) => total + scale.channels, 0);
    const candidates = await drawCandidates(images, channels, config.seed);
    const chosen = coreset(candidates, channels, REMEMBERED, random("coreset", config.seed));
    if (chosen.length === 0)
      throw new Error(`In no training image of "${data}" as much counts as one position of the teacher's features sees.`);
    const bank = new Float32Array(chosen.length * channels);
    for (const [row, index] of chosen.entries()) {
      bank.set(candidates.subarray(index * channels, (index + 1) * channels), row * channels);
    }
    return writeDetector(neighbourDetector(teacher, constant(bank, [chosen.length, channels]), config, region), {
      system: "nearest neighbours",
      preprocess: { ...config.image, proportions: region?.proportions },
      imageScore: imageScoreOf(config.score),
      config: { teacher: file.name, remembered: chosen.length },
      threshold: undefined,
      provenance: { teacher: { name: file.name, digest: file.digest } },
    });
  } finally {
    await runtime.close();
  }
};

/** The scales whose features are remembered: those of stride 8 and beyond, as in PatchCore; what is finer says little. */
const comparedScales = ({ scales }: Teacher) => {
  const coarse = scales.filter(({ stride }) => stride >= 8);
  return coarse.length > 0 ? coarse : scales;
};

/**
 * Of every position of the finest of these scales the features of its neighbourhood: mean directions of 3 x 3 positions of every scale, brought to
 * that size and joined. x: [1, channels, size, size] -> [positions, features].
 */
const patchFeatures = (teacher: Teacher, x: Tensor): Tensor => {
  const scales = comparedScales(teacher);
  const [finest] = scales;
  const joined = concat(
    teacher
      .features(x)
      .slice(-scales.length)
      .map((feature, index) => {
        const { stride, offset } = scales[index];
        // In positions of the finest scale, from which the offsets count as well.
        const own = {
          stride: stride / finest.stride,
          offset: offset.map((pixels, axis) => (pixels - finest.offset[axis]) / finest.stride),
        };
        const means = averagePool2d(unitVectors(feature, 1), 3, { stride: 1, padding: 1, countPadding: false });
        return enlarged(means, finest.size, own);
      }),
    1,
  );
  const channels = joined.shape[1] as number;
  return transpose(reshape(joined, [channels, finest.size ** 2]), [1, 0]);
};

/** As many vectors of each image as make up the candidates, at positions drawn for each among those that count: [count, channels]. */
const drawCandidates = async (images: PreparedImages, channels: number, seed: number): Promise<Float32Array> => {
  const each = Math.ceil(CANDIDATES / images.samples.length);
  const parts: Float32Array[] = [];
  for (let image = 0; image < images.samples.length; image++) {
    const { x, counts } = await images.get(image);
    const positions = drawPositions(Math.sqrt(x.length / channels), counts, each, random("candidates", seed, image));
    for (const position of positions) parts.push(x.slice(position * channels, (position + 1) * channels));
  }
  const all = new Float32Array(parts.length * channels);
  for (const [row, part] of parts.entries()) all.set(part, row * channels);
  return all;
};

/** The file's graph: the distance `|q - b|` of every position q to the nearest remembered vector b, [remembered, channels]. */
const neighbourDetector = (teacher: Teacher, bank: Tensor, config: ModelConfig, region: Region | undefined) => {
  const image = imageInput(config.image.depth);
  const prepared = preprocess(image, config.image);
  const queries = patchFeatures(teacher, onlyRegion(prepared.x, region));
  // The nearest has the largest q . b - |b|^2 / 2. Its distance is taken anew: a difference of squares would leave few digits of a small one.
  const half = mul(transpose(sum(square(bank), [1], { keepAxes: true }), [1, 0]), 0.5);
  const nearest = gather(bank, argMax(sub(matmul(queries, bank, { transposeB: true }), half), 1), 0);
  const distances = sqrt(sum(square(sub(queries, nearest)), [1]));
  const [finest] = comparedScales(teacher);
  const { size } = finest;
  const { size: pixels } = config.image;
  const map = smoothed(enlarged(reshape(distances, [1, 1, size, size]), pixels, finest), config.score.sigma);
  const { scored, outputs } = whereItCounts(map, prepared, region);
  return { image, ...outputs, score: imageScore(scored, config.score, region) };
};
