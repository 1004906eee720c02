"""Writes src/nn/fixtures/separable.json: lines filtered by scipy.ndimage, and lines and an image resized by PyTorch.

Run from the repository root:

    python3 scripts/reference/separable.py      (numpy 1.24, scipy 1.10, PyTorch 1.13)
"""

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage

rng = np.random.default_rng(9)


def line(size):
    return np.round(64 * rng.normal(size=size)) / 64


def resized(image, size):
    """Antialiased bilinear resizing with half-pixel centres."""
    batch = torch.as_tensor(image, dtype=torch.float64)[None, None]
    return F.interpolate(batch, size=size, mode="bilinear", align_corners=False, antialias=True)[0, 0].numpy()


def filtered(size, kernel):
    x = line(size)
    return {"kernel": kernel, "x": x.tolist(), "y": ndimage.correlate1d(x, kernel, mode="reflect").tolist()}


def gaussian(sigma, radius):
    impulse = np.zeros(2 * radius + 1)
    impulse[radius] = 1
    weights = ndimage.gaussian_filter1d(impulse, sigma, mode="constant", truncate=(radius + 0.01) / sigma)
    return {"sigma": sigma, "radius": radius, "weights": weights.tolist()}


def resize(height, width, to):
    image = line((height, width))
    return {"from": [height, width], "to": list(to), "x": image.ravel().tolist(), "y": resized(image, to).ravel().tolist()}


reference = {
    "filters": [filtered(9, [0.5, -1.0, 2.0]), filtered(7, [1.0, 2.0, 0.0, -3.0, 0.25]), filtered(3, [1, 2, 3, 4, 5, 6, 7, 8, 9])],
    "gaussians": [gaussian(1.5, 5), gaussian(0.7, 3), gaussian(2.0, 8)],
    "resizes": [resize(9, 13, (5, 4)), resize(5, 4, (9, 13)), resize(7, 12, (11, 5)), resize(17, 3, (2, 3)), resize(6, 1, (3, 5))],
}
target = Path("src/nn/fixtures/separable.json")
target.write_text(json.dumps(reference, separators=(",", ":")) + "\n")
print(f"{target}: {target.stat().st_size} bytes")
