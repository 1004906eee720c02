"""The student of `distillation` and its losses in PyTorch, written from their description.

Used by distillation.py, which records its values and gradients, and by bench/peer.py, which measures it.
"""

import torch
import torch.nn.functional as F
from torch import nn


def tokens_of(image):
    """[batch, channels, height, width] -> [batch, positions, channels]."""
    return image.flatten(2).transpose(1, 2)


def image_of(tokens, like):
    return tokens.transpose(1, 2).reshape(like.shape)


def alike(a, b, temperature):
    """Shares of the rows b for every row of a: softmax of cosines."""
    cosines = F.normalize(a, dim=-1) @ F.normalize(b, dim=-1).transpose(-2, -1)
    return (cosines / temperature).softmax(-1)


class Recall(nn.Module):
    """Key/value memory, asked with the surroundings of each position; what it learns about asking begins at nothing."""

    def __init__(self, channels, items, temperature):
        super().__init__()
        self.temperature = temperature
        self.query = nn.Conv2d(channels, channels, 1, bias=False)
        nn.init.zeros_(self.query.weight)
        self.keys = nn.Parameter(torch.randn(items, channels) * (2 / channels) ** 0.5)
        self.values = nn.Parameter(torch.randn(items, channels))

    def forward(self, x):
        around = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        query = around + self.query(x) / x.shape[1] ** 0.5
        return image_of(alike(tokens_of(query), self.keys, self.temperature) @ self.values, x)


class Adaptive(nn.Module):
    """Memory items made of the image's own feature, from which alone the feature is built."""

    def __init__(self, channels, items, temperature):
        super().__init__()
        self.temperature = temperature
        self.projection = nn.Parameter(torch.randn(items, channels) * (2 / channels) ** 0.5)

    def forward(self, x):
        positions = tokens_of(x)
        shares = (positions @ self.projection.T).softmax(1)
        items = shares.transpose(1, 2) @ positions
        return image_of(alike(positions, items, self.temperature) @ items, x)


