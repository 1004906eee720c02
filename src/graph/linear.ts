import { sumToShape } from "./reduction.ts";
import { apply, broadcastShapes, formatShape, GraphError, requireType, type Tensor } from "./tensor.ts";

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

const matrixSizes = (x: Tensor, transposed: boolean) => {
  if (x.rank < 2) throw new GraphError(`MatMul: needs matrices, but got the shape ${formatShape(x.shape)}.`);
  const [rows, columns] = x.shape.slice(-2);
  return transposed ? [columns, rows] : [rows, columns];
};
