import { create } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type NodeProto,
  NodeProtoSchema,
} from "onnx-buf";
import type { TfliteOperator } from "./file.ts";
import type { Values } from "./values.ts";

/** The ONNX nodes that compute what an operator does, or what of it there are none for, to be said after its name. */
type Translation = (operator: TfliteOperator, values: Values) => readonly NodeProto[] | string;

/** The domain of operators that stay what they are, since nothing computes them. */
export const DOMAIN = "TFLite";

/** From [batch, height, width, channels] to [batch, channels, height, width]: of images and of the filters of CONV_2D. */
export const CHANNELS_SECOND = [0, 3, 1, 2];
/** From [1, height, width, filters] to [filters, 1, height, width]. */
const FILTERS_FIRST = [3, 0, 1, 2];

/** ONNX nodes for an operator; where there are none, a node that cannot be imported, whose name says why. */
export const nodesOf = (operator: TfliteOperator, values: Values): readonly NodeProto[] => {
  const found = translation(operator, values);
  if (typeof found !== "string") return found;
  const output = operator.outputs.map((index) => values.name(index));
  return [create(NodeProtoSchema, { opType: `${operator.name}${found}`, domain: DOMAIN, output })];
};

const translation: Translation = (operator, values) => {
  if (!Object.hasOwn(TRANSLATIONS, operator.name)) return "";
  const { translate, inputs } = TRANSLATIONS[operator.name];
  const [least, most] = inputs;
  const present = operator.inputs.slice(0, least).filter((index) => index >= 0).length === least;
  if (!present || operator.inputs.length > most || operator.outputs.length !== 1)
    return " with other inputs and outputs than it has";
  const other = operator.inputs.find((index) => index >= 0 && !values.isFloat(index));
  return other === undefined ? translate(operator, values) : ` of ${values.type(other)} values`;
};

/** Of numbers that are stored as halves nothing is left to do; the values of others are the same numbers. */
const dequantize: Translation = ({ inputs: [x], outputs: [y] }, values) =>
  values.isStored(y) ? [] : [node("Identity", [values.name(x)], values.name(y))];

/** Numbers of the fields of a convolution's options. */
const CONVOLUTION = { padding: 0, strideX: 1, strideY: 2, activation: 3, dilationX: 4, dilationY: 5 };
const DEPTHWISE = { padding: 0, strideX: 1, strideY: 2, activation: 4, dilationX: 5, dilationY: 6 };

const PADDING = ["SAME_UPPER", "VALID"];

/** Filters: [filters, height, width, channels]. */
const conv2d: Translation = (operator, values) => convolution(operator, values, CONVOLUTION, CHANNELS_SECOND, 1);

/** Filters: [1, height, width, channels depth multiplier], those of a channel together, so that every channel is a group. */
const depthwiseConv2d: Translation = (operator, values) => {
  const channels = values.shape(operator.inputs[0])[3] ?? -1;
  if (channels < 1) return " of values whose channels are not known";
  return convolution(operator, values, DEPTHWISE, FILTERS_FIRST, channels);
};

const convolution = (
  operator: TfliteOperator,
  values: Values,
  fields: typeof CONVOLUTION,
  filterOrder: readonly number[],
  groups: number,
): ReturnType<Translation> => {
  const [x, filter, bias = -1] = operator.inputs;
  const { options } = operator;
  const padding = options?.byte(fields.padding, 0) ?? 0;
  if (!values.isStored(filter)) return " with computed filters";
  if (values.shape(filter).length !== 4) return " with filters that have no four axes";
  if (PADDING[padding] === undefined) return ` with the padding ${padding}`;
  const int = (field: number, fallback: number) => options?.int(field, fallback) ?? fallback;
  const inputs = [values.name(x), values.constant(filter, values.shape(filter), filterOrder)];
  if (bias >= 0) inputs.push(values.name(bias));
  return activated(operator, values, options?.byte(fields.activation, 0) ?? 0, (output) =>
    node("Conv", inputs, output, {
      auto_pad: PADDING[padding],
      strides: [int(fields.strideY, 0), int(fields.strideX, 0)],
      dilations: [int(fields.dilationY, 1), int(fields.dilationX, 1)],
      group: groups,
    }),
  );
};

/** Values of four axes are images, so what is stored beside them, of as many axes or fewer, is turned as they are. */
const add: Translation = (operator, values) => {
  const rank = Math.max(...operator.inputs.map((index) => values.shape(index).length));
  const names = operator.inputs.map((index) => {
    const shape = values.shape(index);
    if (!values.isStored(index)) return shape.length === rank ? values.name(index) : undefined;
    const full = [...Array<number>(rank - shape.length).fill(1), ...shape];
    return rank === 4 ? values.constant(index, full, CHANNELS_SECOND) : values.name(index);
  });
  if (!names.every((name) => name !== undefined)) return " of computed values with different numbers of axes";
  return activated(operator, values, operator.options?.byte(0, 0) ?? 0, (output) => node("Add", names, output));
};

const ACTIVATIONS = ["NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT"];

/** What an operator computes, followed by the activation that is fused with it. */
const activated = (
  operator: TfliteOperator,
  values: Values,
  number: number,
  compute: (output: string) => NodeProto,
): ReturnType<Translation> => {
  const activation = ACTIVATIONS[number] ?? number;
  const result = values.name(operator.outputs[0]);
  if (activation === "NONE") return [compute(result)];
  const before = values.newName(`${result} before ${activation}`);
  if (activation === "RELU") return [compute(before), node("Relu", [before], result)];
  if (activation === "RELU6") return [compute(before), node("Clip", [before], result, { min: { float: 0 }, max: { float: 6 } })];
  return ` with the activation ${activation}`;
};

/** How operators are translated, and the least and most inputs that they have. */
const TRANSLATIONS: Readonly<Record<string, { readonly translate: Translation; readonly inputs: readonly [number, number] }>> = {
  DEQUANTIZE: { translate: dequantize, inputs: [1, 1] },
  CONV_2D: { translate: conv2d, inputs: [2, 3] },
  DEPTHWISE_CONV_2D: { translate: depthwiseConv2d, inputs: [2, 3] },
  ADD: { translate: add, inputs: [2, 2] },
};

type Attribute = string | number | readonly number[] | { readonly float: number };

const node = (opType: string, input: string[], output: string, attributes: Readonly<Record<string, Attribute>> = {}): NodeProto =>
  create(NodeProtoSchema, {
    opType,
    name: output,
    input,
    output: [output],
    attribute: Object.entries(attributes).map(attribute),
  });

const attribute = ([name, value]: [string, Attribute]): AttributeProto => {
  const { FLOAT, INT, INTS, STRING } = AttributeProto_AttributeType;
  if (typeof value === "string") return create(AttributeProtoSchema, { name, type: STRING, s: new TextEncoder().encode(value) });
  if (typeof value === "number") return create(AttributeProtoSchema, { name, type: INT, i: BigInt(value) });
  if ("float" in value) return create(AttributeProtoSchema, { name, type: FLOAT, f: value.float });
  return create(AttributeProtoSchema, { name, type: INTS, ints: value.map(BigInt) });
};
