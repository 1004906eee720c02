import { Tensor as OrtTensor } from "onnxruntime-node";
import type { TensorSpec } from "../graph/index.ts";
import { arrayOf, RuntimeError, requireValue, type Value } from "./runtime.ts";

/** Name, sizes and type of a tensor that is kept. */
export interface StateSpec extends TensorSpec {
  readonly shape: readonly number[];
  readonly type: "float32" | "int64" | "uint8" | "uint16";
}

/** Where state lies: `allocate` makes a tensor, of zeros unless values are given; `read` copies its values out. */
export interface Memory {
  allocate(spec: StateSpec, data?: Value["data"]): Promise<OrtTensor>;
  read(tensor: OrtTensor): Promise<Value["data"]>;
  free(tensor: OrtTensor): void;
  close(): Promise<void>;
}

/** The memory of this process. */
export const hostMemory: Memory = {
  allocate: async ({ type, shape }, data) => {
    const size = shape.reduce((product, length) => product * length, 1);
    return new OrtTensor(type, (data?.slice() ?? new (arrayOf(type))(size)) as Float32Array, shape);
  },
  read: async ({ data }) => (data as Float32Array).slice(),
  free: () => undefined,
  close: async () => undefined,
};

interface Slot {
  readonly spec: StateSpec;
  /** The current value and the place where the next one is written. Only a program that wrote the slot exchanges them. */
  readonly buffers: [current: OrtTensor, next: OrtTensor];
}

/**
 * Named tensors that outlive a run, each in two preallocated buffers: a run reads the current ones and writes the next ones
 * in place, and afterwards exactly the written slots are exchanged. So a program never allocates state, a failed run
 * leaves all of it as it was, and tensors that a program only reads stay byte for byte the same.
 */
export class StateStore {
  private readonly slots = new Map<string, Slot>();
  private readonly memory: Memory;

  constructor(memory: Memory) {
    this.memory = memory;
  }

  /** Sets tensors, all of them or, when one does not fit, none. */
  async write(values: ReadonlyMap<string, Value>): Promise<void> {
    const specs = [...values].map(([name, value]) => this.specFor(name, value));
    const allocated: OrtTensor[] = [];
    const allocate = async (spec: StateSpec, data?: Value["data"]): Promise<OrtTensor> => {
      const tensor = await this.memory.allocate(spec, data);
      allocated.push(tensor);
      return tensor;
    };
    try {
      const slots: Slot[] = [];
      for (const spec of specs) {
        const current = await allocate(spec, values.get(spec.name)?.data);
        slots.push({ spec, buffers: [current, this.slots.get(spec.name)?.buffers[1] ?? (await allocate(spec))] });
      }
      for (const slot of slots) {
        const replaced = this.slots.get(slot.spec.name)?.buffers[0];
        if (replaced !== undefined) this.memory.free(replaced);
        this.slots.set(slot.spec.name, slot);
      }
    } catch (error) {
      for (const tensor of allocated) this.memory.free(tensor);
      throw error;
    }
  }

  /** Copies of the named tensors, or of all. @throws RuntimeError when nothing was written under a name. */
  async read(names: readonly string[] = [...this.slots.keys()]): Promise<Map<string, Value>> {
    const values = new Map<string, Value>();
    for (const { spec, buffers } of names.map((name) => this.slot(name))) {
      values.set(spec.name, { data: await this.memory.read(buffers[0]), shape: spec.shape });
    }
    return values;
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

  /** Gives the memory back. */
  async close(): Promise<void> {
    for (const { buffers } of this.slots.values()) for (const tensor of buffers) this.memory.free(tensor);
    this.slots.clear();
    await this.memory.close();
  }

  private specFor(name: string, { data, shape }: Value): StateSpec {
    const type = (["float32", "int64", "uint8", "uint16"] as const).find((type) => data instanceof arrayOf(type));
    if (type === undefined) {
      throw new RuntimeError(`The state "${name}" must be a Float32Array, BigInt64Array, Uint8Array or Uint16Array.`);
    }
    const spec = this.slots.get(name)?.spec ?? { name, shape, type };
    requireValue(spec, { data, shape });
    return spec;
  }

  private slot(name: string): Slot {
    const slot = this.slots.get(name);
    if (slot === undefined) throw new RuntimeError(`The state "${name}" has no value yet: write it before running the program.`);
    return slot;
  }
}
