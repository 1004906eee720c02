import { create, toBinary } from "@bufbuild/protobuf";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  OperatorSetIdProtoSchema,
  TensorProto_DataType,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "onnx-buf";
import type { Dimension } from "../../tensor.ts";
import { type FrozenFunction, readFunction } from "../function.ts";
import { openTflite, type TfliteFile, type TfliteTensor } from "./file.ts";
import { CHANNELS_SECOND, DOMAIN, nodesOf } from "./operators.ts";
import { Values } from "./values.ts";

/** Whose Clip has its bounds as attributes, like the activations of TFLite. */
const OPSET = 10n;

/**
 * Reads a TFLite model (a flatbuffer with the identifier TFL3, of which the first graph counts) as a function to be called in graphs.
 *
 * The file has images as [batch, height, width, channels], but feeds and values are [batch, channels, height, width], as everywhere
 * else in the graph: every value of four axes is turned so. Any batch, height and width can be fed, whatever the file was made for;
 * height and width must be known when the graph is built, since TensorFlow's SAME padding depends on them:
 * `max((ceil(size / stride) - 1) stride + (kernel - 1) dilation + 1 - size, 0)` zeros, the smaller half of them before.
 * Stored halves become float32. A convolution's filters are [filters, channels / groups, height, width].
 *
 * CONV_2D, DEPTHWISE_CONV_2D and ADD of float32 values are read, fused with RELU, RELU6 or nothing, and DEQUANTIZE of halves.
 * They are listed as the ONNX operators that they are read as; what a convolution makes before its activation is a value of its own.
 * @throws GraphError when the bytes are not a TFLite model. `call` throws one, and `values` gives its sentence as the problem,
 * for an operator that is not read.
 */
export const readTflite = (bytes: Uint8Array): FrozenFunction =>
  readFunction(toBinary(ModelProtoSchema, asOnnx(openTflite(bytes))));

/** The same model in ONNX's terms; operators that have none there keep their names. */
const asOnnx = (file: TfliteFile) => {
  const values = new Values(file);
  const node = file.operators.flatMap((operator) => nodesOf(operator, values));
  for (const output of file.outputs) if (values.isFloat(output)) values.name(output);
  const infos = (numbers: readonly number[], several: boolean) =>
    numbers.map((index) => valueInfo(file.tensors[index], several ? `${file.tensors[index].name} ` : ""));
  return create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [
      create(OperatorSetIdProtoSchema, { domain: "", version: OPSET }),
      create(OperatorSetIdProtoSchema, { domain: DOMAIN, version: BigInt(file.version) }),
    ],
    graph: create(GraphProtoSchema, {
      node,
      initializer: values.constants,
      input: infos(file.inputs, file.inputs.length > 1),
      output: infos(file.outputs, true),
    }),
  });
};

const TYPES: Readonly<Record<string, TensorProto_DataType>> = {
  FLOAT32: TensorProto_DataType.FLOAT,
  FLOAT16: TensorProto_DataType.FLOAT16,
  UINT8: TensorProto_DataType.UINT8,
  INT8: TensorProto_DataType.INT8,
  INT32: TensorProto_DataType.INT32,
  INT64: TensorProto_DataType.INT64,
  BOOL: TensorProto_DataType.BOOL,
};

/** An input or output: an image with its sizes open, anything else as the file has it. */
const valueInfo = ({ name, type, shape }: TfliteTensor, prefix: string): ValueInfoProto => {
  const size = (axis: number, title: string): Dimension => (shape[axis] < 0 ? `${prefix}${title}` : shape[axis]);
  const image: Dimension[] = [`${prefix}batch`, size(3, "channels"), `${prefix}height`, `${prefix}width`];
  const dims = shape.length === CHANNELS_SECOND.length ? image : shape.map((_, axis) => size(axis, `size ${axis}`));
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, {
      value: {
        case: "tensorType",
        value: create(TypeProto_TensorSchema, {
          elemType: TYPES[type] ?? TensorProto_DataType.UNDEFINED,
          shape: create(TensorShapeProtoSchema, { dim: dims.map(dimension) }),
        }),
      },
    }),
  });
};

const dimension = (size: Dimension) =>
  create(TensorShapeProto_DimensionSchema, {
    value: typeof size === "number" ? { case: "dimValue", value: BigInt(size) } : { case: "dimParam", value: size },
  });
