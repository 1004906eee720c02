"""Writes src/nn/fixtures/losses.json: losses and their gradients by the logits in float64 PyTorch.

Cross-entropy by torch.nn.functional; focal and Dice loss, which PyTorch lacks, from their papers' formulas by probabilities.
Run from the repository root:

    python3 scripts/reference/losses.py      (PyTorch 1.13)
"""

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(9)


def values(*shape):
    """Normal values on a grid of 1/64: short to write, exact in float32."""
    return torch.as_tensor(np.round(64 * rng.normal(size=shape)) / 64)


def classes(count, *shape):
    return torch.as_tensor(rng.integers(0, count, shape))


def shares(classes, *shape):
    """Soft targets on a grid of 1/64 that sum to 1 along axis 1."""
    batch, *positions = shape
    parts = torch.as_tensor(rng.multinomial(64, np.ones(classes) / classes, size=(batch, *positions))) / 64
    return parts.movedim(-1, 1)


def packed(tensor):
    kind = "float32" if tensor.is_floating_point() else "int64"
    return {"shape": list(tensor.shape), "type": kind, "data": [float(f"{v:.9g}") for v in tensor.detach().flatten().tolist()]}


def case(name, loss, options, value, x, target, weights=None):
    x = x.clone().requires_grad_()
    result = value(x, target) if weights is None else value(x, target, weights)
    (gradient,) = torch.autograd.grad(result, x)
    print(f"{loss}, {name}: {result.item():.6g}")
    given = {"x": packed(x), "target": packed(target), **({} if weights is None else {"weights": packed(weights)})}
    return {"loss": loss, "name": name, "options": options, **given, "value": result.item(), "gradient": packed(gradient)}


def binary(x, target, weights=None):
    losses = F.binary_cross_entropy_with_logits(x, target, reduction="none")
    return losses.mean() if weights is None else (weights * losses).sum() / weights.sum()


def binary_focal(gamma, alpha):
    def value(x, target):
        p = x.sigmoid()
        p_true = p * target + (1 - p) * (1 - target)
        weight = 1 if alpha is None else alpha * target + (1 - alpha) * (1 - target)
        return (weight * (1 - p_true) ** gamma * F.binary_cross_entropy_with_logits(x, target, reduction="none")).mean()

    return value


def focal(gamma, alpha=None):
    def value(x, target):
        weight = 1 if alpha is None else torch.tensor(alpha)[target]
        p_true = x.softmax(1).gather(1, target.unsqueeze(1)).squeeze(1)
        return (weight * (1 - p_true) ** gamma * F.cross_entropy(x, target, reduction="none")).mean()

    return value


def dice(smooth, count):
    """By probabilities x, not logits."""

    def value(x, target):
        t = F.one_hot(target, count).movedim(-1, 1).double()
        others = [axis for axis in range(x.ndim) if axis != 1]
        overlap, sizes = (x * t).sum(others), x.sum(others) + t.sum(others)
        return (1 - (2 * overlap + smooth) / (sizes + smooth)).mean()

    return value


def cross_entropy(**options):
    return lambda x, target: F.cross_entropy(x, target, **options)


weights = [0.5, 2.0, 1.0, 0.25]
some_ignored = classes(4, 2, 3, 5)
some_ignored[0, :2, 1] = 2
signs = torch.tensor([[1.0, -1, 1, -1], [-1, 1, 1, -1]])
yes = (rng.random((3, 5)) < 0.4).astype(float)
yes = torch.as_tensor(yes)
absent = classes(3, 2, 4, 3)  # of four classes
cases = [
    case("class numbers", "crossEntropy", {}, cross_entropy(), values(3, 4), classes(4, 3)),
    case("an image of class numbers", "crossEntropy", {}, cross_entropy(), values(2, 4, 3, 5), classes(4, 2, 3, 5)),
    case(
        "class weights",
        "crossEntropy",
        {"weights": weights},
        cross_entropy(weight=torch.tensor(weights)),
        values(2, 4, 3, 5),
        classes(4, 2, 3, 5),
    ),
    case(
        "label smoothing",
        "crossEntropy",
        {"labelSmoothing": 0.1},
        cross_entropy(label_smoothing=0.1),
        values(3, 4),
        classes(4, 3),
    ),
    case("an ignored class", "crossEntropy", {"ignore": 2}, cross_entropy(ignore_index=2), values(2, 4, 3, 5), some_ignored),
    case(
        "weights, smoothing and an ignored class",
        "crossEntropy",
        {"weights": weights, "labelSmoothing": 0.2, "ignore": 2},
        cross_entropy(weight=torch.tensor(weights), label_smoothing=0.2, ignore_index=2),
        values(2, 4, 3, 5),
        some_ignored,
    ),
    case("soft targets", "crossEntropy", {}, cross_entropy(), values(2, 4, 3), shares(4, 2, 3)),
    case(
        "soft targets, smoothing",
        "crossEntropy",
        {"labelSmoothing": 0.1},
        cross_entropy(label_smoothing=0.1),
        values(2, 4, 3),
        shares(4, 2, 3),
    ),
    case(
        "classes last",
        "crossEntropy",
        {"classAxis": -1},
        lambda x, target: F.cross_entropy(x.movedim(-1, 1), target),
        values(2, 3, 5, 4),
        classes(4, 2, 3, 5),
    ),
    case("saturated", "crossEntropy", {}, cross_entropy(), 100 * signs, torch.tensor([0, 3])),
    case("hard targets", "binaryCrossEntropy", {}, binary, values(3, 5), yes),
    case("soft targets", "binaryCrossEntropy", {}, binary, values(2, 3, 4), shares(3, 2, 4)),
    case("weights", "binaryCrossEntropy", {}, binary, values(3, 5), yes, values(3, 5).abs()),
    case("saturated", "binaryCrossEntropy", {}, binary, 100 * signs, torch.tensor([[1.0, 1, 0, 0], [1, 1, 0, 0]])),
    case("gamma 2, alpha 0.25", "focalLoss", {"alpha": 0.25}, binary_focal(2, 0.25), values(3, 5), yes),
    case("gamma 0.5", "focalLoss", {"gamma": 0.5}, binary_focal(0.5, None), values(3, 5), yes),
    case("classes, gamma 2", "focalLoss", {"classAxis": 1}, focal(2), values(2, 4, 3, 5), classes(4, 2, 3, 5)),
    case(
        "classes, gamma 1.5, alpha for each",
        "focalLoss",
        {"classAxis": 1, "gamma": 1.5, "alpha": weights},
        focal(1.5, weights),
        values(2, 4, 3),
        classes(4, 2, 3),
    ),
    case("three classes", "diceLoss", {}, dice(1, 3), values(2, 3, 4, 3).softmax(1), classes(3, 2, 4, 3)),
    case("an absent class, little smoothing", "diceLoss", {"smooth": 0.01}, dice(0.01, 4), values(2, 4, 4, 3).softmax(1), absent),
]
target = Path("src/nn/fixtures/losses.json")
target.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
print(f"{target}: {target.stat().st_size} bytes")
