"""Writes bench/networks/fixtures/{resnet,mobile,swin}.json: one training step of each network in float64 PyTorch.

The networks are written from their papers with PyTorch's modules. Images and first values are multiples of powers of two, so that
a byte holds each. Stored: the loss (cross-entropy with class numbers), the gradient of every weight, the running statistics after
the step, and the output of `eval()` with these statistics for the first image. Run from the repository root:

    python3 scripts/reference/more-networks.py      (PyTorch 1.13)
"""

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from recording import named, on_grid, packed_grid, random_values, recorded_step
from torch import nn

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


class ConvNorm(nn.Module):
    def __init__(self, channels, filters, size, **options):
        super().__init__()
        self.conv = nn.Conv2d(channels, filters, size, bias=False, **options)
        self.norm = nn.BatchNorm2d(filters)

    def forward(self, x):
        return self.norm(self.conv(x))


class BasicBlock(nn.Module):
    def __init__(self, channels, filters, stride):
        super().__init__()
        self.first = ConvNorm(channels, filters, 3, stride=stride, padding=1)
        self.second = ConvNorm(filters, filters, 3, padding=1)
        changed = stride != 1 or channels != filters
        self.shortcut = ConvNorm(channels, filters, 1, stride=stride) if changed else nn.Identity()

    def forward(self, x):
        return (self.second(self.first(x).relu()) + self.shortcut(x)).relu()


class ResNet(nn.Module):
    def __init__(self, channels, width, blocks, classes):
        super().__init__()
        self.stem = ConvNorm(channels, width, 7, stride=2, padding=3)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.stages, before = [f"stage{stage}" for stage in range(len(blocks))], width
        for stage, count in enumerate(blocks):
            layers = nn.Sequential()
            for i in range(count):
                filters = width * 2**stage
                layers.add_module(f"block{i}", BasicBlock(before, filters, 2 if stage > 0 and i == 0 else 1))
                before = filters
            self.add_module(f"stage{stage}", layers)
        self.classifier = nn.Linear(before, classes)

    def forward(self, x):
        x = self.pool(self.stem(x).relu())
        for stage in self.stages:
            x = getattr(self, stage)(x)
        return self.classifier(F.adaptive_avg_pool2d(x, 1).flatten(1))


class SqueezeExcite(nn.Module):
    def __init__(self, channels, hidden):
        super().__init__()
        self.reduce, self.restore = nn.Conv2d(channels, hidden, 1), nn.Conv2d(hidden, channels, 1)

    def forward(self, x):
        return x * self.restore(F.silu(self.reduce(F.adaptive_avg_pool2d(x, 1)))).sigmoid()