def conv(channels, filters, size, stride=1):
    return nn.Conv2d(channels, filters, size, stride, size // 2, bias=False)


def up(channels, filters, factor):
    return nn.ConvTranspose2d(channels, filters, factor, factor, bias=False)


class ConvNorm(nn.Module):
    def __init__(self, channels, filters):
        super().__init__()
        self.conv, self.norm = conv(channels, filters, 3, 2), nn.BatchNorm2d(filters)

    def forward(self, x):
        return F.relu(self.norm(self.conv(x)))


class Block(nn.Module):
    """Basic residual block; stride 2 halves, and with `enlarge`, a factor, its first convolution is a transposed one."""

    def __init__(self, channels, filters, stride=1, enlarge=None):
        super().__init__()
        first = [up(channels, filters, enlarge) if enlarge else conv(channels, filters, size, stride) for size in (3, 1)]
        self.conv1, self.norm1 = first[0], nn.BatchNorm2d(filters)
        self.conv2, self.norm2 = conv(filters, filters, 3), nn.BatchNorm2d(filters)
        self.shortcut = None
        if channels != filters or stride != 1 or enlarge:
            self.shortcut = nn.ModuleDict({"conv": first[1], "norm": nn.BatchNorm2d(filters)})

    def forward(self, x):
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(y + (self.shortcut["norm"](self.shortcut["conv"](x)) if self.shortcut else x))


def joined(features):
    """Directions of all scales, each of mean square 1, averaged to the coarsest size."""
    coarsest = features[-1].shape[2]
    units = [F.normalize(feature, dim=1) * feature.shape[1] ** 0.5 for feature in features]
    return torch.cat([F.avg_pool2d(unit, unit.shape[2] // coarsest) for unit in units], 1)


class Embedding(nn.Module):
    def __init__(self, scales, recalled, widest, blocks):
        super().__init__()
        coarsest = scales[-1][1]
        together = recalled
        for index, (channels, size) in enumerate(scales):
            reduce = nn.Sequential()
            while size > coarsest:
                filters = min(2 * channels, widest)
                reduce.append(ConvNorm(channels, filters))
                channels, size = filters, size // 2
            self.add_module(f"reduce{index}", reduce)
            together += channels
        self.blocks = [f"block{index}" for index in range(blocks)]
        for index, name in enumerate(self.blocks):
            self.add_module(name, Block(2 * widest if index else together, 2 * widest, stride=1 if index else 2))

    def forward(self, features, recalled):
        x = [getattr(self, f"reduce{index}")(feature) for index, feature in enumerate(features)]
        x = torch.cat(x if recalled is None else [*x, recalled], 1)
        for name in self.blocks:
            x = getattr(self, name)(x)
        return x


class Scale(nn.Module):
    """One scale of the decoder: blocks, then a feature like the teacher's, made of the memory's answer where there is a memory."""

    def __init__(self, before, wanted, width, factor, memory, asked, fuses, blocks):
        super().__init__()
        self.blocks = [f"block{index}" for index in range(blocks)]
        for index, name in enumerate(self.blocks):
            self.add_module(name, Block(width, width) if index else Block(before, width, enlarge=factor))
        self.memory = memory
        self.feature = nn.Conv2d(asked, wanted, 1)
        self.fusion = nn.Conv2d(2 * width, width, 1) if fuses else None

    def decoded(self, x):
        for name in self.blocks:
            x = getattr(self, name)(x)
        return x

    def forward(self, x, recalled):
        """recalled: what its memory said already, or None."""
        x = self.decoded(x)
        answer = recalled if recalled is not None else self.memory(x) if self.memory else x
        return self.fusion(torch.cat([x, answer], 1)) if self.fusion else x, self.feature(answer)


class Student(nn.Module):
    """scales: channels and size of the teacher's features, from fine to coarse, as they go in and come out."""

    def __init__(self, scales, settings):
        super().__init__()
        widths = [max(channels, settings["width"]) for channels, _ in scales]
        named, last = settings["modules"], len(scales) - 1
        self.kinds = [named[min(index, len(named) - 1)] for index in range(len(scales))]
        self.at_first = self.kinds[0] == "recall"
        together = sum(channels for channels, _ in scales) if self.at_first else 0
        self.embedding = Embedding(scales, together, widths[-1], settings["blocks"])
        before, size = 2 * widths[-1], scales[-1][1] // 2
        for index, ((channels, wanted), width) in enumerate(zip(scales[::-1], widths[::-1])):
            kind, asked = self.kinds[index], together if index == 0 and self.at_first else width
            memory = None
            if kind == "recall":
                memory = Recall(asked, settings["items"], settings["temperature"])
            if kind == "adaptive":
                memory = Adaptive(width, settings["adaptiveItems"], settings["temperature"])
            fuses = index < last and kind != "none" and asked == width
            scale = Scale(before, channels, width, wanted // size, memory, asked, fuses, settings["blocks"])
            self.add_module(f"scale{index}", scale)
            before, size = width, wanted
        self.scales = [getattr(self, f"scale{index}") for index in range(len(scales))]

    def forward(self, features):
        recalled = self.scales[0].memory(joined(features)) if self.at_first else None
        x, made = self.embedding(features, recalled), []
        for index, scale in enumerate(self.scales):
            x, feature = scale(x, recalled if index == 0 else None)
            made.insert(0, feature)
        return made

    def recollections(self, features):
        """What was asked of the recall modules and what they answered: the memory alone is to learn from it. Nothing runs beyond the last."""
        found, first = [], None
        last = max(index for index, kind in enumerate(self.kinds) if kind == "recall")
        if self.at_first:
            first = self.scales[0].memory(joined(features))
            found.append((joined(features), first))
        if last == 0:
            return found
        x = self.embedding(features, first)
        for index, scale in enumerate(self.scales[: last + 1]):
            if index > 0 and self.kinds[index] == "recall":
                asked = scale.decoded(x)
                found.append((asked, scale.memory(asked.detach())))
            if index < last:
                x, _ = scale(x, first if index == 0 else None)
        return found

    def memories(self):
        return [value for name, value in self.named_parameters() if name.split(".")[-1] in ("keys", "values", "projection")]


def distance(a, b):
    return 1 - F.cosine_similarity(a, b, 1)


def distillation(teacher, student, form, pixels=None):
    """L_KD. pixels: how much each pixel of the images counts, [batch, 1, size, size]."""
    total = 0
    for t, s in zip(teacher, student):
        counts = torch.ones_like(t[:, :1]) if pixels is None else F.adaptive_avg_pool2d(pixels, t.shape[2:])
        if form == "position":
            total = total + (distance(t, s) * counts[:, 0]).sum() / counts.sum()
        else:
            # The weighted cosine sum(w t s) / sqrt(sum(w t t) sum(w s s)) of whole maps.
            product, square_t, square_s = ((counts * a * b).flatten(1).sum(1) for a, b in ((t, s), (t, t), (s, s)))
            total = total + (1 - product / (square_t * square_s).sqrt()).mean()
    return total


def normality(recollections):
    """L_NM."""
    return sum(distance(asked.detach(), recalled).mean() for asked, recalled in recollections)


def orthogonality(memories):
    """L_ORTH: mean squared cosine of different rows."""
    total = 0
    for items in memories:
        rows = F.normalize(items, dim=1)
        count = len(items)
        total = total + ((rows @ rows.T) ** 2).fill_diagonal_(0).sum() / (count * (count - 1))
    return total
