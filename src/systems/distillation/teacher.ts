import {
  add,
  averagePool2d,
  constant,
  type FeatureMap,
  type FrozenFunction,
  GraphError,
  input,
  lastOfEachStride,
  mul,
  offsetOf,
  readFunction,
  readModel,
  resizeMatrix,
  separable,
  type Tensor,
  transpose,
} from "../../graph/index.ts";
import type { Config } from "./config.ts";
import { TeacherError, type TeacherFile } from "./teachers/index.ts";

/** A feature map that the student learns to make. */
export interface Scale {
  readonly name: string;
  /** Pixels of the network's input between two positions. */
  readonly stride: number;
  readonly channels: number;
  readonly size: number;
  /** How far a position looks beyond the square that stands for it, in pixels [down, right]; see `offsetOf`. */
  readonly offset: readonly [number, number];
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
 * or the maps that are named; and the coarsest of these once more for each further octave, of the image at half the size, a quarter ...,
 * where a position sees more of its surroundings.
 * @throws TeacherError when it takes no image, or lacks a stride or a name.
 */
export const teacherOf = (file: TeacherFile, settings: Config["teacher"], size: number): Teacher => {
  try {
    return makeTeacher(file, settings, size);
  } catch (error) {
    throw error instanceof GraphError ? new TeacherError(error.message, { cause: error }) : error;
  }
};

const makeTeacher = (file: TeacherFile, settings: Config["teacher"], size: number): Teacher => {
  const network = openNetwork(file);
  const own = (
    settings.layers.length > 0 ? named(network, settings.layers, size) : ofStrides(network, settings.strides, size)
  ).sort((a, b) => a.stride - b.stride);
  const repeated = own.find(({ stride }, index) => index > 0 && stride === own[index - 1].stride);
  if (repeated)
    throw new GraphError(`Two feature maps of the teacher "${file.name}" have the stride ${repeated.stride}: name one of each.`);
  const coarsest = own[own.length - 1];
  const reductions = Array.from({ length: settings.octaves - 1 }, (_, octave) => 2 ** (octave + 1));
  const reduced = reductions.map((factor) => ({
    name: `${coarsest.name} of the image at 1/${factor}`,
    stride: factor * coarsest.stride,
    channels: coarsest.channels,
    size: coarsest.size / factor,
    offset: [factor * coarsest.offset[0], factor * coarsest.offset[1]] as const,
  }));
  requireHalving(file.name, [...own, ...reduced], size);

  const { factor, shift } = SCALINGS[settings.scaling === "auto" ? file.scaling : settings.scaling];
  const see = (x: Tensor, names: readonly string[]): Tensor[] => {
    // The constants have three channels, so a grey image gets as many.
    const [by, plus] = [factor, shift].map((values) => constant(Float32Array.from(values), [1, 3, 1, 1]));
    const found = network.call(add(mul(x, by), plus), names);
    return names.map((name) => found[name]);
  };
  const names = own.map((scale) => scale.name);
  return {
    scales: [...own, ...reduced],
    features: (x) => [...see(x, names), ...reductions.flatMap((by) => see(averagePool2d(x, by), [coarsest.name]))],
  };
};

/**
 * A map [batch, channels, height, width] of a scale, enlarged to another size by linear interpolation, each value in the middle of what its position
 * looks at: of the image's pixels (`offset` as the scale has it), or of the positions of a finer scale.
 */
export const enlarged = (
  map: Tensor,
  size: number,
  { stride, offset }: { readonly stride: number; readonly offset: readonly number[] },
): Tensor => {
  const target = constant(new Float32Array(size * size), [size, size]);
  const matrix = (axis: 0 | 1): Tensor => {
    const span = { start: -offset[axis] / stride, length: map.shape[2 + axis] as number };
    return resizeMatrix({ of: map, axis: 2 + axis, span }, { of: target, axis });
  };
  return separable(map, matrix(0), matrix(1));
};

/** A network that takes images [batch, 3, height, width], whatever the order of its own input. */
interface Network {
  readonly name: string;
  call(image: Tensor, wanted: readonly string[]): Record<string, Tensor>;
  /** Its last feature map of each stride. */
  maps(size: number): readonly FeatureMap[];
}

const openNetwork = ({ bytes, name }: TeacherFile): Network => {
  requireNoDetector(bytes, name);
  const model = readNamed(bytes, name);
  const [spec] = model.inputs;
  const channelsLast = spec?.shape.length === 4 && spec.shape[3] === 3;
  const channels = spec?.shape[channelsLast ? 3 : 1];
  if (spec?.shape.length !== 4 || spec.type !== "float32" || (typeof channels === "number" && channels !== 3)) {
    throw new GraphError(
      `The teacher "${name}" does not take one RGB image, float32 [batch, 3, height, width]: it cannot be used.`,
    );
  }
  return {
    name,
    call: (image, wanted) => model.call({ [spec.name]: channelsLast ? transpose(image, [0, 2, 3, 1]) : image }, wanted),
    maps: (size) => lastOfEachStride(model, input("image", channelsLast ? [1, size, size, 3] : [1, 3, size, size])),
  };
};

/** A detector's file would be refused for its input, which says nothing to who mistook it for a teacher. */
const requireNoDetector = (bytes: Uint8Array, name: string): void => {
  if (!Object.hasOwn(metadataOf(bytes), "lynceus.system")) return;
  throw new GraphError(
    `The teacher "${name}" is a detector that Lynceus trained, not a pretrained network. Give an ONNX model that was trained to name or find things in photographs, or leave out --teacher.`,
  );
};

/** Nothing where it is no model: that is said when it is read as a function. */
const metadataOf = (bytes: Uint8Array): Readonly<Record<string, string>> => {
  try {
    return readModel(bytes).metadata;
  } catch {
    return {};
  }
};

const named = ({ name, call }: Network, layers: readonly string[], size: number): Scale[] => {
  const image = input("image", [1, 3, size, size]);
  const found = call(image, layers);
  return layers.map((layer) => {
    const [, channels, rows, columns] = found[layer].shape as readonly number[];
    if (found[layer].rank !== 4 || rows !== columns || size % rows !== 0) {
      throw new GraphError(
        `"${layer}" of the teacher "${name}" is no feature map of ${size} x ${size} pixels: its shape is [${found[layer].shape}].`,
      );
    }
    return { name: layer, stride: size / rows, channels, size: rows, offset: offsetOf(image, found[layer]) };
  });
};

const ofStrides = (network: Network, strides: readonly number[], size: number): Scale[] => {
  const available = network.maps(size);
  return strides.map((stride) => {
    const map = available.find((candidate) => candidate.stride === stride);
    if (map === undefined) {
      const there = available.map((candidate) => candidate.stride).join(", ");
      throw new GraphError(
        `The teacher "${network.name}" has no feature map of stride ${stride}; it has ${there || "none"}. Set teacher.strides, or name maps in teacher.layers.`,
      );
    }
    return { name: map.name, stride, channels: map.channels, size: map.shape[2] as number, offset: map.offset };
  });
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
