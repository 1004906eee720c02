import { Builder } from "flatbuffers";

/*
 * For tests: TFLite files as its converter writes them, but with any mistakes that are asked for.
 */

export interface BuiltTensor {
  readonly name?: string;
  /** As a file has it, with the channels last. */
  readonly shape: readonly number[];
  /** FLOAT32 0 (the default), FLOAT16 1, INT32 2, UINT8 3, INT8 9. */
  readonly type?: number;
  /** Stored values. */
  readonly data?: Float32Array | Uint16Array | Uint8Array;
  /** The number of the buffer, where it is not one of its own. */
  readonly buffer?: number;
  /** Sizes of which -1 is open. */
  readonly openShape?: readonly number[];
  readonly sparse?: boolean;
}

export interface BuiltOperator {
  /** ADD 0, CONV_2D 3, DEPTHWISE_CONV_2D 4, DEQUANTIZE 6, RESHAPE 22, or the name of a custom one. */
  readonly code: number | string;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Options by the number of their field: of 8 bits in `bytes`, of 32 in `ints`. Without any there is no table of options. */
  readonly bytes?: Readonly<Record<number, number>>;
  readonly ints?: Readonly<Record<number, number>>;
}

export interface BuiltModel {
  readonly tensors: readonly BuiltTensor[];
  readonly operators: readonly BuiltOperator[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** Codes of activations. */
export const ACTIVATIONS = { NONE: 0, RELU: 1, RELU6: 3, TANH: 4 };

/** The options of a convolution; those of a depthwise one have a field more. Stride and dilation: [height, width]. */
export const convolutionOptions = (
  depthwise: boolean,
  { padding = "SAME", stride = [1, 1], dilation = [1, 1], activation = "NONE" }: Partial<ConvolutionOptions> = {},
) => {
  const activationField = depthwise ? 4 : 3;
  return {
    bytes: { 0: padding === "SAME" ? 0 : 1, [activationField]: ACTIVATIONS[activation] },
    ints: { 1: stride[1], 2: stride[0], [activationField + 1]: dilation[1], [activationField + 2]: dilation[0] },
  };
};

export interface ConvolutionOptions {
  readonly padding: string;
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly activation: keyof typeof ACTIVATIONS;
}

export const tfliteModel = ({ tensors, operators, inputs, outputs }: BuiltModel): Uint8Array => {
  const builder = new Builder(1024);
  const ints = (values: readonly number[]) => {
    builder.startVector(4, values.length, 4);
    for (const value of values.toReversed()) builder.addInt32(value);
    return builder.endVector();
  };
  const offsets = (values: readonly number[]) => {
    builder.startVector(4, values.length, 4);
    for (const value of values.toReversed()) builder.addOffset(value);
    return builder.endVector();
  };
  const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Uint16Array | Uint8Array) =>
    builder.createByteVector(new Uint8Array(buffer, byteOffset, byteLength));
  /** A table of fields: whole numbers as [bits, value], everything else by its offset. */
  const table = (fields: Readonly<Record<number, number | readonly [8 | 32, number] | undefined>>) => {
    builder.startObject(Math.max(-1, ...Object.keys(fields).map(Number)) + 1);
    for (const [field, value] of Object.entries(fields)) {
      if (typeof value === "number") builder.addFieldOffset(Number(field), value, 0);
      else if (value?.[0] === 8) builder.addFieldInt8(Number(field), value[1], 0);
      else if (value !== undefined) builder.addFieldInt32(Number(field), value[1], Number.NaN);
    }
    return builder.endObject();
  };

  // The first buffer is always the empty one of tensors without values.
  const buffers = [table({}), ...tensors.flatMap(({ data }) => (data ? [table({ 0: bytesOf(data) })] : []))];
  let ownBuffer = 0;
  const tensorTables = tensors.map(({ name, shape, type = 0, data, buffer, openShape, sparse }) => {
    if (data !== undefined) ownBuffer++;
    return table({
      0: ints(shape),
      1: [8, type],
      2: [32, buffer ?? (data ? ownBuffer : 0)],
      3: name === undefined ? undefined : builder.createString(name),
      6: sparse ? table({}) : undefined,
      7: openShape && ints(openShape),
    });
  });
  const kinds = [...new Set(operators.map(({ code }) => code))];
  const codes = kinds.map((code) =>
    typeof code === "string"
      ? table({ 0: [8, 32], 1: builder.createString(code), 3: [32, 32] })
      : table({ 0: [8, Math.min(code, 127)], 3: [32, code] }),
  );
  const operatorTables = operators.map(({ code, bytes, ints: words, ...operator }) => {
    const options = bytes || words ? table({ ...fieldsOf(bytes, 8), ...fieldsOf(words, 32) }) : undefined;
    return table({ 0: [32, kinds.indexOf(code)], 1: ints(operator.inputs), 2: ints(operator.outputs), 4: options });
  });
  const graph = table({ 0: offsets(tensorTables), 1: ints(inputs), 2: ints(outputs), 3: offsets(operatorTables) });
  builder.finish(table({ 0: [32, 3], 1: offsets(codes), 2: offsets([graph]), 4: offsets(buffers) }), "TFL3");
  return builder.asUint8Array();
};

const fieldsOf = <Bits extends 8 | 32>(values: Readonly<Record<number, number>> = {}, bits: Bits) =>
  Object.fromEntries(Object.entries(values).map(([field, value]) => [field, [bits, value] as const]));
