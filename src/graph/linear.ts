import { add } from "./elementwise.ts";
import { reshape } from "./layout.ts";
import { sum, sumToShape } from "./reduction.ts";
import {
  apply,
  broadcastShapes,
  type Dimension,
  formatShape,
  GraphError,
  requireType,
  type Shape,
  type Tensor,
} from "./tensor.ts";

export interface MatmulOptions {
  /** Use a with its last two axes exchanged. */
  readonly transposeA?: boolean;
  /** Use b with its last two axes exchanged. */
  readonly transposeB?: boolean;
}

/**
 * Matrix product of the last two axes, y = A B; leading axes broadcast. dA = dy B^T, dB = A^T dy.
 * Transposition is an option of the product because some providers do it without a copy.
 * @throws GraphError when the inner sizes differ.
 */
export const matmul = (a: Tensor, b: Tensor, { transposeA = false, transposeB = false }: MatmulOptions = {}): Tensor => {
  requireType("MatMul", a, "float32");
  requireType("MatMul", b, "float32");
  const [rows, inner] = matrixSizes(a, transposeA);
  const [innerB, columns] = matrixSizes(b, transposeB);
  if (inner !== innerB) {
    const mark = (transposed: boolean) => (transposed ? " transposed" : "");
    throw new GraphError(
      `MatMul: ${formatShape(a.shape)}${mark(transposeA)} and ${formatShape(b.shape)}${mark(transposeB)} differ in the inner size.`,
    );
  }
  if (b.rank === 2 && a.rank > 2 && !transposeA && joinable(a.shape, columns)) {
    // One product of all rows: faster than one for each leading index, and its gradient by b needs no sum over them.
    return reshape(matmul(joinRows(a), b, { transposeB }), [...a.shape.slice(0, -1), columns]);
  }
  const leading = broadcastShapes("MatMul", a.shape.slice(0, -2), b.shape.slice(0, -2));
  return apply("MatMul", [a, b], {
    shape: [...leading, rows, columns],
    attributes: { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 },
    gradient: (dy) => [
      sumToShape(
        transposeA ? matmul(b, dy, { transposeA: transposeB, transposeB: true }) : matmul(dy, b, { transposeB: !transposeB }),
        a.shape,
      ),
      sumToShape(
        transposeB ? matmul(dy, a, { transposeA: true, transposeB: transposeA }) : matmul(a, dy, { transposeA: !transposeA }),
        b.shape,
      ),
    ],
  });
};

/**
 * y = x W^T + b, row by row of the last axis. x: [..., inputs], w: [outputs, inputs], bias: [outputs] -> [..., outputs].
 * dx = dy W, dW = dy^T x, db = sum of dy. @throws GraphError when the sizes differ.
 */
export const affine = (x: Tensor, w: Tensor, bias: Tensor): Tensor => {
  const outputs = w.shape[0];
  if (x.rank < 2 || !joinable(x.shape, outputs)) return add(matmul(x, w, { transposeB: true }), bias);
  for (const operand of [x, w, bias]) requireType("Gemm", operand, "float32");
  if (w.rank !== 2 || x.shape[x.rank - 1] !== w.shape[1] || bias.rank !== 1 || bias.shape[0] !== outputs) {
    throw new GraphError(
      `Gemm: ${formatShape(x.shape)}, the weight ${formatShape(w.shape)} and the bias ${formatShape(bias.shape)} do not fit together.`,
    );
  }
  const rows = joinRows(x);
  const y = apply("Gemm", [rows, w, bias], {
    shape: [rows.shape[0], outputs],
    attributes: { transB: 1 },
    gradient: (dy) => [matmul(dy, w), matmul(dy, rows, { transposeA: true }), sum(dy, [0])],
  });
  return reshape(y, [...x.shape.slice(0, -1), outputs]);
};

/** Whether reshape can make all axes but the last one, and undo it with another last one: at most one size may be open. */
const joinable = (shape: Shape, columns: Dimension): boolean =>
  [...shape, columns].filter((size) => typeof size === "string").length <= 1;

/** [..., columns] -> [rows, columns]. */
const joinRows = (x: Tensor): Tensor => {
  const sizes = x.shape.slice(0, -1);
  const rows: Dimension = sizes.every((size) => typeof size === "number")
    ? sizes.reduce<number>((product, size) => product * (size as number), 1)
    : sizes.join(" x ");
  return reshape(x, [rows, x.shape[x.rank - 1]]);
};

const matrixSizes = (x: Tensor, transposed: boolean) => {
  if (x.rank < 2) throw new GraphError(`MatMul: needs matrices, but got the shape ${formatShape(x.shape)}.`);
  const [rows, columns] = x.shape.slice(-2);
  return transposed ? [columns, rows] : [rows, columns];
};
