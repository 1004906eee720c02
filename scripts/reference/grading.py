"""Writes src/systems/grading/network/fixtures/{parts,segmentation}.json: the segmentation network in float64 PyTorch (segmentation.py).

parts.json: index tables, and for each part of the network the sum of its output times given numbers, with the gradients by every
parameter and by its input, which counts as a parameter `x`. segmentation.json: a training step of a small network, whose token grids
divide by the windows in no stage. Run from the repository root:

    python3 scripts/reference/grading.py      (PyTorch 1.13)
"""

import json
from pathlib import Path

import numpy as np
import torch
from recording import named, on_grid, packed_grid, random_values, recorded_step
from segmentation import (
    Merge,
    Position,
    PyramidPooling,
    Segmentation,
    Swin,
    SwinBlock,
    UPerNet,
    WindowAttention,
    into_windows,
    out_of_windows,
    relative_index,
    segmentation_loss,
    shifted_mask,
)
from torch import nn

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
folder = Path("src/systems/grading/network/fixtures")
folder.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(41)


def normal(*shape):
    return on_grid(torch.as_tensor(rng.normal(size=shape)))


def values_of(network):
    state = {key: tensor for key, tensor in network.state_dict().items() if "num_batches" not in key}
    values = {key: random_values(key, tensor, rng) for key, tensor in state.items()}
    for key in values:
        if "position" in key:
            values[key] = torch.as_tensor(rng.normal(0, 1, values[key].shape))
        elif "attention" in key or "mlp" in key:
            values[key] /= 2  # Calmer than in general: attention that is all but decided loses digits in single precision.
    return {key: on_grid(tensor) for key, tensor in values.items()}


def write(name, content):
    path = folder / f"{name}.json"
    path.write_text(json.dumps(content, separators=(",", ":")) + "\n")
    print(f"{path}: {path.stat().st_size} bytes")


class Fed(nn.Module):
    """A part whose inputs are parameters, x0, x1, ..., or one of them x."""

    def __init__(self, part, inputs):
        super().__init__()
        self.part, self.names = part, ["x"] if len(inputs) == 1 else [f"x{i}" for i in range(len(inputs))]
        for name, x in zip(self.names, inputs):
            self.register_parameter(name, nn.Parameter(x.clone()))

    def forward(self, _):
        outputs = self.part(*[getattr(self, name) for name in self.names])
        return torch.cat([y.flatten(1) for y in outputs], 1) if isinstance(outputs, (list, tuple)) else outputs


def part(name, options, make, *inputs):
    network = Fed(make, inputs)
    values = {**values_of(network), **{key: x for key, x in zip(network.names, inputs)}}
    probe = normal(*network(None).shape)
    recorded = recorded_step(network, values, torch.zeros(1), lambda y: (y * probe).sum())
    return {"part": name, "options": options, "probe": packed_grid(probe), "values": named(values, packed_grid), **recorded}


class Pyramid(UPerNet):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        del self.fusion, self.classifier

    def forward(self, *features):
        return self.pyramid(features)


attention = [{"heads": 2, "window": 3, "shift": shift} for shift in (0, 1)]
swin = {"patch": 2, "width": 4, "depths": [2, 2], "heads": [1, 2], "window": 3, "expansion": 2, "position": "none"}
decoder = {"channels": 3, "classes": 2, "normalisation": "batch"}
kept = torch.tensor([[1.25, 1], [0, 1.25], [1.25, 0], [1, 0], [1.25, 1.25], [0, 1.5], [1, 1], [1.5, 0]])
turned = torch.arange(6 * 9, dtype=torch.float64).view(1, 6, 9, 1).roll((-1, -1), (1, 2))
windows = into_windows(turned, 3)
assert (out_of_windows(windows, 3, 6, 9) == turned).all()
parts = {
    "windows": {"rows": 6, "columns": 9, "window": 3, "shift": 1, "positions": windows.flatten().long().tolist()},
    "relative": {"window": 3, "positions": relative_index(3).flatten().tolist()},
    "mask": {"rows": 6, "columns": 9, "window": 3, "shift": 1, "values": shifted_mask(6, 9, 3, 1).flatten().long().tolist()},
    "parts": [
        part("attention", attention[0], WindowAttention(4, 2, 3, 0), normal(2, 6, 3, 4)),
        part("attention", attention[1], WindowAttention(4, 2, 3, 1), normal(2, 6, 9, 4)),
        part("attention", attention[1], WindowAttention(4, 2, 3, 1), normal(2, 5, 7, 4)),
        part("attention", attention[1], WindowAttention(4, 2, 3, 1), normal(2, 2, 5, 4)),
        part("block", {"heads": 2, "window": 4, "shift": 2, "expansion": 3}, SwinBlock(6, 2, 4, 2, 3), normal(1, 7, 9, 6)),
        part("merge", {}, Merge(3), normal(2, 4, 6, 3)),
        part("merge", {}, Merge(3), normal(2, 5, 3, 3)),
        part("backbone", {**swin, "position": "sum"}, Swin({**swin, "position": "sum"}, (11, 15)), normal(2, 3, 11, 15), kept),
        part("backbone", {**swin, "position": "concat"}, Swin({**swin, "position": "concat"}, (11, 15)), normal(2, 3, 11, 15), kept),
        part("pooling", decoder, PyramidPooling(4, 3, "batch"), normal(3, 4, 5, 7)),
        part("pooling", {**decoder, "normalisation": "group"}, PyramidPooling(4, 3, "group"), normal(3, 4, 6, 12)),
        part("pyramid", decoder, Pyramid([2, 3, 4], 3, 2, "batch"), normal(2, 2, 11, 9), normal(2, 3, 6, 5), normal(2, 4, 3, 3)),
    ],
}
write("parts", parts)

options = {
    **{"patch": 2, "width": 4, "depths": [2, 2, 2, 2], "heads": [1, 2, 2, 4], "window": 3, "expansion": 1, "position": "sum"},
    **{"channels": 4, "classes": 3, "normalisation": "batch", "auxiliary": True, "auxiliaryChannels": 2},
}
size = (21, 26)
network = Segmentation(options, size)
values = values_of(network)
image = on_grid(torch.as_tensor(rng.uniform(size=(6, 3, *size))))
target = torch.as_tensor(rng.integers(0, 3, (6, *size)))
weights = torch.as_tensor(rng.choice([0.0, 1.0, 2.0], target.shape))
recorded = recorded_step(network, values, image, lambda outputs: segmentation_loss(outputs, target, weights))
packed = {"image": packed_grid(image), "pixelWeights": packed_grid(weights)}
labels = {"shape": list(target.shape), "numbers": "".join(map(str, target.flatten().tolist()))}
write("segmentation", {"options": options, **packed, "target": labels, "values": named(values, packed_grid), **recorded})
