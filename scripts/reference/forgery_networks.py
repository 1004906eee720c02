"""The networks of the forgery system in PyTorch: generator, detector, and what each of them minimises.

Written from the document with PyTorch's modules and linear algebra. forgery.py records their values and gradients.
The options are those of src/systems/forgery/network.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

EPSILON = 1e-5


def cosine_matrix(size):
    n = torch.arange(size)
    matrix = torch.cos(torch.pi * (n[None] + 0.5) * n[:, None] / size) * (2 / size) ** 0.5
    matrix[0] /= 2**0.5
    return matrix


def block_transform(x):
    """[batch, channels, height, width] -> [batch, channels, 64, blocks]."""
    c = cosine_matrix(8).to(x)
    cut = x.unfold(2, 8, 8).unfold(3, 8, 8)
    return (c @ cut @ c.T).flatten(2, 3).flatten(3).transpose(2, 3)


def low_rank(x, rank, iterations=6):
    with torch.no_grad():
        rows = x.shape[-2]
        start = np.sin(np.arange(1, rows * rank + 1, dtype=np.float64) ** 2).reshape(rows, rank)
        basis = torch.as_tensor(start).to(x).expand(*x.shape[:-2], rows, rank)
        scatter = x @ x.transpose(-1, -2)
        for _ in range(iterations):
            basis = torch.linalg.qr(scatter @ basis).Q
    return basis @ (basis.transpose(-1, -2) @ x)


def frequencies(height, width):
    return torch.stack(torch.meshgrid(torch.arange(height) / height, torch.arange(width) / width, indexing="ij"))


def logarithms(x):
    y = torch.asinh(x)
    return torch.cat([y, y.abs()], 1)


def global_spectrum(x):
    (rows, columns), places = (cosine_matrix(side).to(x) for side in x.shape[2:]), frequencies(*x.shape[2:]).to(x)
    comparable = logarithms(rows @ x @ columns.T * 255 * places.norm(dim=0))
    return torch.cat([comparable, places.expand(len(x), -1, -1, -1)], 1)


def local_spectrum(x, options):
    weights = 255 * frequencies(8, 8).norm(dim=0).flatten()[:, None].to(x)
    denoised = low_rank(block_transform(x) * weights, **options)
    return logarithms(denoised.flatten(1, 2).unflatten(-1, (x.shape[2] // 8, x.shape[3] // 8)))


def residuals(x):
    """Differences of neighbouring grey levels, 0 at the frame, [batch, channels, height, width] -> [batch, 3 channels, height, width]."""
    levels = 255 * x
    centre, right, below = levels[..., 1:-1, 1:-1], levels[..., 1:-1, 2:], levels[..., 2:, 1:-1]
    second = torch.tensor([-1.0, 2, -1]).to(x)
    kernel = (-torch.outer(second, second) / 4).expand(x.shape[1], 1, 3, 3)
    both = F.conv2d(levels, kernel, groups=x.shape[1])
    return F.pad(torch.asinh(torch.cat([right - centre, below - centre, both], 1)), (1, 1, 1, 1))


class Layer(nn.Module):
    def __init__(self, channels, filters, size, stride, normalised):
        super().__init__()
        self.conv = nn.Conv2d(channels, filters, size, stride, size // 2, bias=not normalised)
        self.norm = nn.GroupNorm(filters // 8 if filters % 8 == 0 else 1, filters) if normalised else nn.Identity()

    def forward(self, x):
        return self.norm(self.conv(x))


class Block(nn.Module):
    def __init__(self, channels, filters, stride, normalised=True):
        super().__init__()
        self.first, self.second = Layer(channels, filters, 3, stride, normalised), Layer(filters, filters, 3, 1, normalised)
        if stride > 1 or channels != filters:
            self.shortcut = Layer(channels, filters, 1, stride, normalised)

    def forward(self, x):
        return (self.second(self.first(x).relu()) + (self.shortcut(x) if hasattr(self, "shortcut") else x)).relu()


class Features(nn.Module):
    def __init__(self, channels, width, depths, stride=2, normalised=True):
        super().__init__()
        self.stages, before = len(depths), width
        self.stem = Layer(channels, width, 1 if stride == 1 else 3, stride, normalised)
        for stage, depth in enumerate(depths):
            blocks = nn.Sequential()
            for block in range(depth):
                blocks.add_module(f"block{block}", Block(before, width * 2**stage, stride if stage and not block else 1, normalised))
                before = width * 2**stage
            self.add_module(f"stage{stage}", blocks)

    def forward(self, x):
        maps = [self.stem(x).relu()]
        for stage in range(self.stages):
            maps.append(getattr(self, f"stage{stage}")(maps[-1]))
        return maps[1:]


def pooled(x):
    return torch.cat([x.mean((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)], 1)


class Detector(nn.Module):
    def __init__(self, options, grid):
        super().__init__()
        width, depths, k = options["width"], options["depths"], options["kernels"]
        c = width * 2 ** (len(depths) - 1)
        self.options = options
        self.spatial, self.regions, self.classifier = Features(12, width, depths), nn.Module(), nn.Module()
        self.regions.kernels = nn.Conv2d(c, k, 3, padding=1)
        self.regions.weights = nn.Linear(2 * k * grid[0] * grid[1], k)
        branches = 1
        if options["globalFrequency"]:
            setattr(self, "global", nn.Module())
            self.whole.features, self.whole.summary, branches = Features(8, width, depths), nn.Conv2d(2 * c, c, 1), branches + 1
        if options["localFrequency"]:
            self.local, branches = nn.Module(), branches + 1
            self.local.features = Features(384, c, depths[-1:], stride=1)
        if branches == 3:
            self.fusion = nn.Conv2d(2 * c, c, 3, padding=1)
        self.classifier.block, self.classifier.logit = Block(branches * c, 2 * c, 2), nn.Linear(4 * c + 2 * k, 1)

    @property
    def whole(self):
        return getattr(self, "global")

    def forward(self, x):
        spatial = self.spatial(torch.cat([2 * x - 1, residuals(x)], 1))[-1]
        found = [spatial]
        if self.options["globalFrequency"]:
            found.append(self.whole.summary(pooled(self.whole.features(global_spectrum(x))[-1])).expand_as(spatial))
        if self.options["localFrequency"]:
            found.append(self.local.features(local_spectrum(x, self.options["lowRank"]))[-1])
        if len(found) == 3:
            g, l = found[1:]
            attention = self.fusion(torch.cat([g, l], 1)).sigmoid()
            found[1:] = g + attention * l, l + attention * g
        regions = self.regions.kernels(spatial).sigmoid()
        summary = torch.cat([pooled(self.classifier.block(torch.cat(found, 1))), pooled(regions)], 1)
        return self.classifier.logit(summary.flatten(1))[:, 0], regions


def deviation(x):
    return (x.var((2, 3), unbiased=False, keepdim=True) + EPSILON).sqrt()


def standardised(x):
    return (x - x.mean((2, 3), keepdim=True)) / deviation(x)


class Attention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.f, self.g, self.h = (nn.Conv2d(channels, channels, 1) for _ in "fgh")

    def forward(self, content, style):
        f, g, h = self.f(standardised(content)).flatten(2), self.g(standardised(style)).flatten(2), self.h(style).flatten(2)
        a = (f.transpose(1, 2) @ g).softmax(-1)
        mu = (a @ h.transpose(1, 2)).transpose(1, 2)
        sigma = ((a @ h.square().transpose(1, 2)).transpose(1, 2) - mu.square()).relu().add(EPSILON).sqrt()
        return sigma.view(content.shape) * standardised(content) + mu.view(content.shape)


class Decoder(nn.Module):
    def __init__(self, widths):
        super().__init__()
        self.levels = len(widths)
        for level, width in enumerate(widths):
            below = widths[level + 1] if level + 1 < len(widths) else 0
            self.add_module(f"level{level}", nn.Conv2d(width + below, width, 3, padding=1))
        self.pixels = nn.Conv2d(widths[0], 12, 3, padding=1)

    def forward(self, maps):
        y = getattr(self, f"level{self.levels - 1}")(maps[-1]).relu()
        for level in reversed(range(self.levels - 1)):
            y = getattr(self, f"level{level}")(torch.cat([F.interpolate(y, scale_factor=2.0), maps[level]], 1)).relu()
        y = self.pixels(y)
        return F.pixel_shuffle(y.unflatten(1, (4, 3)).transpose(1, 2).flatten(1, 2), 2).sigmoid()


class Style(nn.Module):
    def __init__(self, width, depths):
        super().__init__()
        widths = [width * 2**stage for stage in range(len(depths))]
        self.encoder, self.attention = Features(3, width, depths, normalised=False), Attention(widths[-1])
        self.decoder = Decoder(widths)

    def forward(self, content, style):
        contents, styles = self.encoder(2 * content - 1), self.encoder(2 * style - 1)
        maps = [deviation(s) * standardised(c) + s.mean((2, 3), keepdim=True) for c, s in zip(contents[:-1], styles)]
        return self.decoder(maps + [self.attention(contents[-1], styles[-1])])


class Generator(nn.Module):
    """Returns kernels, masks, mask, blended and styled images; with both branches."""

    def __init__(self, options):
        super().__init__()
        width, depths, k = options["width"], options["depths"], options["kernels"]
        self.blend, self.style = nn.Module(), Style(width, depths)
        self.blend.features = Features(3, width, depths)
        self.blend.kernels = nn.Conv2d(width * 2 ** (len(depths) - 1), k, 3, padding=1)
        self.blend.shares = nn.Parameter(torch.zeros(k))

    def forward(self, real, reference):
        kernels = self.blend.kernels
        response = F.conv2d(self.blend.features(2 * real - 1)[-1], kernels.weight, padding=1)
        masks = (4 * standardised(response) + kernels.bias.view(1, -1, 1, 1)).sigmoid()
        mask = (masks * self.blend.shares.softmax(0).view(1, -1, 1, 1)).sum(1, keepdim=True)
        mask = F.interpolate(mask, real.shape[2:], mode="bilinear", align_corners=False)
        return self.blend.kernels.weight, masks, mask, mask * real + (1 - mask) * reference, self.style(real, reference)


def similarities(target, regions, weights=None):
    distances = (target - regions).abs().mean((2, 3))
    return distances.mean(1) if weights is None else (weights * distances).sum(1)


def pair_weights(detector, masks, regions):
    return detector.regions.weights(torch.cat([masks, regions], 1).flatten(1)).softmax(1)


def diversity(kernels):
    cosines = F.cosine_similarity(kernels.flatten(1)[:, None], kernels.flatten(1)[None], dim=-1)
    k = len(kernels)
    return (cosines.sum() - cosines.diagonal().sum()) / (k * (k - 1))


def mask_area(masks, low, high):
    area = masks.mean((2, 3))
    return ((low / (area + 1e-6)).log().relu() + ((1 - high) / (1 - area + 1e-6)).log().relu()).mean()


def style_loss(style, real, reference, styled, perception):
    made, content, wanted = perception(styled), perception(real), perception(reference)
    of_content = (standardised(made[-1]) - standardised(content[-1])).square().mean()
    of_style = sum(
        (a.mean((2, 3)) - b.mean((2, 3))).square().mean() + (deviation(a) - deviation(b)).square().mean()
        for a, b in zip(made, wanted)
    ) / len(made)
    return 10 * (style(real, real) - real).abs().mean() + of_content + 10 * of_style


def generator_loss(generator, detector, real, reference, options, perception):
    kernels, masks, _, blended, styled = generator(real, reference)
    logit, regions = detector(torch.cat([blended, styled]))
    of_blend, of_style = regions.split([len(blended), len(styled)])
    similarity = torch.cat(
        [similarities(1 - masks, of_blend, pair_weights(detector, masks, of_blend)), similarities(1, of_style)]
    ).mean()
    fooled = -F.softplus(-logit).mean() - options["similarity"] * similarity
    held = options["diversity"] * diversity(kernels) + options["area"] * mask_area(masks, *options["maskArea"])
    return fooled + held + options["styleLoss"] * style_loss(generator.style, real, reference, styled, perception)


def detector_loss(generator, detector, real, reference, forged, region, known, options):
    with torch.no_grad():
        _, masks, _, blended, styled = generator(real, reference)
    images = [real, blended, styled, forged]
    logit, regions = detector(torch.cat(images))
    real_logit, fake_logit = logit[: len(real)], logit[len(real) :]
    classification = (F.softplus(real_logit).mean() + F.softplus(-fake_logit).mean()) / 2
    of_real, of_blend, of_style, of_forged = regions.split([len(x) for x in images])
    small = F.interpolate(region, regions.shape[2:], mode="bilinear", align_corners=False, antialias=True)
    each = torch.cat(
        [
            similarities(0, of_real),
            similarities(1 - masks, of_blend, pair_weights(detector, masks, of_blend)),
            similarities(1, of_style),
            similarities(small, of_forged) * known,
        ]
    )
    counted = len(real) + len(blended) + len(styled) + known.sum()
    return classification + options["similarity"] * each.sum() / counted
