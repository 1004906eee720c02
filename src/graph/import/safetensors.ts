import { formatShape, GraphError } from "../tensor.ts";
import { brainFloats, halfToNumber } from "./constants.ts";
import type { StoredTensor, StoredTensors } from "./stored.ts";

/** Bytes of a value of each type, and how its little-endian bytes, which may begin anywhere, become single precision. */
const TYPES: Readonly<Record<string, { readonly size: number; readonly read?: (bytes: ArrayBuffer) => Float32Array }>> = {
  F64: { size: 8, read: (bytes) => Float32Array.from(new Float64Array(bytes)) },
  F32: { size: 4, read: (bytes) => new Float32Array(bytes) },
  F16: { size: 2, read: (bytes) => Float32Array.from(new Uint16Array(bytes), halfToNumber) },
  BF16: { size: 2, read: (bytes) => brainFloats(new Uint16Array(bytes)) },
  ...{ I64: { size: 8 }, U64: { size: 8 }, I32: { size: 4 }, U32: { size: 4 }, I16: { size: 2 }, U16: { size: 2 } },
  ...{ I8: { size: 1 }, U8: { size: 1 }, BOOL: { size: 1 } },
};

/** The format's own limit of its header. */
const LARGEST_HEADER = 100_000_000;

/**
 * The tensors of a safetensors file (https://github.com/huggingface/safetensors): eight bytes with the length of a JSON header, the header, which
 * gives each tensor's type, shape and place, and the values. Values are F64, F32, F16 or BF16; others are listed, but not read.
 * @throws GraphError when the bytes are no such file, or a tensor does not lie whole within it.
 */
export const readSafetensors = (bytes: Uint8Array): StoredTensors => {
  const { header, start } = headerOf(bytes);
  const data = bytes.subarray(start);
  return new Map(
    Object.entries(header).flatMap(([name, entry]) =>
      name === "__metadata__" ? [] : [[name, storedTensor(name, entry, data)] as const],
    ),
  );
};

const headerOf = (bytes: Uint8Array): { header: Record<string, unknown>; start: number } => {
  const length = bytes.byteLength < 8 ? -1 : Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length < 2 || length > Math.min(LARGEST_HEADER, bytes.byteLength - 8)) {
    throw new GraphError("The file is not a safetensors file, or ends within its header.");
  }
  try {
    const header: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, 8 + length)));
    if (isRecord(header)) return { header, start: 8 + length };
  } catch {
    // The same sentence as for a header that is no object.
  }
  throw new GraphError("The file is not a safetensors file: its header is no JSON object.");
};

const storedTensor = (name: string, entry: unknown, data: Uint8Array): StoredTensor => {
  const { dtype, shape, data_offsets: place } = isRecord(entry) ? entry : {};
  if (typeof dtype !== "string" || !isWhole(shape) || !isWhole(place) || place.length !== 2) {
    throw new GraphError(`The safetensors file is damaged: the header's entry of "${name}" lacks dtype, shape or data_offsets.`);
  }
  const type = Object.hasOwn(TYPES, dtype) ? TYPES[dtype] : undefined;
  const [begin, end] = place;
  const count = shape.reduce((product, size) => product * size, 1);
  if (begin > end || end > data.byteLength || (type !== undefined && end - begin !== count * type.size)) {
    throw new GraphError(
      `The safetensors file is damaged: "${name}", ${dtype} ${formatShape(shape)}, cannot lie in the bytes ${begin} to ${end} of ${data.byteLength}.`,
    );
  }
  return {
    shape,
    values: () => {
      if (type?.read === undefined) throw new GraphError(`"${name}" holds ${dtype} values, which are no weights.`);
      return type.read(new Uint8Array(data.subarray(begin, end)).buffer);
    },
  };
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isWhole = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
