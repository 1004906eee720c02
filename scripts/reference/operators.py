"""Writes src/graph/fixtures/operators.json: results and gradients of single operators in float64 PyTorch.

Each operator gets x and the gradient dy of its result y; stored are y and the gradient dx.
Run from the repository root:

    python3 scripts/reference/operators.py      (numpy 1.24, PyTorch 1.13)
"""

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(17)


def values(*shape):
    """Normal values on a grid of 1/8: short to write, exact in float32."""
    return torch.as_tensor(np.round(8 * rng.normal(size=shape)) / 8)


def levels(*shape):
    """Whole numbers 0 .. 2, most of which are equal to a neighbour."""
    return torch.as_tensor(rng.integers(0, 3, size=shape).astype(float))


def constant(*shape):
    return torch.full(shape, 0.75)


far = torch.tensor([[-100.0, -20.0, -5.0, -0.125], [0.0, 0.125, 20.0, 100.0], [100.0, 100.0, -100.0, 99.0]])


def packed(tensor):
    numbers = [float(f"{v:.7g}") for v in tensor.detach().numpy().ravel()]
    return {"shape": list(tensor.shape), "data": [int(v) if v == int(v) else v for v in numbers]}


def case(operator, settings, function, x):
    """What `function`, PyTorch's form of our operator with these settings, makes of x."""
    x = x.clone().requires_grad_()
    y = function(x)
    dy = torch.as_tensor(rng.integers(-4, 5, size=tuple(y.shape)).astype(float))
    (dx,) = torch.autograd.grad((y * dy).sum(), x)
    tensors = {"x": x, "y": y, "dy": dy, "dx": dx}
    return {"operator": operator, "settings": settings, **{name: packed(tensor) for name, tensor in tensors.items()}}


def activations():
    for operator, settings, function in (
        ("relu", [], F.relu),
        ("leakyRelu", [0.2], lambda x: F.leaky_relu(x, 0.2)),
        ("leakyRelu", [-1.5], lambda x: F.leaky_relu(x, -1.5)),
        ("softplus", [], F.softplus),
        ("gelu", [], F.gelu),
        ("silu", [], F.silu),
    ):
        for x in (values(3, 5), far):
            yield case(operator, settings, function, x)
    for operator, function in {"softmax": F.softmax, "logSoftmax": F.log_softmax}.items():
        for axis, x in ((-1, values(2, 3, 4)), (-1, far), (0, far), (1, values(2, 3, 2, 2)), (1, constant(1, 4, 2))):
            yield case(operator, [axis], lambda x: function(x, axis), x)


def elementwise():
    yield case("erf", [], torch.erf, values(3, 5))
    for exponent in (-1, 0, 1, 2, 3):
        yield case("pow", [exponent], lambda x: x**exponent, torch.tensor([-2.0, -0.5, 0.25, 1.0, 3.0]))
    yield case("pow", [0.5], lambda x: x**0.5, torch.tensor([0.25, 1.0, 2.0, 9.0]))
    for exponent in (0, 1, 2, 3):
        yield case("pow", [exponent], lambda x: x**exponent, torch.zeros(2))


def layout_and_indexing():
    yield case("split", [], lambda x: torch.mul(*x.split([1, 3, 2], 1)[::2]), values(2, 6, 2))
    for shift, axis in ((1, 0), (-2, 1), (7, 2), (3, -1)):
        yield case("roll", [shift, axis], lambda x: x.roll(shift, axis), values(2, 3, 4))
    order = torch.tensor([2, 0, 3, 1])
    repeated = torch.tensor([[3, 0, 3], [1, 3, 0]])
    for axis, shape in ((0, (4, 2, 3)), (1, (2, 4, 3)), (2, (2, 3, 4))):
        yield case("gather in another order", [axis], lambda x: x.index_select(axis, order), values(*shape))
        places = (slice(None),) * axis + (repeated,)
        yield case("gather repeatedly", [axis], lambda x: x[places], values(*shape))
    yield case("gather one", [], lambda x: x[:, -2], values(2, 4, 3))


def reductions():
    for operator, function in {"max": torch.amax, "min": torch.amin}.items():
        for x in (values(2, 3, 4), levels(2, 3, 4), constant(2, 3, 4)):
            yield case(operator, [1], lambda x: function(x, 1), x)
            yield case(operator, [0, 2], lambda x: function(x, (0, 2), keepdim=True), x)


def pooling():
    windows = (([2], (1, 2, 4, 6)), ([2], (1, 2, 5, 7)), ([3, 2, 1], (1, 2, 6, 5)), ([3, 1, 1], (1, 2, 4, 3)), ([2, 3, 0], (1, 1, 8, 6)))
    for settings, shape in windows:
        for x in (values(*shape), levels(*shape), constant(*shape)):
            yield case("maxPool2d", settings, lambda x: F.max_pool2d(x, *settings), x)
    for settings, shape in (*windows, ([4, 4, 2], (1, 1, 8, 4))):
        yield case("averagePool2d", settings, lambda x: F.avg_pool2d(x, *settings), values(*shape))
    for settings, shape in (([3, 2, 1], (1, 2, 6, 5)), ([3, 1, 1], (1, 1, 4, 3))):
        average = lambda x: F.avg_pool2d(x, *settings, count_include_pad=False)
        yield case("averagePool2d of what is inside", settings, average, values(*shape))
    for size, shape in (([2, 3], (1, 2, 4, 6)), ([3, 4], (1, 1, 7, 5)), ([5, 1], (1, 1, 3, 4)), ([1, 1], (2, 2, 3, 4))):
        yield case("adaptiveAveragePool2d", size, lambda x: F.adaptive_avg_pool2d(x, size), values(*shape))
        for x in (values(*shape), levels(*shape), constant(*shape)):
            yield case("adaptiveMaxPool2d", size, lambda x: F.adaptive_max_pool2d(x, size), x)


def resizing():
    for mode in ("nearest", "bilinear", "antialiased"):
        options = {} if mode == "nearest" else {"mode": "bilinear", "align_corners": False, "antialias": mode == "antialiased"}
        for source, size in (((3, 2), [6, 6]), ((4, 5), [7, 3]), ((7, 6), [2, 5]), ((5, 1), [5, 3]), ((1, 5), [1, 2])):
            yield case(f"resize2d {mode}", size, lambda x: F.interpolate(x, size=size, **options), values(1, 1, *source))


groups = (activations, elementwise, layout_and_indexing, reductions, pooling, resizing)
cases = [each for group in groups for each in group()]
target = Path("src/graph/fixtures/operators.json")
target.parent.mkdir(exist_ok=True)
target.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
print(f"{target}: {target.stat().st_size} bytes, {len(cases)} cases")
