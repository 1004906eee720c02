"""The segmentation network of the grading system in PyTorch: Swin transformer (Liu et al. 2021) and UPerNet (Xiao et al. 2018).

Written from the papers with PyTorch's modules. grading.py records its values and gradients; bench/peer.py times it.
"""

import torch
import torch.nn.functional as F
from torch import nn


def into_windows(x, side):
    """[batch, height, width, channels] -> [windows, side^2, channels]."""
    batch, height, width, channels = x.shape
    cut = x.view(batch, height // side, side, width // side, side, channels)
    return cut.transpose(2, 3).reshape(-1, side * side, channels)


def out_of_windows(windows, side, height, width):
    cut = windows.view(-1, height // side, width // side, side, side, windows.shape[-1])
    return cut.transpose(2, 3).reshape(-1, height, width, windows.shape[-1])


def relative_index(side):
    at = torch.stack(torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij"), -1).view(-1, 2)
    apart = at[:, None] - at[None] + (side - 1)
    return apart[..., 0] * (2 * side - 1) + apart[..., 1]


def shifted_mask(height, width, side, shift):
    """Nine regions of the turned image: tokens of different ones do not see each other."""
    numbers = torch.zeros(1, height, width, 1)
    cuts = (slice(None, -side), slice(-side, -shift), slice(-shift, None))
    for number, (rows, columns) in enumerate((r, c) for r in cuts for c in cuts):
        numbers[:, rows, columns] = number
    region = into_windows(numbers, side)[..., 0]
    return torch.where(region[:, :, None] == region[:, None, :], 0.0, -100.0)


class WindowAttention(nn.Module):
    def __init__(self, channels, heads, side, shift):
        super().__init__()
        self.heads, self.side, self.shift, self.masks = heads, side, shift, {}
        self.query_key_value, self.output = nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)
        self.position_bias = nn.Parameter(0.02 * torch.randn((2 * side - 1) ** 2, heads))
        self.index = relative_index(side)

    def mask(self, height, width):
        if (height, width) not in self.masks:
            self.masks[height, width] = shifted_mask(height, width, self.side, self.shift)[:, None]
        return self.masks[height, width]

    def attend(self, windows, mask):
        count, tokens, channels = windows.shape
        q, k, v = self.query_key_value(windows).view(count, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        scores = q * (channels // self.heads) ** -0.5 @ k.transpose(-1, -2) + self.position_bias[self.index].permute(2, 0, 1)
        if mask is not None:
            scores = (scores.view(-1, len(mask), *scores.shape[1:]) + mask).view(scores.shape)
        return self.output((scores.softmax(-1) @ v).transpose(1, 2).reshape(count, tokens, channels))

    def forward(self, x):
        _, rows, columns, _ = x.shape
        shift = self.shift if min(rows, columns) > self.side else 0
        x = F.pad(x, (0, 0, 0, -columns % self.side, 0, -rows % self.side))
        height, width = x.shape[1:3]
        if shift:
            x = x.roll((-shift, -shift), (1, 2))
        x = self.attend(into_windows(x, self.side), self.mask(height, width) if shift else None)
        x = out_of_windows(x, self.side, height, width)
        if shift:
            x = x.roll((shift, shift), (1, 2))
        return x[:, :rows, :columns]


class Mlp(nn.Module):
    def __init__(self, channels, expansion):
        super().__init__()
        self.first, self.second = nn.Linear(channels, expansion * channels), nn.Linear(expansion * channels, channels)

    def forward(self, x):
        return self.second(F.gelu(self.first(x)))


class SwinBlock(nn.Module):
    def __init__(self, channels, heads, side, shift, expansion):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.attention, self.mlp = WindowAttention(channels, heads, side, shift), Mlp(channels, expansion)

    def forward(self, x, scales=None):
        first, second = (1, 1) if scales is None else (scale.view(-1, 1, 1, 1) for scale in scales)
        x = x + first * self.attention(self.norm1(x))
        return x + second * self.mlp(self.norm2(x))


class Merge(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm, self.reduce = nn.LayerNorm(4 * channels), nn.Linear(4 * channels, 2 * channels, bias=False)

    def forward(self, x):
        x = F.pad(x, (0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2))
        return self.reduce(self.norm(torch.cat([x[:, row::2, column::2] for column in (0, 1) for row in (0, 1)], -1)))


class Embed(nn.Module):
    def __init__(self, channels, width, patch):
        super().__init__()
        self.patch, self.conv, self.norm = patch, nn.Conv2d(channels, width, patch, patch), nn.LayerNorm(width)

    def forward(self, x):
        x = F.pad(x, (0, -x.shape[3] % self.patch, 0, -x.shape[2] % self.patch))
        return self.norm(self.conv(x).permute(0, 2, 3, 1))


class Position(nn.Module):
    def __init__(self, fusion, rows, columns, width):
        super().__init__()
        self.embedding = nn.Parameter(0.02 * torch.randn(rows, columns, width))
        if fusion == "concat":
            self.fusion = nn.Linear(2 * width, width)

    def forward(self, x):
        if not hasattr(self, "fusion"):
            return x + self.embedding
        return self.fusion(torch.cat([x, self.embedding.expand(x.shape)], -1))


class Stage(nn.Module):
    def __init__(self, channels, depth, heads, side, expansion):
        super().__init__()
        for i in range(depth):
            self.add_module(f"block{i}", SwinBlock(channels, heads, side, side // 2 if i % 2 else 0, expansion))
        self.depth, self.norm = depth, nn.LayerNorm(channels)

    def forward(self, x, kept):
        for i in range(self.depth):
            x = getattr(self, f"block{i}")(x, None if kept is None else kept[2 * i : 2 * i + 2])
        return x


class Swin(nn.Module):
    def __init__(self, options, size):
        super().__init__()
        width, depths, patch = options["width"], options["depths"], options["patch"]
        self.depths, self.embed = depths, Embed(3, width, patch)
        if options["position"] != "none":
            self.position = Position(options["position"], *(-(-side // patch) for side in size), width)
        for i, (depth, heads) in enumerate(zip(depths, options["heads"])):
            if i > 0:
                self.add_module(f"merge{i}", Merge(width * 2 ** (i - 1)))
            self.add_module(f"stage{i}", Stage(width * 2**i, depth, heads, options["window"], options["expansion"]))

    def forward(self, x, kept=None):
        x, found, first = self.embed(x), [], 0
        if hasattr(self, "position"):
            x = self.position(x)
        for i, depth in enumerate(self.depths):
            stage = getattr(self, f"stage{i}")
            if i > 0:
                x = getattr(self, f"merge{i}")(x)
            x = stage(x, None if kept is None else kept[2 * first :])
            first += depth
            found.append(stage.norm(x).permute(0, 3, 1, 2))
        return found


class ConvNormRelu(nn.Module):
    def __init__(self, channels, filters, size, normalisation):
        super().__init__()
        self.conv = nn.Conv2d(channels, filters, size, padding=size // 2, bias=False)
        self.norm = nn.BatchNorm2d(filters) if normalisation == "batch" else nn.GroupNorm(max(1, filters // 16), filters)

    def forward(self, x):
        return self.norm(self.conv(x)).relu()


def enlarge(x, like):
    return F.interpolate(x, like.shape[2:], mode="bilinear", align_corners=False)


class PyramidPooling(nn.Module):
    def __init__(self, channels, filters, normalisation):
        super().__init__()
        for parts in (1, 2, 3, 6):
            self.add_module(f"part{parts}", ConvNormRelu(channels, filters, 1, normalisation))
        self.fusion = ConvNormRelu(channels + 4 * filters, filters, 3, normalisation)

    def forward(self, x):
        pooled = [enlarge(getattr(self, f"part{parts}")(F.adaptive_avg_pool2d(x, parts)), x) for parts in (1, 2, 3, 6)]
        return self.fusion(torch.cat([x, *pooled], 1))


class UPerNet(nn.Module):
    def __init__(self, channels_in, channels, classes, normalisation):
        super().__init__()
        self.levels = len(channels_in)
        self.pooling = PyramidPooling(channels_in[-1], channels, normalisation)
        for level, count in enumerate(channels_in[:-1]):
            self.add_module(f"lateral{level}", ConvNormRelu(count, channels, 1, normalisation))
            self.add_module(f"smooth{level}", ConvNormRelu(channels, channels, 3, normalisation))
        self.fusion = ConvNormRelu(self.levels * channels, channels, 3, normalisation)
        self.classifier = nn.Conv2d(channels, classes, 1)

    def pyramid(self, features):
        maps = [self.pooling(features[-1])]
        for level in reversed(range(self.levels - 1)):
            lateral = getattr(self, f"lateral{level}")(features[level])
            maps.insert(0, lateral + enlarge(maps[0], lateral))
        return [getattr(self, f"smooth{level}")(x) for level, x in enumerate(maps[:-1])] + maps[-1:]

    def forward(self, features):
        maps = self.pyramid(features)
        return self.classifier(self.fusion(torch.cat([enlarge(x, maps[0]) for x in maps], 1)))


class AuxiliaryHead(nn.Module):
    def __init__(self, channels_in, channels, classes, normalisation):
        super().__init__()
        self.features = ConvNormRelu(channels_in, channels, 3, normalisation)
        self.classifier = nn.Conv2d(channels, classes, 1)

    def forward(self, x):
        return self.classifier(self.features(x))


class Segmentation(nn.Module):
    """The options are those of src/systems/grading/network. In training the result is (logits, auxiliary), otherwise the logits."""

    def __init__(self, options, size):
        super().__init__()
        widths, common = [options["width"] * 2**i for i in range(4)], (options["classes"], options["normalisation"])
        self.backbone, self.decoder = Swin(options, size), UPerNet(widths, options["channels"], *common)
        if options["auxiliary"]:
            self.auxiliary = AuxiliaryHead(widths[2], options["auxiliaryChannels"], *common)
        self.scaling = [torch.tensor(values).view(1, 3, 1, 1) for values in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])]

    def forward(self, x, kept=None):
        features = self.backbone((x - self.scaling[0]) / self.scaling[1], kept)
        logits = enlarge(self.decoder(features), x)
        if not self.training or not hasattr(self, "auxiliary"):
            return logits
        return logits, enlarge(self.auxiliary(features[2]), x)


def dice_loss(logits, target, weights):
    p, t, w, axes = logits.softmax(1), F.one_hot(target, logits.shape[1]).movedim(-1, 1), weights[:, None], (0, 2, 3)
    overlap, sizes = (w * p * t).sum(axes), (w * p).sum(axes) + (w * t).sum(axes)
    return (1 - (2 * overlap + 1) / (sizes + 1)).mean()


def segmentation_loss(outputs, target, weights=None):
    """0.1 cross-entropy + 0.9 Dice of the logits, and 0.4 times the same of the auxiliary ones."""
    weights = torch.ones(target.shape, dtype=outputs[0].dtype) if weights is None else weights

    def one(logits):
        entropy = (F.cross_entropy(logits, target, reduction="none") * weights).sum() / weights.sum()
        return 0.1 * entropy + 0.9 * dice_loss(logits, target, weights)

    return one(outputs[0]) + (0.4 * one(outputs[1]) if len(outputs) > 1 else 0)
