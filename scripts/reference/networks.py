"""Writes src/systems/denoising/fixtures/{unet,bottleneck}.json: one training step of each network in float64 PyTorch.

The networks are written from their description with PyTorch's modules; weights and images are random and representable in
float32. Stored: the loss, the gradient of every weight, the running statistics after the step, and the output of `eval()`
with these statistics for the first image. Run from the repository root:

    python3 scripts/reference/networks.py      (PyTorch 1.13)
"""

import json
from pathlib import Path

import numpy as np
import torch
from recording import named, packed, random_values, recorded_step
from residuals import torch_residuals
from torch import nn

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
WIDTH, DEPTH, LATENT, SIZE, BATCH, CHANNELS = 3, 2, 6, 16, 2, 3


def norm(kind, channels):
    return nn.BatchNorm2d(channels) if kind == "batch" else nn.GroupNorm(min(8, WIDTH), channels)


def conv_norm_relu(kind, channels, filters, stride=1):
    conv = nn.Conv2d(channels, filters, 3, stride, 1, bias=False)
    return nn.ModuleDict({"conv": conv, "norm": norm(kind, filters)})


def block(kind, channels, filters, stride=1):
    first, second = conv_norm_relu(kind, channels, filters, stride), conv_norm_relu(kind, filters, filters)
    return nn.ModuleDict({"first": first, "second": second})


def run_block(block, x):
    for half in block.values():
        x = half["norm"](half["conv"](x)).relu()
    return x


class UNet(nn.Module):
    residual = False

    def __init__(self, kind):
        super().__init__()
        widths = [WIDTH * 2**level for level in range(DEPTH + 1)]
        for level, width in enumerate(widths):
            before, stride = (CHANNELS, 1) if level == 0 else (widths[level - 1], 2)
            self.add_module(f"encoder{level}", block(kind, before, width, stride))
        for level in range(DEPTH):
            self.add_module(f"up{level}", nn.ConvTranspose2d(widths[level + 1], widths[level], 2, 2))
            self.add_module(f"decoder{level}", block(kind, 2 * widths[level], widths[level]))
        self.output = nn.Conv2d(WIDTH, CHANNELS, 3, 1, 1)

    def forward(self, x):
        image, features = x, []
        for level in range(DEPTH + 1):
            x = run_block(getattr(self, f"encoder{level}"), x)
            features.append(x)
        for level in reversed(range(DEPTH)):
            up = getattr(self, f"up{level}")(x)
            x = run_block(getattr(self, f"decoder{level}"), torch.cat([features[level], up], 1))
        return image + self.output(x) if self.residual else self.output(x)


class Bottleneck(nn.Module):
    def __init__(self, kind):
        super().__init__()
        widths = [WIDTH * 2**level for level in range(DEPTH)]
        inputs = [CHANNELS, *widths]
        for level, width in enumerate(widths):
            conv = nn.Conv2d(inputs[level], width, 4, 2, 1, bias=False)
            self.add_module(f"encoder{level}", nn.ModuleDict({"conv": conv, "norm": norm(kind, width)}))
        self.inner = (widths[-1], SIZE // 2**DEPTH, SIZE // 2**DEPTH)
        self.latent = nn.Linear(int(np.prod(self.inner)), LATENT)
        self.expand = nn.Linear(LATENT, int(np.prod(self.inner)))
        for level, width in enumerate(widths):
            filters = widths[max(level - 1, 0)]
            conv = nn.ConvTranspose2d(width, filters, 4, 2, 1, bias=False)
            self.add_module(f"decoder{level}", nn.ModuleDict({"conv": conv, "norm": norm(kind, filters)}))
        self.output = nn.Conv2d(WIDTH, CHANNELS, 3, 1, 1)
        self.leaky = nn.LeakyReLU(0.2)

    def forward(self, x):
        for level in range(DEPTH):
            step = getattr(self, f"encoder{level}")
            x = self.leaky(step["norm"](step["conv"](x)))
        x = self.leaky(self.expand(self.latent(x.flatten(1)))).reshape(-1, *self.inner)
        for level in reversed(range(DEPTH)):
            step = getattr(self, f"decoder{level}")
            x = self.leaky(step["norm"](step["conv"](x)))
        return self.output(x)


def step(make, kind, objective, residual, values, x, target):
    network = make(kind)
    network.residual = residual

    def loss_of(restored):
        return sum(weight * torch_residuals[name](target, restored) for name, weight in objective.items()).mean()

    recorded = recorded_step(network, values, x, loss_of)
    return {"normalisation": kind, "objective": objective, "residual": residual, **recorded}


MIXED = {"l1": 1.0, "l2": 1.0, "ssim": 0.5, "msgms": 0.5}


def write(name, make, seed, cases):
    rng = np.random.default_rng(seed)
    images = [rng.random((BATCH, CHANNELS, SIZE, SIZE)).astype(np.float32).astype(np.float64) for _ in range(2)]
    x, target = (torch.as_tensor(image) for image in images)
    values = {key: random_values(key, t, rng) for key, t in make("batch").state_dict().items() if "num_batches" not in key}
    reference = {
        "options": {"architecture": name, "width": WIDTH, "depth": DEPTH, "latent": LATENT},
        "shape": list(x.shape),
        "x": packed(x),
        "target": packed(target),
        "values": named(values),
        "steps": [step(make, *case, values, x, target) for case in cases],
    }
    path = Path(f"src/systems/denoising/fixtures/{name}.json")
    path.write_text(json.dumps(reference, separators=(",", ":")) + "\n")
    print(f"{path}: {path.stat().st_size} bytes")


write("unet", UNet, 11, [("batch", MIXED, False), ("batch", {"l2": 1.0}, True), ("group", MIXED, True)])
write("bottleneck", Bottleneck, 12, [("batch", MIXED, False), ("group", {"l2": 1.0}, False)])
