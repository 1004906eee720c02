import { add, averagePool2d, concat, mul, relu, type Tensor } from "../../graph/index.ts";
import { batchNorm, conv, convTranspose, type Parameters, unitVectors } from "../../nn/index.ts";
import type { Config } from "./config.ts";
import { adaptiveMemory } from "./memory/adaptive.ts";
import { type Recollection, recall } from "./memory/recall.ts";

/** What the student remembers normality with at one scale. */
export type Module = "recall" | "adaptive" | "none";

export interface StudentOptions {
  /** Channels of the decoder at a scale: those of the teacher there, but at least so many. */
  readonly width: number;
  /** Residual blocks at each scale. */
  readonly blocks: number;
  /** The module of each scale, from the coarsest on; the last one stands for all further ones. */
  readonly modules: readonly Module[];
  readonly items: number;
  readonly adaptiveItems: number;
  readonly temperature: number;
}

export interface StudentFeatures {
  /** One for each of the teacher's, of the same shapes. */
  readonly features: readonly Tensor[];
  /** What was asked of the recall modules, and what they answered. */
  readonly recollections: readonly Recollection[];
}

/**
 * The student: it sees an image only through the teacher's features, condensed into a small embedding, and makes the features anew from
 * it, from coarse to fine (encoder and decoder of reverse distillation, Deng and Li 2022). Where a scale has a memory, the feature of that scale
 * is made of the memory's answer alone, and the answer is joined to what the finer scales are decoded from (claims 2 to 7 of the
 * document). A recall module of the coarsest scale is asked with the teacher's features of all scales, brought to one size and joined.
 * teacher: features from fine to coarse, each [batch, channels, height, width]. `ask` says how a recall module takes its question: as it is, or,
 * where the memory alone is to learn from the answer, without a gradient.
 */
export const student = (
  p: Parameters,
  teacher: readonly Tensor[],
  options: StudentOptions,
  ask: (x: Tensor) => Tensor = (x) => x,
): StudentFeatures => {
  const recollections: Recollection[] = [];
  const features: Tensor[] = [];
  const remember = (memory: Parameters, module: Module, x: Tensor): Tensor => {
    if (module === "none") return x;
    if (module === "adaptive") return adaptiveMemory(memory, x, { ...options, items: options.adaptiveItems });
    const recollection = recall(memory, ask(x), options);
    recollections.push(recollection);
    return recollection.recalled;
  };

  const last = teacher.length - 1;
  const first = moduleOf(options, 0) === "recall" ? remember(p.at("scale0.memory"), "recall", joined(teacher)) : undefined;
  let x = embedding(p.at("embedding"), teacher, first, options);
  for (const [index, wanted] of [...teacher].reverse().entries()) {
    const scale = p.at(`scale${index}`);
    const module = moduleOf(options, index);
    x = decoderStage(scale, x, wanted, options);
    const answer = index === 0 && first ? first : remember(scale.at("memory"), module, x);
    features.unshift(conv(scale.at("feature"), answer, wanted.shape[1] as number, 1));
    const joins = index < last && module !== "none" && answer !== first;
    if (joins) x = conv(scale.at("fusion"), concat([x, answer], 1), x.shape[1] as number, 1);
  }
  return { features, recollections };
};

/** The module of a scale, counted from the coarsest. */
export const moduleOf = ({ modules }: Pick<StudentOptions, "modules">, index: number): Module =>
  modules[Math.min(index, modules.length - 1)];

const widthAt = (feature: Tensor, { width }: StudentOptions): number => Math.max(feature.shape[1] as number, width);

/** The teacher's features of all scales as one of the coarsest size: directions, so that each scale counts alike, averaged and joined along channels. */
const joined = (teacher: readonly Tensor[]): Tensor => {
  const coarsest = heightOf(teacher[teacher.length - 1]);
  return concat(
    teacher.map((feature) => {
      const directions = mul(unitVectors(feature, 1), (feature.shape[1] as number) ** 0.5);
      return averagePool2d(directions, heightOf(feature) / coarsest);
    }),
    1,
  );
};

/**
 * One embedding of all scales (multi-scale feature fusion and one-class embedding of reverse distillation): strided convolutions bring every
 * feature to the coarsest size, where they and what was recalled for them are joined along channels; residual blocks, of which the first
 * halves the size, condense them.
 */
const embedding = (p: Parameters, teacher: readonly Tensor[], recalled: Tensor | undefined, options: StudentOptions): Tensor => {
  const coarsest = teacher[teacher.length - 1];
  const channels = widthAt(coarsest, options);
  const reduced = teacher.map((feature, index) => {
    let x = feature;
    for (let level = 0; heightOf(x) > heightOf(coarsest); level++) {
      const filters = Math.min(2 * (x.shape[1] as number), channels);
      x = convNormRelu(p.at(`reduce${index}.${level}`), x, filters, 2);
    }
    return x;
  });
  let x = concat(recalled ? [...reduced, recalled] : reduced, 1);
  for (let block = 0; block < options.blocks; block++) {
    x = residualBlock(p.at(`block${block}`), x, 2 * channels, block === 0 ? "halve" : "keep");
  }
  return x;
};

/** Residual blocks that mirror those of an encoder: the first enlarges to the height and width of the feature that is wanted. */
const decoderStage = (p: Parameters, x: Tensor, wanted: Tensor, options: StudentOptions): Tensor => {
  const filters = widthAt(wanted, options);
  let y = x;
  for (let block = 0; block < options.blocks; block++) {
    y = residualBlock(p.at(`block${block}`), y, filters, block === 0 ? heightOf(wanted) / heightOf(x) : "keep");
  }
  return y;
};

/** Basic block of He et al. 2016, which may halve its input, or enlarge it by a whole factor through transposed convolutions. */
const residualBlock = (p: Parameters, x: Tensor, filters: number, resize: "halve" | "keep" | number): Tensor => {
  const first = (scope: Parameters, size: number) => {
    if (typeof resize === "number") return convTranspose(scope, x, filters, resize, { stride: resize, bias: false });
    return conv(scope, x, filters, size, { stride: resize === "halve" ? 2 : 1, padding: (size - 1) / 2, bias: false });
  };
  const y = relu(batchNorm(p.at("norm1"), first(p.at("conv1"), 3)));
  const z = batchNorm(p.at("norm2"), conv(p.at("conv2"), y, filters, 3, { padding: 1, bias: false }));
  const same = resize === "keep" && x.shape[1] === filters;
  return relu(add(z, same ? x : batchNorm(p.at("shortcut.norm"), first(p.at("shortcut.conv"), 1))));
};

const convNormRelu = (p: Parameters, x: Tensor, filters: number, stride: number): Tensor =>
  relu(batchNorm(p.at("norm"), conv(p.at("conv"), x, filters, 3, { stride, padding: 1, bias: false })));

const heightOf = (x: Tensor): number => x.shape[2] as number;

/** The part of the settings that makes the student. */
export const studentOptions = ({ student: { width, blocks }, memory }: Pick<Config, "student" | "memory">): StudentOptions => ({
  width,
  blocks,
  ...memory,
});
