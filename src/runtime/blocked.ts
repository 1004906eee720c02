import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  TensorProtoSchema,
} from "onnx-buf";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { conv2d, input, toOnnx } from "../graph/index.ts";

const DOMAIN = "com.microsoft.nchwc";

/**
 * ONNX Runtime convolves faster where channels lie in blocks of its own choosing (NCHWc), but prepares only constant weights for
 * that. Here the convolutions of a training step, whose weights are computed, are brought into that layout: x and w are
 * reordered before, y after. Left alone are those it would not pay for: maps of too few positions, 1 x 1 kernels, groups,
 * channels that do not divide into blocks. On processors without such a layout the model stays as it is.
 */
export const withBlockedConvolutions = async (bytes: Uint8Array): Promise<Uint8Array> => {
  blockSize ??= findBlockSize();
  const size = await blockSize.catch((error: unknown) => {
    blockSize = undefined; // tried again: a layout lost to a passing lack of memory would change a resumed run's last bits
    throw error;
  });
  return size === undefined ? bytes : lowered(bytes, size);
};

let blockSize: Promise<number | undefined> | undefined;

/** Fewest positions of all images together from which reordering a weight pays. */
const WORTHWHILE = 1024;

/** The model with its convolutions in blocks of `size` channels, wherever they have at least `positions` output positions. */
const lowered = (bytes: Uint8Array, size: number, positions = WORTHWHILE): Uint8Array => {
  const model = fromBinary(ModelProtoSchema, bytes);
  const graph = model.graph!;
  const shapes = knownShapes(graph);
  const stored = new Set(graph.initializer.map(({ name }) => name));
  const nodes = graph.node.flatMap((node): NodeProto[] => {
    const [x, w] = [shapes.get(node.input[0]), shapes.get(node.input[1])];
    if (node.opType !== "Conv" || x === undefined || w === undefined || stored.has(node.input[1])) return [node];
    const [filters, channels, ...kernel] = w;
    const divides = channels % size === 0 && filters % size === 0;
    const bias = node.input[2] === undefined || shapes.get(node.input[2])?.join() === String(filters);
    const fits = bias && channels === x[1] && divides && kernel.some((side) => side > 1);
    const strides = node.attribute.find(({ name }) => name === "strides")?.ints.map(Number) ?? [1, 1];
    const covered = (x[0] * x[2] * x[3]) / (strides[0] * strides[1]);
    return fits && covered >= positions ? blocked(graph, node, w, size) : [node];
  });
  if (nodes.length === graph.node.length) return bytes;
  graph.node = nodes;
  model.opsetImport.push(create(OperatorSetIdProtoSchema, { domain: DOMAIN, version: 1n }));
  return toBinary(ModelProtoSchema, model);
};

/** One convolution in blocks: w [O, C, height, width] becomes [O / size, C / size, height, width, size of C, size of O]. */
const blocked = (graph: GraphProto, node: NodeProto, w: readonly number[], size: number): NodeProto[] => {
  const [filters, channels, height, width] = w;
  const [x, weight, ...bias] = node.input;
  const name = (part: string): string => `${node.output[0]}/${part}`;
  const reshaped = (from: string, to: string, shape: readonly number[]): NodeProto => {
    graph.initializer.push(
      create(TensorProtoSchema, {
        name: `${to}/shape`,
        dataType: 7,
        dims: [BigInt(shape.length)],
        rawData: new Uint8Array(BigInt64Array.from(shape, BigInt).buffer),
      }),
    );
    return operation("Reshape", [from, `${to}/shape`], to);
  };
  return [
    operation("ReorderInput", [weight], name("channels"), [], DOMAIN), // every filter's values, as if it were an image
    reshaped(name("channels"), name("rows"), [filters / size, size, channels * height * width]),
    operation("Transpose", [name("rows")], name("columns"), [integers("perm", [0, 2, 1])]),
    reshaped(name("columns"), name("weight"), w),
    operation("ReorderInput", [x], name("x"), [], DOMAIN),
    operation("Conv", [name("x"), name("weight"), ...bias], name("y"), node.attribute, DOMAIN),
    operation("ReorderOutput", [name("y")], node.output[0], [integer("channels", filters)], DOMAIN),
  ];
};

const operation = (opType: string, inputs: string[], output: string, attribute: AttributeProto[] = [], domain = "") =>
  create(NodeProtoSchema, { opType, domain, name: `${output}/node`, input: inputs, output: [output], attribute });

const integers = (name: string, values: readonly number[]): AttributeProto =>
  create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INTS, ints: values.map(BigInt) });

const integer = (name: string, value: number): AttributeProto =>
  create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INT, i: BigInt(value) });

/** Shapes of inputs and of what the file says about intermediate values, where every size is known. */
const knownShapes = ({ input, valueInfo }: GraphProto): Map<string, readonly number[]> => {
  const shapes = new Map<string, readonly number[]>();
  for (const { name, type } of [...input, ...valueInfo]) {
    const sizes = type?.value.case === "tensorType" ? type.value.value.shape?.dim.map(({ value }) => value) : undefined;
    if (sizes?.every((size) => size.case === "dimValue")) {
      shapes.set(
        name,
        sizes.map(({ value }) => Number(value)),
      );
    }
  }
  return shapes;
};

/** Tries which block size gives a plain convolution's numbers on this processor; undefined: none. */
const findBlockSize = async (): Promise<number | undefined> => {
  const [x, w] = [input("x", [1, 32, 3, 3]), input("w", [32, 32, 3, 3])];
  const model = toOnnx({ inputs: [x, w], outputs: { y: conv2d(x, w, { padding: 1 }) } });
  const values = (shape: readonly number[], scale: number) =>
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(scale * i));
  const feeds = {
    x: new OrtTensor("float32", values([1, 32, 3, 3], 1.3), [1, 32, 3, 3]),
    w: new OrtTensor("float32", values([32, 32, 3, 3], 0.7), [32, 32, 3, 3]),
  };
  const run = async (bytes: Uint8Array): Promise<Float32Array> => {
    const session = await InferenceSession.create(bytes, {
      executionProviders: ["cpu"],
      intraOpNumThreads: 1,
      logSeverityLevel: 4,
    });
    const { y } = await session.run(feeds);
    await session.release();
    return y.data as Float32Array;
  };
  const expected = await run(model);
  for (const size of [16, 8]) {
    const found = await run(lowered(model, size, 1)).catch((error: Error) => {
      if (/alloc|memory/i.test(error.message)) throw error;
      return undefined; // a processor or build without this layout
    });
    if (found?.every((value, i) => Math.abs(value - expected[i]) < 1e-3)) return size;
  }
  return undefined;
};
