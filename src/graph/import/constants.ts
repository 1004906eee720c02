import { type TensorProto, TensorProto_DataLocation, TensorProto_DataType } from "onnx-buf";
import { constant, type DataType, formatShape, GraphError, type Tensor, type TensorData } from "../tensor.ts";

const { FLOAT, FLOAT16, BFLOAT16, DOUBLE, INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64, BOOL } = TensorProto_DataType;

/** The element type that stands for each of ONNX's: every floating one becomes float32, every integer but uint8 int64. */
export const ELEMENT_TYPES: ReadonlyMap<number, DataType> = new Map<number, DataType>([
  ...[FLOAT, FLOAT16, BFLOAT16, DOUBLE].map((type) => [type, "float32"] as const),
  ...[INT8, INT16, INT32, INT64, UINT16, UINT32, UINT64].map((type) => [type, "int64"] as const),
  [UINT8, "uint8"],
  [BOOL, "bool"],
]);

/** @throws GraphError when there is no such type here. */
export const elementType = (onnxType: number): DataType => {
  const type = ELEMENT_TYPES.get(onnxType);
  if (type === undefined) {
    throw new GraphError(
      `the element type ${TensorProto_DataType[onnxType] ?? onnxType} cannot be imported; export the model with float32 values.`,
    );
  }
  return type;
};

/** A stored tensor as a constant. @throws GraphError when its values lie in another file, or do not fill its shape. */
export const constantOf = (stored: TensorProto): Tensor => {
  const shape = stored.dims.map(Number);
  const size = shape.reduce((product, length) => product * length, 1);
  const type = elementType(stored.dataType);
  requireInside(stored);
  const data = toData(type, stored);
  if (data.length !== size) {
    throw new GraphError(`the constant "${stored.name}" holds ${data.length} values, but its shape is ${formatShape(shape)}.`);
  }
  return constant(data, shape, type);
};

const requireInside = ({ name, dataLocation, externalData }: TensorProto): void => {
  if (dataLocation !== TensorProto_DataLocation.EXTERNAL) return;
  const file = externalData.find(({ key }) => key === "location")?.value ?? "unknown";
  throw new GraphError(
    `the constant "${name}" lies in another file ("${file}"), which is not read; save the model as one file (in Python: onnx.save(onnx.load(path), path)).`,
  );
};

const toData = (type: DataType, stored: TensorProto): TensorData => {
  const values = stored.rawData.length > 0 ? rawValues(stored) : typedValues(stored);
  if (type === "float32") return values instanceof Float32Array ? values : Float32Array.from(values, Number);
  if (type === "int64") return values instanceof BigInt64Array ? values : BigInt64Array.from(values as number[], BigInt);
  return Uint8Array.from(values, Number);
};

type Values = ArrayLike<number> | ArrayLike<bigint>;

/** Values from their bytes, little-endian, which may begin anywhere in the file. */
const rawValues = ({ dataType, rawData, name }: TensorProto): Values => {
  const layout = RAW_LAYOUTS.get(dataType)!;
  if (rawData.byteLength % layout.BYTES_PER_ELEMENT !== 0) {
    throw new GraphError(`the constant "${name}" ends in the middle of a value: the file is damaged.`);
  }
  const values = new layout(new Uint8Array(rawData).buffer);
  if (dataType === FLOAT16) return Float32Array.from(values as Uint16Array, halfToNumber);
  return dataType === BFLOAT16 ? brainFloats(values as Uint16Array) : values;
};

const RAW_LAYOUTS = new Map<number, { readonly BYTES_PER_ELEMENT: number; new (buffer: ArrayBuffer): Values }>([
  [FLOAT, Float32Array],
  [FLOAT16, Uint16Array],
  [BFLOAT16, Uint16Array],
  [DOUBLE, Float64Array],
  [INT8, Int8Array],
  [INT16, Int16Array],
  [INT32, Int32Array],
  [INT64, BigInt64Array],
  [UINT8, Uint8Array],
  [UINT16, Uint16Array],
  [UINT32, Uint32Array],
  [UINT64, BigUint64Array],
  [BOOL, Uint8Array],
]);

/** Values from the field that ONNX keeps for their type; halves lie in it as their bits. */
const typedValues = ({ dataType, floatData, doubleData, int64Data, uint64Data, int32Data }: TensorProto): Values => {
  if (dataType === FLOAT) return floatData;
  if (dataType === DOUBLE) return doubleData;
  if (dataType === INT64) return int64Data;
  if (dataType === UINT32 || dataType === UINT64) return uint64Data;
  if (dataType === FLOAT16) return int32Data.map(halfToNumber);
  return dataType === BFLOAT16 ? brainFloats(Uint16Array.from(int32Data)) : int32Data;
};

/** A number from the bits of its IEEE half: one of sign, five of exponent, ten of fraction. */
export const halfToNumber = (bits: number): number => {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
};

/** bfloat16 is the upper half of a float32. */
export const brainFloats = (bits: Uint16Array): Float32Array =>
  new Float32Array(Uint32Array.from(bits, (upper) => upper << 16).buffer);