class InvertedResidual(nn.Module):
    def __init__(self, channels, filters, expansion, stride, dilation):
        super().__init__()
        inner = channels * expansion
        self.expand = ConvNorm(channels, inner, 1)
        self.depthwise = ConvNorm(inner, inner, 3, stride=stride, padding=dilation, dilation=dilation, groups=inner)
        self.squeeze = SqueezeExcite(inner, max(1, channels // 2))
        self.project = ConvNorm(inner, filters, 1)
        self.adds = stride == 1 and channels == filters

    def forward(self, x):
        y = self.project(self.squeeze(F.silu(self.depthwise(F.silu(self.expand(x))))))
        return x + y if self.adds else y


class Head(nn.Module):
    def __init__(self, fine, coarse, channels, classes):
        super().__init__()
        self.pool = nn.AvgPool2d(3, 2, 1, count_include_pad=False)
        self.gate = nn.Conv2d(coarse, channels, 1, bias=False)
        self.features = ConvNorm(coarse, channels, 1)
        self.coarse, self.fine = nn.Conv2d(channels, classes, 1), nn.Conv2d(fine, classes, 1)

    def forward(self, fine, coarse):
        gate = F.interpolate(self.gate(self.pool(coarse)).sigmoid(), coarse.shape[2:], mode="bilinear")
        gated = F.silu(self.features(coarse)) * gate
        return self.coarse(F.interpolate(gated, fine.shape[2:], mode="bilinear")) + self.fine(fine)


class Mobile(nn.Module):
    def __init__(self, channels, width, blocks, expansion, classes):
        super().__init__()
        self.stem = ConvNorm(channels, width, 3, stride=2, padding=1)
        before = width
        for stage, (filters, stride, dilation) in enumerate([(width, 2, 1), (2 * width, 2, 1), (3 * width, 1, 2)]):
            layers = nn.Sequential()
            for i in range(blocks):
                layers.add_module(f"block{i}", InvertedResidual(before, filters, expansion, stride if i == 0 else 1, dilation))
                before = filters
            self.add_module(f"stage{stage}", layers)
        self.head = Head(width, 3 * width, 2 * width, classes)

    def forward(self, x):
        fine = self.stage0(F.silu(self.stem(x)))
        return self.head(fine, self.stage2(self.stage1(fine)))


def windows_of(x, side):
    batch, height, width, channels = x.shape
    x = x.view(batch, height // side, side, width // side, side, channels)
    return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, side * side, channels)


def image_of(windows, side, height, width):
    x = windows.view(-1, height // side, width // side, side, side, windows.shape[-1])
    return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, height, width, windows.shape[-1])


class WindowAttention(nn.Module):
    def __init__(self, channels, heads, window, shift):
        super().__init__()
        self.heads, self.window, self.shift = heads, window, shift
        self.position_bias = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        self.query_key_value, self.output = nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)
        places = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")).flatten(1)
        down, across = places[:, :, None] - places[:, None, :] + window - 1
        self.positions = down * (2 * window - 1) + across

    def mask(self, height, width):
        """As the paper's code makes it: regions numbered in the turned image, and -100 between different ones."""
        regions, number = torch.zeros(1, height, width, 1), 0
        parts = [slice(0, -self.window), slice(-self.window, -self.shift), slice(-self.shift, None)]
        for rows in parts:
            for columns in parts:
                regions[:, rows, columns] = number
                number += 1
        of_windows = windows_of(regions, self.window).squeeze(2)
        return (of_windows[:, None, :] != of_windows[:, :, None]) * -100.0

    def forward(self, x):
        batch, height, width, channels = x.shape
        shift = self.shift if min(height, width) > self.window else 0
        windows = windows_of(torch.roll(x, (-shift, -shift), (1, 2)), self.window)
        count, tokens, _ = windows.shape
        q, k, v = self.query_key_value(windows).reshape(count, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / np.sqrt(channels / self.heads)
        scores = scores + self.position_bias[self.positions.flatten()].view(tokens, tokens, self.heads).permute(2, 0, 1)
        if shift:
            mask = self.mask(height, width)
            of_images = scores.view(batch, len(mask), self.heads, tokens, tokens)
            scores = (of_images + mask[:, None]).view(count, self.heads, tokens, tokens)
        attended = (scores.softmax(-1) @ v).transpose(1, 2).reshape(count, tokens, channels)
        return torch.roll(image_of(self.output(attended), self.window, height, width), (shift, shift), (1, 2))


class Mlp(nn.Module):
    def __init__(self, channels, expansion):
        super().__init__()
        self.first, self.second = nn.Linear(channels, expansion * channels), nn.Linear(expansion * channels, channels)

    def forward(self, x):
        return self.second(F.gelu(self.first(x)))


class SwinBlock(nn.Module):
    def __init__(self, channels, heads, window, shift, expansion):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.attention, self.mlp = WindowAttention(channels, heads, window, shift), Mlp(channels, expansion)

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Merge(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm, self.reduce = nn.LayerNorm(4 * channels), nn.Linear(4 * channels, 2 * channels, bias=False)

    def forward(self, x):
        corners = [x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]]
        return self.reduce(self.norm(torch.cat(corners, -1)))


class Swin(nn.Module):
    def __init__(self, channels, patch, width, depths, heads, window, expansion, classes):
        super().__init__()
        self.embed = nn.ModuleDict({"conv": nn.Conv2d(channels, width, patch, patch), "norm": nn.LayerNorm(width)})
        self.steps = []
        for stage, depth in enumerate(depths):
            if stage > 0:
                self.steps.append(f"merge{stage}")
                self.add_module(self.steps[-1], Merge(width * 2 ** (stage - 1)))
            blocks = nn.Sequential()
            for i in range(depth):
                shift = window // 2 if i % 2 else 0
                blocks.add_module(f"block{i}", SwinBlock(width * 2**stage, heads[stage], window, shift, expansion))
            self.steps.append(f"stage{stage}")
            self.add_module(self.steps[-1], blocks)
        last = width * 2 ** (len(depths) - 1)
        self.norm, self.classifier = nn.LayerNorm(last), nn.Linear(last, classes)

    def forward(self, x):
        x = self.embed["norm"](self.embed["conv"](x).permute(0, 2, 3, 1))
        for step in self.steps:
            x = getattr(self, step)(x)
        return self.classifier(self.norm(x).mean((1, 2)))


def write(name, make, seed, options, shape, label_shape, **loss_options):
    rng = np.random.default_rng(seed)
    network = make(shape[1], **options)
    image = on_grid(torch.as_tensor(rng.normal(size=shape)))
    target = torch.as_tensor(rng.integers(0, options["classes"], label_shape))
    state = {key: tensor for key, tensor in network.state_dict().items() if "num_batches" not in key}
    values = {key: on_grid(random_values(key, tensor, rng)) for key, tensor in state.items()}
    recorded = recorded_step(network, values, image, lambda logits: F.cross_entropy(logits, target, **loss_options))
    reference = {
        "options": options,
        "image": packed_grid(image),
        "target": {"shape": list(label_shape), "numbers": target.flatten().tolist()},
        "values": named(values, packed_grid),
        **recorded,
    }
    path = Path(f"bench/networks/fixtures/{name}.json")
    path.write_text(json.dumps(reference, separators=(",", ":")) + "\n")
    print(f"{path}: {path.stat().st_size} bytes")


write("resnet", ResNet, 21, {"width": 2, "blocks": [2, 2, 2, 2], "classes": 5}, (3, 3, 45, 39), (3,))
mobile = {"width": 3, "blocks": 2, "expansion": 2, "classes": 4}
write("mobile", Mobile, 22, mobile, (2, 3, 37, 29), (2, 10, 8), label_smoothing=0.1)
swin = {"patch": 2, "width": 6, "depths": [2, 2], "heads": [2, 3], "window": 3, "expansion": 2, "classes": 5}
write("swin", Swin, 23, swin, (2, 3, 24, 36), (2,))
