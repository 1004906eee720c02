import { gelu, leakyRelu, logSoftmax, relu, softmax, softplus } from "../activations.ts";
import * as graph from "../elementwise.ts";
import { reshape } from "../layout.ts";
import { sumToShape } from "../reduction.ts";
import { apply, broadcastShapes, GraphError, requireType, resolveAxis, scalar, staticShape, type Tensor } from "../tensor.ts";
import { folding } from "./folding.ts";
import type { Importer, Node, OperatorTable } from "./node.ts";

const { add, div, exp, greater, minimum, mul, sub, tanh, where } = graph;

const unary =
  (build: (x: Tensor) => Tensor): Importer =>
  (node) =>
    build(node.input(0));

const binary =
  (build: (a: Tensor, b: Tensor) => Tensor): Importer =>
  (node) =>
    build(node.input(0), node.input(1));

/** An operator of any number of tensors, taken two at a time. */
const nary =
  (build: (a: Tensor, b: Tensor) => Tensor): Importer =>
  ({ operands }) =>
    operands.reduce((a, b) => build(a, b));

/** An operator that keeps its operand's shape and has no gradient. */
const withoutGradient =
  (operator: string) =>
  (x: Tensor): Tensor =>
    apply(operator, [x], { shape: x.shape });

const plus = folding(add, (a, b) => a + b);
const larger = folding(graph.maximum, (a, b) => (a > b ? a : b));
const smaller = folding(minimum, (a, b) => (a < b ? a : b));

const quotient = folding(div, (a, b) => {
  if (typeof b === "bigint" && b === 0n) throw new GraphError("a whole number is divided by 0.");
  return a / b;
});

/** What is left of whole numbers, with the divisor's sign, or with fmod the dividend's. */
const remainder = (node: Node): Tensor => {
  const refuse = (): Tensor => {
    throw new GraphError("remainders of values that are computed from the model's inputs cannot be imported.");
  };
  const likeDividend = node.int("fmod", 0) === 1;
  return folding(refuse, (a, b) => (likeDividend ? a % b : ((a % b) + b) % b))(node.input(0), node.input(1));
};

const roundedHalfToEven = (value: number): number =>
  value - Math.floor(value) === 0.5 ? 2 * Math.round(value / 2) : Math.round(value);

const power = (node: Node): Tensor => {
  const exponents = node.values(1) ?? [];
  node.refuseIf(exponents.length !== 1 || node.input(1).rank > node.input(0).rank, "an exponent that is not one number");
  return graph.pow(node.input(0), exponents[0]);
};

/** x kept within [low, high]; where x is at an end, the gradient still flows. */
const clipped = (x: Tensor, low: number, high: number): Tensor =>
  apply("Clip", [x, scalar(low), scalar(high)], {
    shape: x.shape,
    gradient: (dy) => [where(graph.and(graph.greaterOrEqual(x, low), graph.lessOrEqual(x, high)), dy, 0)],
  });

/** Bounds are attributes before opset 11 and inputs since; either may be left out. */
const clip = (node: Node): Tensor => {
  const [x, low, high] = [node.input(0), node.inputs[1], node.inputs[2]];
  if (x.type !== "float32") {
    const above = low === undefined ? x : larger(x, low);
    return high === undefined ? above : smaller(above, high);
  }
  const bound = (index: number, name: string, fallback: number) => node.values(index)?.[0] ?? node.float(name, fallback);
  return clipped(x, bound(1, "min", Number.NEGATIVE_INFINITY), bound(2, "max", Number.POSITIVE_INFINITY));
};

/** slope x + offset, kept within [0, 1]. */
const hardSigmoid = (x: Tensor, slope: number, offset: number): Tensor => {
  requireType("HardSigmoid", x, "float32");
  const y: Tensor = apply("HardSigmoid", [x], {
    shape: x.shape,
    attributes: { alpha: { float: slope }, beta: { float: offset } },
    gradient: (dy) => [where(graph.and(greater(y, 0), graph.less(y, 1)), mul(dy, slope), 0)],
  });
  return y;
};

/** x where x > 0, else alpha (e^x - 1), whose slope is y + alpha. */
const elu = (x: Tensor, alpha: number): Tensor => {
  requireType("Elu", x, "float32");
  const y: Tensor = apply("Elu", [x], {
    shape: x.shape,
    attributes: { alpha: { float: alpha } },
    gradient: (dy) => [where(greater(x, 0), dy, mul(dy, add(y, alpha)))],
  });
  return y;
};

