import {
  add,
  constant,
  type FrozenFunction,
  GraphError,
  input,
  lastOfEachStride,
  mul,
  readFunction,
  type Tensor,
  transpose,
} from "../../graph/index.ts";
import type { Config } from "./config.ts";
import type { TeacherFile } from "./teachers/index.ts";

/** A feature map that the student learns to make. */
export interface Scale {
  readonly name: string;
  /** Pixels of the network's input between two positions. */
  readonly stride: number;
  readonly channels: number;
  readonly size: number;
}

/** A frozen, pretrained network. */
export interface Teacher {
  /** Its feature maps, from fine to coarse. */
  readonly scales: readonly Scale[];
  /** x: [batch, 1 or 3, size, size] in [0, 1] -> the features, each [batch, channels, size / stride, size / stride]. Its weights are constants. */
  features(x: Tensor): readonly Tensor[];
}

/**
 * The pretrained network of an ONNX file, as a teacher for images of `size` pixels: of every stride that is wanted its last feature map,
 * or the maps that are named.
 * @throws GraphError when it takes no image, or lacks a stride or a name.
 */
export const teacherOf = ({ bytes, name, scaling: own }: TeacherFile, settings: Config["teacher"], size: number): Teacher => {
  const model = readNamed(bytes, name);
  const [spec] = model.inputs;
  const channelsLast = spec?.shape.length === 4 && spec.shape[3] === 3;
  if (
    spec?.shape.length !== 4 ||
    (!channelsLast && spec.shape[1] !== 3 && typeof spec.shape[1] === "number") ||
    spec.type !== "float32"
  ) {
    throw new GraphError(
      `The teacher "${name}" does not take one RGB image, float32 [batch, 3, height, width]: it cannot be used.`,
    );
  }
  const feed = (x: Tensor): Tensor => (channelsLast ? transpose(x, [0, 2, 3, 1]) : x);
  const maps = lastOfEachStride(model, input("image", channelsLast ? [1, size, size, 3] : [1, 3, size, size]));
  const scales = settings.layers.length > 0 ? namedScales(model, settings.layers) : stridesOf(maps);

  function namedScales(file: typeof model, layers: readonly string[]): Scale[] {
    const found = file.call({ [spec.name]: feed(input("image", [1, 3, size, size])) }, layers);
    return layers.map((layer) => {
      const [, channels, rows, columns] = found[layer].shape as readonly number[];
      if (found[layer].rank !== 4 || rows !== columns || size % rows !== 0) {
        throw new GraphError(
          `"${layer}" of the teacher "${name}" is no feature map of ${size} x ${size} pixels: its shape is [${found[layer].shape}].`,
        );
      }
      return { name: layer, stride: size / rows, channels, size: rows };
    });
  }

  function stridesOf(available: typeof maps): Scale[] {
    return settings.strides.map((stride) => {
      const map = available.find((candidate) => candidate.stride === stride);
      if (map === undefined) {
        const there = available.map((candidate) => candidate.stride).join(", ");
        throw new GraphError(
          `The teacher "${name}" has no feature map of stride ${stride}; it has ${there || "none"}. Set teacher.strides, or name maps in teacher.layers.`,
        );
      }
      return { name: map.name, stride, channels: map.channels, size: map.shape[2] as number };
    });
  }

  const ordered = [...scales].sort((a, b) => a.stride - b.stride);
  const repeated = ordered.find(({ stride }, index) => index > 0 && stride === ordered[index - 1].stride);
  if (repeated)
    throw new GraphError(`Two feature maps of the teacher "${name}" have the stride ${repeated.stride}: name one of each.`);
  requireHalving(name, ordered, size);
  const scaling = SCALINGS[settings.scaling === "auto" ? own : settings.scaling];
  return {
    scales: ordered,
    features: (x) => {
      const names = ordered.map((scale) => scale.name);
      // The constants have three channels, so a grey image gets as many.
      const scaled = add(
        mul(x, constant(Float32Array.from(scaling.factor), [1, 3, 1, 1])),
        constant(Float32Array.from(scaling.shift), [1, 3, 1, 1]),
      );
      const found = model.call({ [spec.name]: feed(scaled) }, names);
      return names.map((each) => found[each]);
    },
  };
};

const readNamed = (bytes: Uint8Array, name: string): FrozenFunction => {
  try {
    return readFunction(bytes, { anySize: true });
  } catch (error) {
    throw new GraphError(`The teacher "${name}" cannot be read. ${(error as Error).message}`);
  }
};

/** The student halves maps until they are as small as the coarsest, and that once more. */
const requireHalving = (teacher: string, scales: readonly Scale[], size: number): void => {
  const coarsest = scales[scales.length - 1];
  for (const { name, stride, size: positions } of scales) {
    if (stride * positions === size && Number.isInteger(Math.log2(positions / coarsest.size)) && coarsest.size % 2 === 0)
      continue;
    throw new GraphError(
      `"${name}" of the teacher "${teacher}" has ${positions} x ${positions} positions for ${size} x ${size} pixels: the student needs maps that halve the image again and again, and the coarsest once more. Set image.size to a multiple of ${2 * coarsest.stride}, or choose other maps in teacher.layers.`,
    );
  }
};

const MEAN = [0.485, 0.456, 0.406];
const DEVIATION = [0.229, 0.224, 0.225];

/** From [0, 1] to what networks are trained on: `factor x + shift`, for red, green and blue. */
const SCALINGS = {
  imagenet: { factor: DEVIATION.map((deviation) => 1 / deviation), shift: MEAN.map((mean, i) => -mean / DEVIATION[i]) },
  symmetric: { factor: [2, 2, 2], shift: [-1, -1, -1] },
  unit: { factor: [1, 1, 1], shift: [0, 0, 0] },
  bytes: { factor: [255, 255, 255], shift: [0, 0, 0] },
};
