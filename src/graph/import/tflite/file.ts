import { GraphError } from "../../tensor.ts";
import { rootTable, type Table } from "./table.ts";

/** A value of a model: stored in the file, or made by an operator. */
export interface TfliteTensor {
  /** Unique in the file. */
  readonly name: string;
  /** As the file has it, images as [batch, height, width, channels]; -1 where a size is open. */
  readonly shape: readonly number[];
  /** FLOAT32, FLOAT16, ..., or `sparse FLOAT32` where zeros are left out. */
  readonly type: string;
  /** Its values if they are stored, little-endian. */
  readonly data?: Uint8Array;
}

export interface TfliteOperator {
  /** CONV_2D, ADD, ... */
  readonly name: string;
  /** Numbers of tensors; -1 where an optional one is left out. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly options?: Table;
}

export interface TfliteFile {
  /** Of the format. */
  readonly version: number;
  /** In bytes. */
  readonly size: number;
  readonly tensors: readonly TfliteTensor[];
  /** In an order in which each comes after those that it needs. */
  readonly operators: readonly TfliteOperator[];
  /** Numbers of tensors. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/*
 * Numbers of the fields of TFLite's schema, and of its element types and operators. The operators are those of image networks;
 * others keep their number.
 */
const MODEL = { version: 0, codes: 1, graphs: 2, buffers: 4 };
const CODE = { oldNumber: 0, customName: 1, number: 3 };
const GRAPH = { tensors: 0, inputs: 1, outputs: 2, operators: 3 };
const TENSOR = { shape: 0, type: 1, buffer: 2, name: 3, sparsity: 6, openShape: 7 };
const OPERATOR = { code: 0, inputs: 1, outputs: 2, options: 4 };
const BUFFER = { data: 0 };

const TYPES = ["FLOAT32", "FLOAT16", "INT32", "UINT8", "INT64", "STRING", "BOOL", "INT16", "COMPLEX64", "INT8", "FLOAT64"];
const CUSTOM = 32;
const OPERATORS: Readonly<Record<number, string>> = {
  0: "ADD",
  1: "AVERAGE_POOL_2D",
  2: "CONCATENATION",
  3: "CONV_2D",
  4: "DEPTHWISE_CONV_2D",
  5: "DEPTH_TO_SPACE",
  6: "DEQUANTIZE",
  9: "FULLY_CONNECTED",
  14: "LOGISTIC",
  17: "MAX_POOL_2D",
  18: "MUL",
  19: "RELU",
  21: "RELU6",
  22: "RESHAPE",
  23: "RESIZE_BILINEAR",
  25: "SOFTMAX",
  26: "SPACE_TO_DEPTH",
  28: "TANH",
  34: "PAD",
  39: "TRANSPOSE",
  40: "MEAN",
  41: "SUB",
  42: "DIV",
  43: "SQUEEZE",
  45: "STRIDED_SLICE",
  49: "SPLIT",
  53: "CAST",
  54: "PRELU",
  67: "TRANSPOSE_CONV",
  97: "RESIZE_NEAREST_NEIGHBOR",
  98: "LEAKY_RELU",
  114: "QUANTIZE",
  117: "HARD_SWISH",
};

/** Reads the first graph of a TFLite file. @throws GraphError when the bytes are none, or name what is not in them. */
export const openTflite = (bytes: Uint8Array): TfliteFile => {
  const model = rootTable(bytes, "TFL3");
  const [graph] = model.tables(MODEL.graphs);
  if (graph === undefined) throw new GraphError("The file is no sound TFLite model: it holds no graph.");
  const tensors = tensorsOf(graph, model.tables(MODEL.buffers));
  const codes = model.tables(MODEL.codes).map(operatorName);
  const operators = graph.tables(GRAPH.operators).map(
    (operator): TfliteOperator => ({
      name: entry(codes, operator.int(OPERATOR.code, 0), "kind of operator"),
      inputs: numbersOf(operator, OPERATOR.inputs, tensors, -1),
      outputs: numbersOf(operator, OPERATOR.outputs, tensors),
      options: operator.table(OPERATOR.options),
    }),
  );
  const [inputs, outputs] = [GRAPH.inputs, GRAPH.outputs].map((field) => numbersOf(graph, field, tensors));
  const file = { version: model.int(MODEL.version, 0), size: bytes.length, tensors, operators, inputs, outputs };
  requireMade(file);
  return file;
};

/** @throws GraphError when two operators make one tensor, or nothing makes one of the outputs. */
const requireMade = ({ tensors, operators, inputs, outputs }: TfliteFile): void => {
  const made = new Set<number>();
  for (const index of operators.flatMap((operator) => operator.outputs)) {
    if (made.has(index)) {
      throw new GraphError(`The file is no sound TFLite model: two operators make the tensor "${tensors[index].name}".`);
    }
    made.add(index);
  }
  const given = new Set([...inputs, ...made]);
  const missing = outputs.find((index) => !given.has(index) && tensors[index].data === undefined);
  if (missing === undefined) return;
  throw new GraphError(`The file is no sound TFLite model: nothing makes its output "${tensors[missing].name}".`);
};

const tensorsOf = (graph: Table, buffers: readonly Table[]): readonly TfliteTensor[] => {
  const names = new Set<string>();
  return graph.tables(GRAPH.tensors).map((tensor, index) => {
    const data = entry(buffers, tensor.int(TENSOR.buffer, 0), "buffer").bytes(BUFFER.data);
    const number = tensor.byte(TENSOR.type, 0);
    const type = TYPES[number] ?? `type ${number}`;
    return {
      name: uniqueName(names, tensor.text(TENSOR.name), index),
      shape: tensor.ints(TENSOR.openShape) ?? tensor.ints(TENSOR.shape) ?? [],
      type: tensor.table(TENSOR.sparsity) ? `sparse ${type}` : type,
      data,
    };
  });
};

/** A name that is not among those taken, and now is: with a number where it must be, since files may name two tensors alike. */
const uniqueName = (taken: Set<string>, wanted: string, index: number): string => {
  let name = wanted === "" ? `tensor ${index}` : wanted;
  while (taken.has(name)) name = `${name} #${index}`;
  taken.add(name);
  return name;
};

/** Numbers above 126 have a field of their own, since the old one has 7 bits. */
const operatorName = (code: Table): string => {
  const number = Math.max(code.byte(CODE.oldNumber, 0), code.int(CODE.number, 0));
  return number === CUSTOM ? code.text(CODE.customName) || "CUSTOM" : (OPERATORS[number] ?? `number ${number}`);
};

/** A list of numbers of tensors. */
const numbersOf = (table: Table, field: number, tensors: readonly unknown[], least = 0): readonly number[] => {
  const numbers = table.ints(field) ?? [];
  for (const number of numbers) if (number >= 0 || number < least) entry(tensors, number, "tensor");
  return numbers;
};

/** @throws GraphError when there is no such entry. */
const entry = <T>(list: readonly T[], index: number, what: string): T => {
  if (index >= 0 && index < list.length) return list[index];
  throw new GraphError(
    `The file is no sound TFLite model: it uses the ${what} ${index}, but has ${list.length} of them; it is damaged.`,
  );
};
