import { readFile } from "node:fs/promises";
import { basename, extname } from "node:path";
import {
  formatShape,
  GraphError,
  input,
  readSafetensors,
  readStoredTensors,
  type StoredTensor,
  type StoredTensors,
} from "../../../graph/index.ts";
import { trainable } from "../../../nn/index.ts";
import type { Value } from "../../../runtime/index.ts";
import { gridOf, positionsFrom } from "./position-grid.ts";
import { namingOf, type Place, placeOf } from "./published-names.ts";
import { type SegmentationOptions, segmentation } from "./segmentation.ts";
import { relativePositions } from "./windows.ts";

/** First values for a network, and what became of every tensor of the file that they are from. */
export interface Pretrained {
  /** By the names of the network's parameters. */
  readonly values: ReadonlyMap<string, Value>;
  /** Name in the file -> parameter. */
  readonly used: ReadonlyMap<string, string>;
  /** Name in the file -> why not, half a sentence. */
  readonly unused: ReadonlyMap<string, string>;
  /** Parameters that the file has nothing for: they keep their own first values. */
  readonly missing: readonly string[];
}

/** A file of weights that cannot be used; the message is a sentence for the user. */
export class PretrainedError extends Error {
  override readonly name = "PretrainedError";
}

/**
 * Reads published weights from a `.safetensors` file (a checkpoint of a grader is one), or from the constants of an `.onnx` model. Nothing else is opened: PyTorch's own
 * files are programs, which run when they are read.
 * @throws PretrainedError when the file cannot be read, is of another kind, or holds nothing of a Swin transformer.
 */
export const readPretrained = async (path: string, parameters: ReadonlyMap<string, readonly number[]>): Promise<Pretrained> => {
  const [name, kind] = [basename(path), extname(path).toLowerCase()];
  const reader = { ".safetensors": readSafetensors, ".onnx": readStoredTensors }[kind];
  if (reader === undefined) {
    throw new PretrainedError(
      `The weights "${name}" are neither a .safetensors nor an .onnx file. In Python, safetensors.torch.save_file(state_dict, path) writes one from PyTorch's.`,
    );
  }
  const bytes = await readFile(path).catch(({ code }: NodeJS.ErrnoException) => {
    throw new PretrainedError(`The weights "${path}" cannot be read (${code}).`);
  });
  try {
    return pretrained(reader(bytes), parameters);
  } catch (error) {
    if (!(error instanceof GraphError) && !(error instanceof PretrainedError)) throw error;
    throw new PretrainedError(`The weights "${name}" cannot be used. ${error.message}`, { cause: error });
  }
};

/** Name and shape of every parameter and running statistic of a network for training, on images of height x width pixels. */
export const parametersOf = (
  options: SegmentationOptions,
  [height, width]: readonly [number, number],
): Map<string, readonly number[]> => {
  const p = trainable();
  segmentation(p, input("image", [2, 3, height, width]), options);
  return new Map([...p.declarations].map(([name, { tensor }]) => [name, tensor.shape as readonly number[]]));
};

/**
 * Matches the tensors of a published Swin transformer, alone or with UPerNet, to a network's parameters, by name and shape. The names and
 * orders of Microsoft's code, timm, mmsegmentation and Hugging Face's transformers are known.
 * @throws PretrainedError when not one tensor fits.
 */
export const pretrained = (stored: StoredTensors, parameters: ReadonlyMap<string, readonly number[]>): Pretrained => {
  const naming = namingOf(stored.keys());
  const [used, unused, values] = [new Map<string, string>(), new Map<string, string>(), new Map<string, Value>()];
  const candidates = new Map<string, Candidate[]>();
  for (const [name, tensor] of stored) {
    const place = placeOf(name, naming);
    const problem = "reason" in place ? place.reason : problemOf(tensor, place, parameters);
    if (problem !== undefined || "reason" in place) unused.set(name, `${problem}`);
    else candidates.set(place.name, [...(candidates.get(place.name) ?? []), { name, tensor, place }]);
  }
  for (const [parameter, found] of candidates) {
    const shape = parameters.get(parameter)!;
    const chosen = chooseAmong(found);
    if (chosen.length > 0) values.set(parameter, { data: joined(chosen.map((candidate) => formed(candidate, shape))), shape });
    for (const candidate of found) {
      if (chosen.includes(candidate)) used.set(candidate.name, parameter);
      else if (chosen.length > 0) unused.set(candidate.name, `"${parameter}" has its values already`);
      else unused.set(candidate.name, `"${parameter}" needs queries, keys and values together`);
    }
  }
  if (values.size === 0) {
    const [first] = unused;
    const example = first ? `; of the first, "${first[0]}": ${first[1]}` : "";
    throw new PretrainedError(`None of its ${stored.size} tensors fits this network${example}.`);
  }
  return { values, used, unused, missing: [...parameters.keys()].filter((name) => !values.has(name)) };
};

