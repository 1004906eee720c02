import { sumToShape } from "./reduction.ts";
import { apply, broadcastShapes, type DataType, GraphError, requireType, scalar, type Tensor } from "./tensor.ts";

/** A tensor, or a number used everywhere, in the element type of the tensor beside it. */
export type Operand = Tensor | number;

/** Two operands as tensors of one element type. @throws GraphError when the types differ. */
const asTensors = (operator: string, left: Operand, right: Operand): readonly [Tensor, Tensor] => {
  const typeBeside = (other: Operand): DataType => (typeof other === "number" ? "float32" : other.type);
  const a = typeof left === "number" ? scalar(left, typeBeside(right)) : left;
  const b = typeof right === "number" ? scalar(right, a.type) : right;
  if (a.type !== b.type) throw new GraphError(`${operator}: cannot combine ${a.type} with ${b.type}; cast one of them first.`);
  return [a, b];
};

/** An elementwise operator of two tensors, float32 or int64; the rule gives both gradients at the broadcast shape. */
const binary =
  (operator: string, rule: (gradient: Tensor, a: Tensor, b: Tensor, y: Tensor) => readonly [Tensor, Tensor]) =>
  (left: Operand, right: Operand): Tensor => {
    const [a, b] = asTensors(operator, left, right);
    requireType(operator, a, "float32", "int64");
    const y: Tensor = apply(operator, [a, b], {
      shape: broadcastShapes(operator, a.shape, b.shape),
      type: a.type,
      gradient: (dy) => {
        const [da, db] = rule(dy, a, b, y);
        return [sumToShape(da, a.shape), sumToShape(db, b.shape)];
      },
    });
    return y;
  };

/** An elementwise function of one tensor: float32, or one of the other types named. */
const unary =
  (operator: string, rule: (gradient: Tensor, x: Tensor, y: Tensor) => Tensor, ...otherTypes: readonly DataType[]) =>
  (x: Tensor): Tensor => {
    requireType(operator, x, "float32", ...otherTypes);
    const y: Tensor = apply(operator, [x], { shape: x.shape, type: x.type, gradient: (dy) => [rule(dy, x, y)] });
    return y;
  };

/** a + b. */
export const add = binary("Add", (dy) => [dy, dy]);
/** a - b. */
export const sub = binary("Sub", (dy) => [dy, neg(dy)]);
/** a b. da = dy b, db = dy a. */
export const mul = binary("Mul", (dy, a, b) => [mul(dy, b), mul(dy, a)]);
/** a / b; of int64 the whole part, towards 0. da = dy / b, db = -dy y / b. */
export const div = binary("Div", (dy, _, b, y) => [div(dy, b), neg(div(mul(dy, y), b))]);
/** The larger of a and b; where they are equal the gradient goes to a. */
export const maximum = binary("Max", (dy, a, b) => [where(less(a, b), 0, dy), where(less(a, b), dy, 0)]);
/** The smaller of a and b; where they are equal the gradient goes to a. */
export const minimum = binary("Min", (dy, a, b) => [where(greater(a, b), 0, dy), where(greater(a, b), dy, 0)]);

/** -x. */
export const neg = unary("Neg", (dy) => neg(dy), "int64");
/** e^x. dx = dy y. */
export const exp = unary("Exp", (dy, _, y) => mul(dy, y));
/** Natural logarithm. dx = dy / x. */
export const log = unary("Log", (dy, x) => div(dy, x));
/** Square root. dx = dy / (2 y): add an epsilon to x before, never after, or the gradient at 0 is infinite. */
export const sqrt = unary("Sqrt", (dy, _, y) => div(mul(dy, 0.5), y));
/**
 * A step as a hard sigmoid, clip(slope x, 0, 1), so steep that nothing lies between: one pass, where a comparison and its cast
 * take two and a sign takes nine.
 */
const step =
  (slope: number) =>
  (x: Tensor): Tensor =>
    apply("HardSigmoid", [x], {
      shape: x.shape,
      attributes: { alpha: { float: slope }, beta: { float: 0 } },
      gradient: () => [undefined],
    });

/** 1 where x > 0 (of normal float32 numbers), else 0; for gradients. */
export const above0 = step(3e38);
/** 1 where x < 0 (of normal float32 numbers), else 0; for gradients. */
export const below0 = step(-3e38);

