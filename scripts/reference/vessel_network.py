"""The segmentation network of the progression system in PyTorch: a U-Net (Ronneberger et al. 2015) with padded convolutions.

Written from its description with PyTorch's modules. vessel-segmentation.py records its values and gradients; bench/peer.py times it.
"""

import torch
import torch.nn.functional as F
from torch import nn


class ConvNormRelu(nn.Module):
    def __init__(self, channels, filters, stride, normalisation):
        super().__init__()
        self.conv = nn.Conv2d(channels, filters, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(filters) if normalisation == "batch" else nn.InstanceNorm2d(filters, affine=True)

    def forward(self, x):
        return F.relu(self.norm(self.conv(x)), inplace=True)


class Block(nn.Module):
    def __init__(self, channels, filters, normalisation, stride=1):
        super().__init__()
        self.first = ConvNormRelu(channels, filters, stride, normalisation)
        self.second = ConvNormRelu(filters, filters, 1, normalisation)

    def forward(self, x):
        return self.second(self.first(x))


class VesselNetwork(nn.Module):
    """The options are those of src/systems/progression/network."""

    def __init__(self, channels, options):
        super().__init__()
        self.depth, normalisation = options["depth"], options["normalisation"]
        widths = [options["width"] * 2**level for level in range(self.depth + 1)]
        self.encoder0 = Block(channels, widths[0], normalisation)
        for level, (fine, coarse) in enumerate(zip(widths, widths[1:])):
            self.add_module(f"encoder{level + 1}", Block(fine, coarse, normalisation, stride=2))
            self.add_module(f"up{level}", nn.ConvTranspose2d(coarse, fine, 2, 2))
            self.add_module(f"decoder{level}", Block(2 * fine, fine, normalisation))
        self.classifier = nn.Conv2d(widths[0], options["classes"], 1)

    def forward(self, x):
        skips = []
        for level in range(self.depth + 1):
            x = getattr(self, f"encoder{level}")(x)
            skips.append(x)
        for level in reversed(range(self.depth)):
            up = getattr(self, f"up{level}")(x)
            x = getattr(self, f"decoder{level}")(torch.cat([skips[level], up], 1))
        return self.classifier(x)


def vessel_loss(logits, target, weights, entropy=1.0, dice=1.0):
    """Cross-entropy and soft Dice, both with a weight for each pixel; Dice is the mean over classes of the whole batch."""
    log_p = logits.log_softmax(1)
    cross_entropy = (F.nll_loss(log_p, target, reduction="none") * weights).sum() / weights.sum()
    p, w, positions = log_p.exp(), weights[:, None], (0, 2, 3)
    t = torch.zeros_like(logits).scatter_(1, target[:, None], w)
    overlap, sizes = (p * t).sum(positions), (p * w + t).sum(positions)
    return entropy * cross_entropy + dice * (1 - (2 * overlap + 1) / (sizes + 1)).mean()
