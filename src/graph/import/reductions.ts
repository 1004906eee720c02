import { abs, add, exp, log, mul, sqrt, square, sub } from "../elementwise.ts";
import { reshape } from "../layout.ts";
import { matmul } from "../linear.ts";
import { argMax, max, mean, min, sum } from "../reduction.ts";
import { GraphError, resolveAxis, scalar, type Tensor } from "../tensor.ts";
import { folding, knownData, reshaped } from "./folding.ts";
import type { Importer, Node, OperatorTable } from "./node.ts";

type Reduce = typeof sum;

/** A reduction, whose axes are an attribute or an input, or all; `combine` is for whole numbers that are known. */
const reduction =
  (build: Reduce, combine?: (a: number, b: number) => number): Importer =>
  (node) => {
    const x = node.input(0);
    const listed = node.list("axes", 1) ?? [];
    if (listed.length === 0 && node.int("noop_with_empty_axes", 0) === 1) return x;
    const axes = listed.length === 0 ? x.shape.map((_, axis) => axis) : listed.map((axis) => resolveAxis("Reduce", x, axis));
    const keepAxes = node.int("keepdims", 1) === 1;
    const known = x.type === "int64" && axes.length === x.rank ? knownData(x) : undefined;
    if (known === undefined || combine === undefined) return build(x, axes, { keepAxes });
    const values = Array.from(known as BigInt64Array, (value) => scalar(Number(value), "int64"));
    return reshaped(
      values.reduce((a, b) => folding(sub, combine)(a, b)),
      keepAxes ? axes.map(() => 1) : [],
    );
  };

const products: Reduce = () => {
  throw new GraphError("products of values that are computed from the model's inputs cannot be imported.");
};

/** ln(sum(e^x)), with the largest x taken out so that nothing overflows. */
const logSumExp: Reduce = (x, axes, options) =>
  add(log(sum(exp(sub(x, max(x, axes, { keepAxes: true }))), axes, options)), max(x, axes, options));

const largestPosition = (node: Node): Tensor => {
  node.refuseIf(node.int("select_last_index", 0) === 1, "the last of equal positions");
  return argMax(node.input(0), node.int("axis", 0), { keepAxes: node.int("keepdims", 1) === 1 });
};

/** Matrix product, where a line is taken for a matrix of one row on the left, or of one column on the right. */
const matrixProduct = (node: Node): Tensor => {
  const [a, b] = [node.input(0), node.input(1)];
  const left = a.rank === 1 ? reshaped(a, [1, a.shape[0]]) : a;
  const right = b.rank === 1 ? reshaped(b, [b.shape[0], 1]) : b;
  const y = matmul(left, right);
  const rows = a.rank === 1 ? [] : y.shape.slice(-2, -1);
  return reshape(y, [...y.shape.slice(0, -2), ...rows, ...(b.rank === 1 ? [] : y.shape.slice(-1))]);
};

const scaled = (x: Tensor, factor: number): Tensor => (factor === 1 ? x : mul(x, factor));

/** alpha A B + beta C. */
const gemm = (node: Node): Tensor => {
  const transposes = { transposeA: node.int("transA", 0) === 1, transposeB: node.int("transB", 0) === 1 };
  const y = scaled(matmul(node.input(0), node.input(1), transposes), node.float("alpha", 1));
  const bias = node.inputs[2];
  return bias === undefined ? y : add(y, scaled(bias, node.float("beta", 1)));
};

const fusedMatrixProduct = (node: Node): Tensor => {
  node.refuseIf(node.int("transBatchA", 0) === 1 || node.int("transBatchB", 0) === 1, "an exchange of batch axes");
  return gemm(node);
};

/** Operators that combine values along axes: reductions and matrix products. */
export const REDUCTIONS: OperatorTable = {
  ReduceSum: reduction(sum, (a, b) => a + b),
  ReduceMean: reduction(mean),
  ReduceMax: reduction(max, (a, b) => (a > b ? a : b)),
  ReduceMin: reduction(min, (a, b) => (a < b ? a : b)),
  ReduceProd: reduction(products, (a, b) => a * b),
  ReduceL1: reduction((x, axes, options) => sum(abs(x), axes, options)),
  ReduceL2: reduction((x, axes, options) => sqrt(sum(square(x), axes, options))),
  ReduceSumSquare: reduction((x, axes, options) => sum(square(x), axes, options)),
  ReduceLogSumExp: reduction(logSumExp),
  ArgMax: largestPosition,

  MatMul: matrixProduct,
  Gemm: gemm,
  "com.microsoft:FusedMatMul": fusedMatrixProduct,
};
