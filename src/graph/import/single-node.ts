import type { TensorProto } from "onnx-buf";
import { type Program, program } from "../program.ts";
import { type DataType, input, type TensorData } from "../tensor.ts";
import { readFunction } from "./function.ts";
import { type RawAttribute, rawModel, rawTensor } from "./raw-model.ts";

/*
 * For tests: an operator's node alone in a model, to be run as it is and as what it is imported to.
 */

interface Value {
  readonly data: TensorData;
  readonly shape: readonly number[];
}

/** An input of a node: fed at run time, stored in the file, or left out. */
type Given = ((name: string) => { readonly fed: Value; readonly type: DataType } | TensorProto) | undefined;

export interface Options {
  readonly opset?: number;
  /** Types of the outputs. Default: one of float32. */
  readonly outputs?: readonly DataType[];
  readonly domain?: string;
}

export type Case = readonly [
  operator: string,
  inputs: readonly Given[],
  attributes?: Readonly<Record<string, RawAttribute>>,
  options?: Options,
];

/** Scattered values between -2 and 2, the same for the same name and shape. */
const scattered = (name: string, shape: readonly number[]): Float32Array => {
  const start = [name.length, Number(name.at(-1)), ...shape].reduce((sum, part) => sum * 31 + part, 7);
  const length = shape.reduce((product, size) => product * size, 1);
  return Float32Array.from({ length }, (_, i) => ((Math.abs(Math.sin(start + i * 12.9898)) * 43758.5453) % 4) - 2);
};

/** Fed values, whatever they are. */
export const fed =
  (data: TensorData, shape: readonly number[] = [data.length]): Given =>
  () => ({
    fed: { data, shape },
    type: data instanceof Float32Array ? "float32" : data instanceof BigInt64Array ? "int64" : "bool",
  });
/** Fed float32 values. */
export const x =
  (...shape: number[]): Given =>
  (name) => ({ fed: { data: scattered(name, shape), shape }, type: "float32" });
/** Fed float32 values above 0. */
export const positive =
  (...shape: number[]): Given =>
  (name) => ({ fed: { data: scattered(name, shape).map((value) => Math.abs(value) + 0.2), shape }, type: "float32" });

/** Stored float32 values, of which there may be many. */
export const w =
  (...shape: number[]): Given =>
  (name) =>
    rawTensor(name, scattered(name, shape), shape);
export const floats =
  (...values: number[]): Given =>
  (name) =>
    rawTensor(name, Float32Array.from(values), [values.length]);
export const number =
  (value: number): Given =>
  (name) =>
    rawTensor(name, Float32Array.of(value), []);
export const ints =
  (...values: number[]): Given =>
  (name) =>
    rawTensor(name, BigInt64Array.from(values, BigInt), [values.length]);
export const int =
  (value: number): Given =>
  (name) =>
    rawTensor(name, BigInt64Array.of(BigInt(value)), []);
export const bools =
  (...values: number[]): Given =>
  (name) =>
    rawTensor(name, Uint8Array.from(values), [values.length], "bool");

/** Names of the operators of some cases, as the table has them. */
export const operatorsOf = (cases: readonly Case[]): string[] =>
  cases.map(([operator, , , options]) => (options?.domain ? `${options.domain}:${operator}` : operator));

/** A case in words. */
export const titleOf = ([operator, given, attributes = {}, { opset = 17 } = {}]: Case): string => {
  const settings = Object.entries(attributes).filter(([, value]) => typeof value !== "object" || !("dims" in value));
  return `${operator} ${opset} of ${given.length} ${JSON.stringify(Object.fromEntries(settings))}`;
};

/** The model of a case, the program that it is imported to, and values for both. */
export const prepared = ([operator, given, attributes, options = {}]: Case) => {
  const { opset, outputs = ["float32"] as const, domain } = options;
  const inputs = given.map((make, index) => make?.(`in${index}`));
  const fedInputs = inputs.flatMap((value, index) => (value && "fed" in value ? [{ name: `in${index}`, ...value }] : []));
  const names = outputs.map((_, index) => `out${index}`);
  const bytes = rawModel({
    nodes: [{ operator, domain, attributes, inputs: inputs.map((value, i) => (value ? `in${i}` : "")), outputs: names }],
    inputs: Object.fromEntries(fedInputs.map(({ name, fed, type }) => [name, { shape: fed.shape, type }])),
    constants: inputs.flatMap((value) => (value && !("fed" in value) ? [value] : [])),
    outputs: Object.fromEntries(names.map((name, index) => [name, outputs[index]])),
    opset,
  });
  const feeds = fedInputs.map(({ name, fed, type }) => input(name, fed.shape, type));
  const results = readFunction(bytes).call(Object.fromEntries(fedInputs.map(({ name }, index) => [name, feeds[index]])));
  const imported: Program = program({ feeds, results });
  return { bytes, imported, values: Object.fromEntries(fedInputs.map(({ name, fed }) => [name, fed])) };
};

/** Largest difference of two results, as a share of the largest expected value; infinite where shape or type differ. */
export const difference = (found: Value, expected: Value): number => {
  const alike = found.shape.join() === expected.shape.join() && found.data.constructor === expected.data.constructor;
  if (!alike) return Number.POSITIVE_INFINITY;
  const [is, was] = [found, expected].map(({ data }) => Array.from(data as Float32Array, Number));
  const scale = Math.max(1e-3, ...was.map(Math.abs));
  return Math.max(0, ...was.map((value, i) => (value === is[i] ? 0 : Math.abs(value - is[i]) / scale)));
};
