import { expect, test } from "vitest";
import { openLocalRuntime } from "../../runtime/index.ts";
import {
  constant,
  conv2d,
  filled,
  gradients,
  input,
  padAll,
  program,
  relu,
  slice,
  sum,
  type Tensor,
  transpose,
} from "../index.ts";
import { averagePool2d } from "../pooling.ts";
import { offsetOf } from "./offsets.ts";

const SIZE = 64;
const image = () => input("image", [1, 1, SIZE, SIZE]);
const ones = (x: Tensor, size: number, options: Parameters<typeof conv2d>[2]) =>
  conv2d(x, filled([1, 1, size, size], 1), options);

/** The middle of the pixels that the position in row 4 and column 4 depends on, by the gradient of a linear network of equal weights. */
const centreSeen = async (network: (x: Tensor) => Tensor): Promise<[number, number]> => {
  const x = image();
  const map = network(x);
  const one = sum(slice(slice(map, 2, 4, 5), 3, 4, 5));
  const runtime = openLocalRuntime({ threads: 1 });
  const loaded = await runtime.load(program({ feeds: [x], results: { slope: gradients(one, [x])[0] } }));
  const { slope } = await loaded.run({ image: { data: new Float32Array(SIZE * SIZE).fill(1), shape: [1, 1, SIZE, SIZE] } });
  await runtime.close();
  let [rows, columns, total] = [0, 0, 0];
  for (const [pixel, weight] of (slope.data as Float32Array).entries()) {
    rows += weight * Math.floor(pixel / SIZE);
    columns += weight * (pixel % SIZE);
    total += weight;
  }
  return [rows / total, columns / total];
};

const networks: Record<string, (x: Tensor) => Tensor> = {
  "padded alike on both sides, as in PyTorch": (x) =>
    relu(ones(averagePool2d(ones(x, 7, { stride: 2, padding: 3 }), 3, { stride: 2, padding: 1 }), 3, { stride: 2, padding: 1 })),
  "padded at the end, as in TensorFlow": (x) =>
    ones(ones(x, 3, { stride: 2, padding: [0, 0, 1, 1] }), 3, { stride: 2, padding: [0, 0, 1, 1] }),
  "padded by an operator of its own": (x) =>
    ones(
      padAll(x, [
        [0, 0],
        [0, 0],
        [2, 0],
        [0, 1],
      ]),
      3,
      { stride: 2 },
    ),
  "dilated, with a sum of two branches": (x) => {
    const half = ones(x, 5, { stride: 2, padding: 2 });
    return relu(ones(half, 3, { padding: 2, dilation: 2 }));
  },
  "without padding": (x) => ones(ones(x, 3, { stride: 2 }), 3, {}),
};

test.each(Object.entries(networks))("%s", async (_, network) => {
  const x = image();
  const map = network(x);
  const stride = 2 ** Math.round(Math.log2(SIZE / (map.shape[2] as number)));
  const square = 4 * stride + (stride - 1) / 2;
  const [row, column] = await centreSeen(network);
  const [down, right] = offsetOf(x, map);
  expect(down).toBeCloseTo(row - square, 3);
  expect(right).toBeCloseTo(column - square, 3);
});

test("turned axes change nothing, and what the image does not reach counts for nothing", () => {
  const x = input("image", [1, SIZE, SIZE, 1]);
  const turned = transpose(x, [0, 3, 1, 2]);
  const map = conv2d(turned, constant(new Float32Array(9), [1, 1, 3, 3]), { stride: 2, padding: [0, 0, 1, 1] });
  expect(offsetOf(x, map)).toEqual([0.5, 0.5]);
});