/** |x|. dx = dy sign(x), which is 0 at 0. */
export const abs = unary("Abs", (dy, x) => mul(dy, sub(above0(x), below0(x))), "int64");
/** -1, 0 or 1; its gradient is 0. */
export const sign = unary("Sign", (dy) => mul(dy, 0), "int64");
/** 1 / (1 + e^-x). dx = dy y (1 - y). */
export const sigmoid = unary("Sigmoid", (dy, _, y) => mul(dy, mul(y, sub(1, y))));
/** Hyperbolic tangent. dx = dy (1 - y^2). */
export const tanh = unary("Tanh", (dy, _, y) => mul(dy, sub(1, square(y))));
/** Inverse hyperbolic sine, ln(x + sqrt(x^2 + 1)): x near 0, a signed logarithm far out. dx = dy / sqrt(x^2 + 1). */
export const asinh = unary("Asinh", (dy, x) => div(dy, sqrt(add(square(x), 1))));
/** Error function, 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x. dx = dy 2 / sqrt(pi) e^(-x^2). */
export const erf = unary("Erf", (dy, x) => mul(dy, exp(sub(Math.log(2 / Math.sqrt(Math.PI)), square(x)))));
/** x^2. dx = 2 dy x. */
export const square = (x: Tensor): Tensor => mul(x, x);

/** x to a fixed power; a negative x needs a whole one. dx = dy exponent x^(exponent - 1). */
export const pow = (x: Tensor, exponent: number): Tensor => {
  requireType("Pow", x, "float32");
  if (exponent === 1) return x;
  return apply("Pow", [x, scalar(exponent)], {
    shape: x.shape,
    gradient: (dy) => [exponent === 0 ? mul(dy, 0) : mul(dy, mul(pow(x, exponent - 1), exponent))],
  });
};

/** x kept within [low, high]; no gradient flows where it was cut. */
export const clip = (x: Tensor, low: number, high: number): Tensor => minimum(maximum(x, low), high);

/** uint8 and uint16 as float32, which holds them exactly, where runtimes lack an operator for them. */
const asFloat = (operand: Operand): Operand =>
  typeof operand !== "number" && (operand.type === "uint8" || operand.type === "uint16") ? cast(operand, "float32") : operand;

/** A comparison of two tensors, as bool. */
const comparison =
  (operator: string, ...otherTypes: readonly DataType[]) =>
  (left: Operand, right: Operand): Tensor => {
    const [a, b] = asTensors(operator, asFloat(left), asFloat(right));
    requireType(operator, a, "float32", "int64", ...otherTypes);
    return apply(operator, [a, b], { shape: broadcastShapes(operator, a.shape, b.shape), type: "bool" });
  };

/** a > b, as bool. */
export const greater = comparison("Greater");
/** a >= b, as bool. */
export const greaterOrEqual = comparison("GreaterOrEqual");
/** a < b, as bool. */
export const less = comparison("Less");
/** a <= b, as bool. */
export const lessOrEqual = comparison("LessOrEqual");
/** a = b, as bool. */
export const equal = comparison("Equal", "bool");

const logical =
  (operator: string) =>
  (a: Tensor, b: Tensor): Tensor => {
    requireType(operator, a, "bool");
    requireType(operator, b, "bool");
    return apply(operator, [a, b], { shape: broadcastShapes(operator, a.shape, b.shape), type: "bool" });
  };

/** Where both hold. */
export const and = logical("And");
/** Where at least one holds. */
export const or = logical("Or");
/** Where x does not hold. */
export const not = (x: Tensor): Tensor => {
  requireType("Not", x, "bool");
  return apply("Not", [x], { shape: x.shape, type: "bool" });
};

/** a where the condition holds, else b; all three broadcast together. Of bool it is written in and, or: the operator lacks it. */
export const where = (condition: Tensor, left: Operand, right: Operand): Tensor => {
  requireType("Where", condition, "bool");
  const [a, b] = asTensors("Where", left, right);
  if (a.type === "bool") return or(and(condition, a), and(not(condition), b));
  if (a.type === "uint16") return cast(where(condition, asFloat(a), asFloat(b)), "uint16");
  const shape = broadcastShapes("Where", condition.shape, broadcastShapes("Where", a.shape, b.shape));
  return apply("Where", [condition, a, b], {
    shape,
    type: a.type,
    gradient: (dy) => [undefined, sumToShape(where(condition, dy, 0), a.shape), sumToShape(where(condition, 0, dy), b.shape)],
  });
};

/** The same values in another element type; to bool: x != 0. Gradients pass only between float32 and float32. */
export const cast = (x: Tensor, type: DataType): Tensor =>
  x.type === type ? x : apply("Cast", [x], { shape: x.shape, type, attributes: { to: ONNX_TYPE[type] } });

/** Numbers of the element types in ONNX's `TensorProto.DataType`. */
export const ONNX_TYPE: Readonly<Record<DataType, number>> = { float32: 1, uint8: 2, uint16: 4, int64: 7, bool: 9 };