/** A tensor that fits a parameter. */
interface Candidate {
  readonly name: string;
  readonly tensor: StoredTensor;
  readonly place: Place;
}

/** The first whole tensor, or else queries, keys and values in this order; nothing where one of these is missing. */
const chooseAmong = (candidates: readonly Candidate[]): Candidate[] => {
  const [whole, ...thirds] = [undefined, 0, 1, 2].map((third) => candidates.find(({ place }) => place.third === third));
  if (whole !== undefined) return [whole];
  return thirds.every((third) => third !== undefined) ? thirds : [];
};

/** Why a tensor cannot take its place; undefined: it can. */
const problemOf = (tensor: StoredTensor, { name, third, form }: Place, parameters: ReadonlyMap<string, readonly number[]>) => {
  const wanted = parameters.get(name);
  if (wanted === undefined) return `this network has no "${name}"`;
  const has = formatShape(tensor.shape);
  if (form === "positions") {
    const [rows, columns, channels] = wanted;
    return gridOf(tensor.shape, wanted)
      ? undefined
      : `its shape ${has} is not that of ${rows} x ${columns} tokens of ${channels} channels, nor of another grid of them`;
  }
  if (form === "bias table" && (sameShape(wanted, tensor.shape) || sameShape(biasShape(wanted), tensor.shape))) return undefined;
  if (form === "bias table" && tensor.shape.length === 2 && tensor.shape[1] === wanted[1]) {
    return `it is made for windows of ${windowOf(tensor.shape)}, but the network has windows of ${windowOf(wanted)}`;
  }
  const own = third === undefined ? wanted : [wanted[0] / 3, ...wanted.slice(1)];
  return sameShape(own, tensor.shape) ? undefined : `its shape is ${has}, but "${name}" needs ${formatShape(own)}`;
};

/** The values of a tensor as they lie in our parameter. */
const formed = ({ tensor, place: { form } }: Candidate, wanted: readonly number[]): Float32Array => {
  const values = tensor.values();
  if (form === "unfolded") return regrouped(values, wanted[wanted.length - 1]);
  if (form === "positions") return positionsFrom(values, tensor.shape, wanted);
  return form === "bias table" && tensor.shape.length === 4 ? tableOf(values, wanted) : values;
};

/** Channel c of the neighbour at (row, column) lies at 4 c + 2 row + column, and shall lie at (2 column + row) channels + c. */
const regrouped = (values: Float32Array, width: number): Float32Array => {
  const channels = width / 4;
  return values.map((_, i) => {
    const [start, place] = [i - (i % width), i % width];
    const [neighbour, channel] = [Math.floor(place / channels), place % channels];
    return values[start + 4 * channel + 2 * (neighbour % 2) + Math.floor(neighbour / 2)];
  });
};

/** The bias table from B, [1, heads, tokens, tokens], which an export has looked up already. */
const tableOf = (bias: Float32Array, [rows, heads]: readonly number[]): Float32Array => {
  const positions = relativePositions(windowOf([rows]));
  const table = new Float32Array(rows * heads);
  for (let head = 0; head < heads; head++) {
    for (const [pair, row] of positions.entries()) table[row * heads + head] = bias[head * positions.length + pair];
  }
  return table;
};

/** Side of the windows of a bias table of (2 side - 1)^2 rows. */
const windowOf = ([rows]: readonly number[]): number => (Math.sqrt(rows) + 1) / 2;

const biasShape = (table: readonly number[]): number[] => [1, table[1], windowOf(table) ** 2, windowOf(table) ** 2];

const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((size, i) => size === b[i]);

const joined = (parts: readonly Float32Array[]): Float32Array => {
  if (parts.length === 1) return parts[0];
  const all = new Float32Array(parts.reduce((total, part) => total + part.length, 0));
  let start = 0;
  for (const part of parts) {
    all.set(part, start);
    start += part.length;
  }
  return all;
};
