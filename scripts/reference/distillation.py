"""Writes src/systems/distillation/fixtures/student.json: training steps of the student in float64 PyTorch (student.py).

Features of a teacher, pixel weights and first values are random multiples of powers of two, so that a byte holds each. Stored
per step: the loss and its three terms, the gradient of every weight and their global norm, the running statistics after the
step (those of the batch: the exemplars leave none), and for the first image the features of `eval()` with these statistics
and the map of summed cosine distances. Run from the repository root:

    python3 scripts/reference/distillation.py      (PyTorch 1.13)
"""

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from recording import named, on_grid, packed, packed_grid, random_values, recorded_step
from student import Student, distance, distillation, normality, orthogonality
from torch import nn

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
SCALES = [(2, 16), (3, 8), (4, 4)]  # channels and size, strides 2, 4 and 8 of 32 pixels
SIZE, BATCH, EXEMPLARS = 32, 2, 3
COMMON = {"width": 4, "items": 5, "adaptiveItems": 4}
PLAIN = {**COMMON, "blocks": 1, "modules": ["recall", "adaptive"], "temperature": 1.0}
STRONG = {"normality": 0.5, "orthogonality": 0.3}  # so that no term hides behind another
CASES = [  # the student, its loss, whether pixels are weighed
    (PLAIN, {"form": "position", "normality": 0.1, "orthogonality": 0.1}, False),
    ({**PLAIN, "blocks": 2, "temperature": 0.5}, {**STRONG, "form": "flattened"}, True),
    ({**PLAIN, "modules": ["adaptive", "recall"]}, {**STRONG, "form": "position"}, True),
]


def split(joined):
    """Features of all scales, one after another in one vector per image."""
    parts = joined.split([channels * size**2 for channels, size in SCALES], 1)
    return [part.view(-1, channels, size, size) for part, (channels, size) in zip(parts, SCALES)]


class Joined(Student):
    def forward(self, joined):
        return torch.cat([feature.flatten(1) for feature in super().forward(split(joined))], 1)


def asked_without_trace(network, exemplars):
    """What the memory answers to exemplars; no running statistic follows them."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 0.0
    found = network.recollections(split(exemplars))
    for norm in norms:
        norm.momentum = 0.1
    return found


def differs(name, tensor, values):
    """Whether this student alone has a weight of such a shape."""
    return name in values and values[name].shape != tensor.shape


def step(student, loss, weighs, values, x, exemplars, pixels):
    network = Joined(SCALES, student)
    own = {name: on_grid(random_values(name, t, rng)) for name, t in sorted(network.state_dict().items()) if differs(name, t, values)}
    values = {**values, **own}
    terms = {}

    def loss_of(made):
        terms["distillation"] = distillation(split(x), split(made), loss["form"], pixels if weighs else None)
        terms["normality"] = normality(asked_without_trace(network, exemplars))
        terms["orthogonality"] = orthogonality(network.memories())
        return terms["distillation"] + sum(loss[name] * terms[name] for name in ("normality", "orthogonality"))

    recorded = recorded_step(network, values, x, loss_of)
    with torch.no_grad():
        pairs = zip(split(x[:1]), split(network.eval()(x[:1])))
        maps = [F.interpolate(distance(t, s)[:, None], (SIZE, SIZE), mode="bilinear") for t, s in pairs]
    return {
        "student": student,
        "loss weights": loss,
        "weighs pixels": weighs,
        "own values": named(own, packed_grid),
        "terms": {name: term.item() for name, term in terms.items()},
        "gradientNorm": torch.cat([p.grad.flatten() for p in network.parameters()]).norm().item(),
        "map": packed(sum(maps)),
        **recorded,
    }


rng = np.random.default_rng(31)
total = sum(channels * size**2 for channels, size in SCALES)
x, exemplars = (on_grid(torch.as_tensor(rng.normal(0.3, 1, (count, total)))) for count in (BATCH, EXEMPLARS))
pixels = on_grid(torch.as_tensor(rng.random((BATCH, 1, SIZE, SIZE))))
states = {}
for student, _, _ in CASES:
    states.update({name: t for name, t in Joined(SCALES, student).state_dict().items() if "num_batches" not in name})
values = {name: on_grid(random_values(name, t, rng)) for name, t in sorted(states.items())}
reference = {
    "scales": [{"channels": channels, "size": size, "stride": SIZE // size} for channels, size in SCALES],
    "size": SIZE,
    "x": packed_grid(x),
    "exemplars": packed_grid(exemplars),
    "pixels": packed_grid(pixels),
    "values": named(values, packed_grid),
    "steps": [step(*case, values, x, exemplars, pixels) for case in CASES],
}
path = Path("src/systems/distillation/fixtures/student.json")
path.parent.mkdir(exist_ok=True)
path.write_text(json.dumps(reference, separators=(",", ":")) + "\n")
print(f"{path}: {path.stat().st_size} bytes")
