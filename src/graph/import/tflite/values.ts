import { create } from "@bufbuild/protobuf";
import { type TensorProto, TensorProto_DataType, TensorProtoSchema } from "onnx-buf";
import { formatSize, LARGEST_FILE } from "../../onnx.ts";
import { formatShape, GraphError } from "../../tensor.ts";
import type { TfliteFile, TfliteTensor } from "./file.ts";

/** Element types whose numbers are computed with, and words of their size. */
const FLOATS = {
  FLOAT32: { onnx: TensorProto_DataType.FLOAT, Words: Uint32Array },
  FLOAT16: { onnx: TensorProto_DataType.FLOAT16, Words: Uint16Array },
} as const;

/** Constants may take so many times the file's size, since tensors may share their bytes: a damaged file must not ask for billions. */
const MOST_COPIES = 16;

/** The values of a TFLite file under the names that they get in ONNX, and the stored ones in the layouts that ONNX wants. */
export class Values {
  /** The stored values that were asked for. */
  readonly constants: TensorProto[] = [];
  private readonly tensors: readonly TfliteTensor[];
  /** What holds the numbers of a value that need not be computed. */
  private readonly stored = new Map<number, TfliteTensor>();
  /** The names of a stored value in each of its layouts. */
  private readonly layouts = new Map<number, Map<string, string>>();
  private readonly taken: Set<string>;
  /** Bytes that the constants may take, and what is left of them. */
  private readonly room: number;
  private roomLeft: number;

  constructor({ tensors, operators, inputs, size }: TfliteFile) {
    this.tensors = tensors;
    this.taken = new Set(tensors.map(({ name }) => name));
    this.room = Math.min(MOST_COPIES * size, LARGEST_FILE / 2);
    this.roomLeft = this.room;
    const computed = new Set([...inputs, ...operators.flatMap((operator) => operator.outputs)]);
    for (const [index, tensor] of tensors.entries()) {
      if (tensor.data !== undefined && !computed.has(index)) this.stored.set(index, tensor);
    }
    // Halves become float32 wherever they are read, so what DEQUANTIZE makes of stored ones is stored as well.
    for (const operator of operators) {
      const source = this.stored.get(operator.inputs[0]);
      const [result] = operator.outputs;
      if (operator.name === "DEQUANTIZE" && source?.type === "FLOAT16" && result !== undefined) this.stored.set(result, source);
    }
  }

  isStored(index: number): boolean {
    return this.stored.has(index);
  }

  isFloat(index: number): boolean {
    return Object.hasOwn(FLOATS, this.tensors[index].type);
  }

  /** As the file has it: images with their channels last. */
  shape(index: number): readonly number[] {
    return this.tensors[index].shape;
  }

  /** FLOAT32, INT8, ... */
  type(index: number): string {
    return this.tensors[index].type;
  }

  /** The name of a value, which for a stored one means: as it lies. */
  name(index: number): string {
    return this.isStored(index) ? this.constant(index, this.shape(index)) : this.tensors[index].name;
  }

  /**
   * The name of a stored value that is read as a shape and then reordered: axis i of the result is axis `order[i]` of the shape.
   * In the first layout that is asked for it keeps its own name.
   * @throws GraphError when its bytes do not fill the shape.
   */
  constant(index: number, shape: readonly number[], order: readonly number[] = shape.map((_, axis) => axis)): string {
    const names = this.layouts.get(index) ?? new Map<string, string>();
    const layout = `${formatShape(shape)} in the order ${formatShape(order)}`;
    if (!names.has(layout)) {
      const { name } = this.tensors[index];
      names.set(layout, names.size === 0 ? name : this.newName(`${name} as ${layout}`));
      this.layouts.set(index, names);
      this.constants.push(this.reordered(index, names.get(layout)!, shape, order));
    }
    return names.get(layout)!;
  }

  /** A name that no other value has. */
  newName(wanted: string): string {
    let name = wanted;
    while (this.taken.has(name)) name = `${name}'`;
    this.taken.add(name);
    return name;
  }

  private reordered(index: number, name: string, shape: readonly number[], order: readonly number[]): TensorProto {
    const { data, type } = this.stored.get(index)!;
    const { onnx, Words } = FLOATS[type as keyof typeof FLOATS];
    const count = shape.reduce((product, size) => product * size, 1);
    if (shape.some((size) => size < 0) || data!.byteLength !== count * Words.BYTES_PER_ELEMENT) {
      throw new GraphError(
        `The file is no sound TFLite model: the tensor "${name}" of type ${type} and shape ${formatShape(shape)} has ${data!.byteLength} bytes.`,
      );
    }
    this.roomLeft -= data!.byteLength;
    if (this.roomLeft < 0) {
      throw new GraphError(
        `The constants of the TFLite model take more than ${formatSize(this.room)}: it is too large, or damaged.`,
      );
    }
    const words = new Words(new Uint8Array(data!).buffer);
    const dims = order.map((axis) => BigInt(shape[axis]));
    const straight = order.every((axis, i) => axis === i);
    const rawData = new Uint8Array((straight ? words : transposed(words, shape, order)).buffer);
    return create(TensorProtoSchema, { name, dataType: onnx, dims, rawData });
  }
}

/** Words of four axes, reordered: axis i of the result is axis `order[i]`. */
const transposed = <T extends Uint16Array | Uint32Array>(words: T, shape: readonly number[], order: readonly number[]): T => {
  const steps = [shape[1] * shape[2] * shape[3], shape[2] * shape[3], shape[3], 1];
  const [a, b, c, d] = order.map((axis) => ({ size: shape[axis], step: steps[axis] }));
  const result = words.slice() as T;
  let next = 0;
  for (let i = 0; i < a.size; i++)
    for (let j = 0; j < b.size; j++)
      for (let k = 0; k < c.size; k++)
        for (let l = 0; l < d.size; l++) result[next++] = words[i * a.step + j * b.step + k * c.step + l * d.step];
  return result;
};
