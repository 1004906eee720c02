"""Writes src/graph/fixtures/exported-*.onnx and exported.json: tiny networks as PyTorch's exporter writes them, and their results.

Each is exported with batch, height and width left open, in several opsets, and run in PyTorch at two sizes.
Weights and images are random. Run from the repository root:

    python3 scripts/reference/exported.py      (PyTorch 1.13)
"""

import base64
import io
import json
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
FOLDER = Path("src/graph/fixtures")


class Gate(nn.Module):
    """Squeeze and excitation."""

    def __init__(self, channels):
        super().__init__()
        self.down, self.up = nn.Conv2d(channels, 2, 1), nn.Conv2d(2, channels, 1)

    def forward(self, x):
        return x * F.hardsigmoid(self.up(F.relu(self.down(F.adaptive_avg_pool2d(x, 1)))))


class Mobile(nn.Module):
    """Depthwise-separable blocks with hardswish and squeeze-excite, pooled to classes, as in MobileNetV3."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.Hardswish())
        self.depthwise = nn.Sequential(nn.Conv2d(8, 8, 5, 2, 2, groups=8, bias=False), nn.BatchNorm2d(8), nn.ReLU6())
        self.gate = Gate(8)
        self.project = nn.Sequential(nn.Conv2d(8, 6, 1, bias=False), nn.BatchNorm2d(6))
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.head = nn.Sequential(nn.Linear(6, 8), nn.Hardswish(), nn.Dropout(0.2), nn.Linear(8, 5))

    def forward(self, x):
        x = self.pool(self.project(self.gate(self.depthwise(self.stem(x)))))
        return F.softmax(self.head(x.mean([2, 3])), dim=1)


class Transformer(nn.Module):
    """One block of a vision transformer: patches, class token, attention, GELU; its tokens come back as a map."""

    def __init__(self, width=6, heads=2):
        super().__init__()
        self.heads = heads
        self.patch = nn.Conv2d(3, width, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, width))
        self.position = nn.Parameter(torch.randn(1, width, 4, 4))
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))
        self.qkv, self.projection = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def attention(self, x):
        batch, count, width = x.shape
        q, k, v = self.qkv(x).reshape(batch, count, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        weights = (q @ k.transpose(-2, -1) * (width // self.heads) ** -0.5).softmax(dim=-1)
        return self.projection((weights @ v).transpose(1, 2).reshape(batch, count, width))

    def forward(self, x):
        x = self.patch(x)
        batch, width, height, columns = x.shape
        x = x + F.interpolate(self.position, size=(height, columns), mode="bicubic", align_corners=False)
        x = torch.cat([self.token.expand(batch, -1, -1), x.flatten(2).transpose(1, 2)], dim=1)
        x = x + self.attention(self.norm1(x))
        x = self.norm3(x + self.mlp(self.norm2(x)))
        return x[:, 1:].transpose(1, 2).reshape(batch, width, height, columns)


class Segmenter(nn.Module):
    """Down and up again with skip connections: transposed convolution, resizing by scale and to a size, odd sizes padded."""

    def __init__(self):
        super().__init__()
        self.down1, self.down2 = nn.Conv2d(3, 4, 3, 1, 1), nn.Conv2d(4, 5, 3, 2, 1)
        self.dilated = nn.Conv2d(5, 5, 3, 1, 2, dilation=2)
        self.norm = nn.InstanceNorm2d(5, affine=True)
        self.slope = nn.PReLU(5)
        self.up = nn.ConvTranspose2d(5, 4, 2, 2)
        self.mix, self.out = nn.Conv2d(8, 4, 3, 1, 1), nn.Conv2d(4, 2, 1)

    def forward(self, x):
        first = F.leaky_relu(self.down1(x), 0.1)
        second = self.slope(self.norm(self.dilated(F.elu(self.down2(first)))))
        pooled = F.interpolate(F.avg_pool2d(second, 2, ceil_mode=True), scale_factor=2.0, mode="nearest")
        pooled = pooled[:, :, : second.shape[2], : second.shape[3]]
        up = self.up(second + torch.sigmoid(pooled))
        up = F.pad(up, [0, first.shape[3] - up.shape[3], 0, first.shape[2] - up.shape[2]])
        mixed = F.relu(self.mix(torch.cat([first, up], dim=1)))
        half = F.interpolate(mixed, scale_factor=0.5, mode="bilinear", align_corners=False)
        return F.log_softmax(F.interpolate(self.out(half), size=x.shape[2:], mode="bilinear", align_corners=True), dim=1)


def randomise(network, rng):
    """Values of sensible scale everywhere, so that nothing forgotten would stay at 0 or 1."""
    for name, tensor in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        if name.endswith("running_var"):
            values = rng.uniform(0.5, 1.5, tensor.shape)
        elif tensor.ndim > 1:
            values = rng.normal(0, np.sqrt(2 / np.prod(tensor.shape[1:])), tensor.shape)
        else:
            values = rng.normal(1 if "norm" in name and name.endswith("weight") else 0, 0.3, tensor.shape)
        tensor.copy_(torch.as_tensor(values.astype(np.float32)))


def packed(tensor):
    return {"shape": list(tensor.shape), "data": base64.b64encode(tensor.detach().numpy().astype("<f4").tobytes()).decode()}


def export(network, opset):
    file = io.BytesIO()
    axes = {"image": {0: "batch", 2: "height", 3: "width"}}
    example = torch.zeros(1, 3, 16, 24)
    torch.onnx.export(
        network, example, file, opset_version=opset, input_names=["image"], output_names=["out"], dynamic_axes=axes
    )
    return file.getvalue()


def main():
    rng = np.random.default_rng(7)
    reference = {}
    for name, make, opsets, sizes in [
        ("mobile", Mobile, (11, 13, 17), [(1, 16, 16), (2, 21, 26)]),
        ("transformer", Transformer, (11, 13, 17), [(1, 16, 16), (2, 20, 12)]),
        ("segmenter", Segmenter, (11, 17), [(1, 12, 12), (2, 18, 14)]),
    ]:
        network = make().eval()
        with torch.no_grad():
            randomise(network, rng)
            images = [torch.as_tensor(rng.normal(size=(batch, 3, *size)).astype(np.float32)) for batch, *size in sizes]
            results = [network(image) for image in images]
        reference[name] = [{"image": packed(image), "out": packed(out)} for image, out in zip(images, results)]
        for opset in opsets:
            path = FOLDER / f"exported-{name}-{opset}.onnx"
            path.write_bytes(export(network, opset))
            print(f"{path}: {path.stat().st_size} bytes")
    path = FOLDER / "exported.json"
    path.write_text(json.dumps(reference, separators=(",", ":")) + "\n")
    print(f"{path}: {path.stat().st_size} bytes")


main()