/** x where x > 0, else slope x, with a slope for every channel or value. */
const slopedRelu = (x: Tensor, slope: Tensor): Tensor => {
  requireType("PRelu", x, "float32");
  return apply("PRelu", [x, slope], {
    shape: broadcastShapes("PRelu", x.shape, slope.shape),
    gradient: (dy) => [where(greater(x, 0), dy, mul(dy, slope)), sumToShape(where(greater(x, 0), 0, mul(dy, x)), slope.shape)],
  });
};

/** x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2. */
const geluByTanh = (x: Tensor): Tensor => {
  const inner = mul(add(x, mul(mul(mul(x, x), x), 0.044715)), Math.sqrt(2 / Math.PI));
  return mul(mul(x, 0.5), add(tanh(inner), 1));
};

/** Before opset 13 all axes from `axis` on, by default from the second, share one softmax; since then it is that axis alone. */
const shares =
  (build: (x: Tensor, axis: number) => Tensor): Importer =>
  (node) => {
    const x = node.input(0);
    if (node.opset >= 13) return build(x, node.int("axis", -1));
    const axis = resolveAxis("Softmax", x, node.int("axis", 1));
    if (axis === x.rank - 1) return build(x, axis);
    const sizes = staticShape("Softmax", x);
    const count = (lengths: readonly number[]) => lengths.reduce((product, length) => product * length, 1);
    return reshape(build(reshape(x, [count(sizes.slice(0, axis)), count(sizes.slice(axis))]), 1), sizes);
  };

/** Operators that work value by value, and softmax. */
export const ELEMENTWISE: OperatorTable = {
  Add: binary(plus),
  Sub: binary(folding(sub, (a, b) => a - b)),
  Mul: binary(folding(mul, (a, b) => a * b)),
  Div: binary(quotient),
  Mod: remainder,
  Pow: power,
  Max: nary(larger),
  Min: nary(smaller),
  Sum: nary(plus),
  Mean: (node) => div(nary(add)(node) as Tensor, node.operands.length),

  Equal: binary(folding(graph.equal, (a, b) => a === b, "bool")),
  Less: binary(folding(graph.less, (a, b) => a < b, "bool")),
  LessOrEqual: binary(folding(graph.lessOrEqual, (a, b) => a <= b, "bool")),
  Greater: binary(folding(greater, (a, b) => a > b, "bool")),
  GreaterOrEqual: binary(folding(graph.greaterOrEqual, (a, b) => a >= b, "bool")),
  And: binary(folding(graph.and, (a, b) => a && b, "bool")),
  Or: binary(folding(graph.or, (a, b) => a || b, "bool")),
  Not: unary(folding(graph.not, (a) => !a, "bool")),
  Where: (node) => folding(where, (condition, a, b) => (condition ? a : b))(node.input(0), node.input(1), node.input(2)),

  Abs: unary(folding(graph.abs, (x) => (x < 0 ? -x : x))),
  Neg: unary(folding(graph.neg, (x) => -x)),
  Sqrt: unary(folding(graph.sqrt, Math.sqrt)),
  Floor: unary(folding(withoutGradient("Floor"), Math.floor)),
  Ceil: unary(folding(withoutGradient("Ceil"), Math.ceil)),
  Round: unary(folding(withoutGradient("Round"), roundedHalfToEven)),
  Reciprocal: unary((x) => div(1, x)),
  Exp: unary(exp),
  Log: unary(graph.log),
  Sign: unary(graph.sign),
  Erf: unary(graph.erf),
  Asinh: unary(graph.asinh),
  Sin: unary(withoutGradient("Sin")),
  Cos: unary(withoutGradient("Cos")),

  Relu: unary(relu),
  LeakyRelu: (node) => leakyRelu(node.input(0), node.float("alpha", 0.01)),
  PRelu: binary(slopedRelu),
  Elu: (node) => elu(node.input(0), node.float("alpha", 1)),
  Selu: (node) => mul(elu(node.input(0), node.float("alpha", 1.6732632)), node.float("gamma", 1.050701)),
  Clip: clip,
  HardSigmoid: (node) => hardSigmoid(node.input(0), node.float("alpha", 0.2), node.float("beta", 0.5)),
  HardSwish: unary((x) => mul(x, hardSigmoid(x, 1 / 6, 0.5))),
  Sigmoid: unary(graph.sigmoid),
  Tanh: unary(tanh),
  Softplus: unary(softplus),
  Softsign: unary((x) => div(x, add(graph.abs(x), 1))),
  Mish: unary((x) => mul(x, tanh(softplus(x)))),
  Gelu: (node) => (node.text("approximate", "none") === "tanh" ? geluByTanh : gelu)(node.input(0)),
  Softmax: shares(softmax),
  LogSoftmax: shares(logSoftmax),
  "com.microsoft:Gelu": unary(gelu),
};
