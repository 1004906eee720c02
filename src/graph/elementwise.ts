import { sumToShape } from "./reduction.ts";
import { apply, broadcastShapes, type DataType, GraphError, requireType, scalar, type Tensor } from "./tensor.ts";

/** A float32 tensor, or a number used everywhere. */
export type Operand = Tensor | number;

const asTensor = (operand: Operand): Tensor => (typeof operand === "number" ? scalar(operand) : operand);

const requireSameType = (operator: string, a: Tensor, b: Tensor): DataType => {
  if (a.type !== b.type) throw new GraphError(`${operator}: cannot combine ${a.type} with ${b.type}; cast one of them first.`);
  return a.type;
};

/** An elementwise operator of two tensors; the rule gives both gradients at the broadcast shape. */
const binary =
  (operator: string, rule: (gradient: Tensor, a: Tensor, b: Tensor, y: Tensor) => readonly [Tensor, Tensor]) =>
  (left: Operand, right: Operand): Tensor => {
    const [a, b] = [asTensor(left), asTensor(right)];
    const y: Tensor = apply(operator, [a, b], {
      shape: broadcastShapes(operator, a.shape, b.shape),
      type: requireSameType(operator, a, b),
      gradient: (dy) => {
        const [da, db] = rule(dy, a, b, y);
        return [sumToShape(da, a.shape), sumToShape(db, b.shape)];
      },
    });
    return y;
  };

/** An elementwise function of one float32 tensor. */
const unary =
  (operator: string, rule: (gradient: Tensor, x: Tensor, y: Tensor) => Tensor) =>
  (x: Tensor): Tensor => {
    requireType(operator, x, "float32");
    const y: Tensor = apply(operator, [x], { shape: x.shape, gradient: (dy) => [rule(dy, x, y)] });
    return y;
  };

/** a + b. */
export const add = binary("Add", (dy) => [dy, dy]);
/** a - b. */
export const sub = binary("Sub", (dy) => [dy, neg(dy)]);
/** a b. da = dy b, db = dy a. */
export const mul = binary("Mul", (dy, a, b) => [mul(dy, b), mul(dy, a)]);
/** a / b. da = dy / b, db = -dy y / b. */
export const div = binary("Div", (dy, _, b, y) => [div(dy, b), neg(div(mul(dy, y), b))]);
/** The larger of a and b; where they are equal the gradient goes to a. */
export const maximum = binary("Max", (dy, a, b) => [where(less(a, b), 0, dy), where(less(a, b), dy, 0)]);
/** The smaller of a and b; where they are equal the gradient goes to a. */
export const minimum = binary("Min", (dy, a, b) => [where(greater(a, b), 0, dy), where(greater(a, b), dy, 0)]);

/** -x. */
export const neg = unary("Neg", (dy) => neg(dy));
/** e^x. dx = dy y. */
export const exp = unary("Exp", (dy, _, y) => mul(dy, y));
/** Natural logarithm. dx = dy / x. */
export const log = unary("Log", (dy, x) => div(dy, x));
/** Square root. dx = dy / (2 y): add an epsilon to x before, never after, or the gradient at 0 is infinite. */
export const sqrt = unary("Sqrt", (dy, _, y) => div(mul(dy, 0.5), y));
/** |x|. dx = dy sign(x), which is 0 at 0. */
export const abs = unary("Abs", (dy, x) => mul(dy, sign(x)));
/** -1, 0 or 1; its gradient is 0. */
export const sign = unary("Sign", (dy) => mul(dy, 0));
/** 1 / (1 + e^-x). dx = dy y (1 - y). */
export const sigmoid = unary("Sigmoid", (dy, _, y) => mul(dy, mul(y, sub(1, y))));
/** Hyperbolic tangent. dx = dy (1 - y^2). */
export const tanh = unary("Tanh", (dy, _, y) => mul(dy, sub(1, square(y))));
/** Inverse hyperbolic sine, ln(x + sqrt(x^2 + 1)): x near 0, a signed logarithm far out. dx = dy / sqrt(x^2 + 1). */
export const asinh = unary("Asinh", (dy, x) => div(dy, sqrt(add(square(x), 1))));
/** max(x, 0). The gradient at 0 is 0. */
export const relu = unary("Relu", (dy, _, y) => mul(dy, cast(greater(y, 0), "float32")));
/** x^2. dx = 2 dy x. */
export const square = (x: Tensor): Tensor => mul(x, x);

/** x where x > 0, else slope x (Maas et al. 2013). */
export const leakyRelu = (x: Tensor, slope = 0.01): Tensor => {
  requireType("LeakyRelu", x, "float32");
  return apply("LeakyRelu", [x], {
    shape: x.shape,
    attributes: { alpha: { float: slope } },
    gradient: (dy) => [where(greater(x, 0), dy, mul(dy, slope))],
  });
};

/** x kept within [low, high]; no gradient flows where it was cut. */
export const clip = (x: Tensor, low: number, high: number): Tensor => minimum(maximum(x, low), high);

const comparison =
  (operator: string) =>
  (left: Operand, right: Operand): Tensor => {
    const [a, b] = [asTensor(left), asTensor(right)];
    requireSameType(operator, a, b);
    return apply(operator, [a, b], { shape: broadcastShapes(operator, a.shape, b.shape), type: "bool" });
  };

/** a > b, as bool. */
export const greater = comparison("Greater");
/** a >= b, as bool. */
export const greaterOrEqual = comparison("GreaterOrEqual");
/** a < b, as bool. */
export const less = comparison("Less");

/** a where the condition holds, else b; all three broadcast together. */
export const where = (condition: Tensor, left: Operand, right: Operand): Tensor => {
  requireType("Where", condition, "bool");
  const [a, b] = [asTensor(left), asTensor(right)];
  const type = requireSameType("Where", a, b);
  const shape = broadcastShapes("Where", condition.shape, broadcastShapes("Where", a.shape, b.shape));
  return apply("Where", [condition, a, b], {
    shape,
    type,
    gradient: (dy) => [undefined, sumToShape(where(condition, dy, 0), a.shape), sumToShape(where(condition, 0, dy), b.shape)],
  });
};

/** The same values in another element type; to bool: x != 0. Gradients pass only between float32 and float32. */
export const cast = (x: Tensor, type: DataType): Tensor =>
  x.type === type ? x : apply("Cast", [x], { shape: x.shape, type, attributes: { to: ONNX_TYPE[type] } });

/** Numbers of the element types in ONNX's `TensorProto.DataType`. */
export const ONNX_TYPE: Readonly<Record<DataType, number>> = { float32: 1, uint8: 2, int64: 7, bool: 9 };
