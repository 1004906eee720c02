import { Tensor as OrtTensor } from "onnxruntime-node";
import type { TensorData, TensorSpec } from "../graph/index.ts";
import { arrayOf, RuntimeError, requireValue, type Value } from "./runtime.ts";

interface Slot {
  readonly spec: TensorSpec;
  /** The current value and the place where the next one is written. Only a program that wrote the slot exchanges them. */
  buffers: [current: OrtTensor, next: OrtTensor];
}

/**
 * Named tensors that outlive a run, each in two preallocated buffers: a run reads the current ones and writes the next ones
 * in place, and afterwards exactly the written slots are exchanged. So a program never allocates state, a failed run
 * leaves all of it as it was, and tensors that a program only reads stay byte for byte the same.
 */
export class StateStore {
  private readonly slots = new Map<string, Slot>();

  /** Sets tensors, all of them or, when one does not fit, none. */
  write(values: ReadonlyMap<string, Value>): void {
    const slots = [...values].map(([name, { data, shape }]): Slot => {
      const type = data instanceof Float32Array ? "float32" : data instanceof BigInt64Array ? "int64" : "uint8";
      const existing = this.slots.get(name);
      requireValue(existing?.spec ?? { name, shape, type }, { data, shape });
      return existing ?? { spec: { name, shape, type }, buffers: [allocate(type, shape), allocate(type, shape)] };
    });
    for (const slot of slots) {
      (slot.buffers[0].data as Float32Array).set(values.get(slot.spec.name)!.data as Float32Array);
      this.slots.set(slot.spec.name, slot);
    }
  }

  read(names: readonly string[] = [...this.slots.keys()]): Map<string, Value> {
    return new Map(
      names.map((name) => {
        const [{ data, dims }] = this.slot(name).buffers;
        return [name, { data: (data as Float32Array).slice(), shape: dims }];
      }),
    );
  }

  /** The current tensor of a slot. @throws RuntimeError when nothing was written there or its shape differs. */
  current({ name, shape }: TensorSpec): OrtTensor {
    const { spec, buffers } = this.slot(name);
    if (spec.shape.join() !== shape.join()) {
      throw new RuntimeError(
        `The program expects the state "${name}" with the shape [${shape.join(", ")}], but it has [${spec.shape.join(", ")}].`,
      );
    }
    return buffers[0];
  }

  /** Where the next value of a slot is written. */
  next(name: string): OrtTensor {
    return this.slot(name).buffers[1];
  }

  /** Makes the next value the current one. */
  exchange(name: string): void {
    this.slot(name).buffers.reverse();
  }

  private slot(name: string): Slot {
    const slot = this.slots.get(name);
    if (slot === undefined) throw new RuntimeError(`The state "${name}" has no value yet: write it before running the program.`);
    return slot;
  }
}

const allocate = (type: "float32" | "int64" | "uint8", shape: readonly number[]): OrtTensor => {
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  return new OrtTensor(type, new (arrayOf(type))(size) as TensorData as Float32Array, shape as number[]);
};
