"""Writes src/nn/fixtures/residuals.json: residual maps of small image pairs.

SSIM by scikit-image; gradient magnitudes (Prewitt), Gaussian windows and zoom by scipy.ndimage. Those that networks.py needs
are written once more in float64 PyTorch, for their gradients, and checked here against the former. Run from the repository root:

    python3 scripts/reference/residuals.py      (numpy 1.24, scipy 1.10, scikit-image 0.19, PyTorch 1.13)
"""

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from skimage.metrics import structural_similarity

C_GMS = 0.0026


# Maps [height, width] of one pair of images [channels, height, width].


def ssim_map(x, y):
    # scikit-image refuses images smaller than its window; on a mirrored continuation its own mirrored border is the same.
    around = [(0, 0)] + 2 * [(0, 0) if min(x.shape[1:]) >= 11 else (11, 11)]
    _, similarity = structural_similarity(
        *(np.pad(image, around, mode="symmetric") for image in (x, y)),
        full=True,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=1,
        channel_axis=0,
    )
    (top, _), (left, _) = around[1:]
    return 1 - similarity.mean(axis=0)[top : top + x.shape[1], left : left + x.shape[2]]


def magnitude(image):
    gradients = [ndimage.prewitt(image, axis, mode="reflect") / 3 for axis in (0, 1)]
    return np.sqrt(gradients[0] ** 2 + gradients[1] ** 2 + 1e-6)


def halve(image):
    height, width = (2 * (size // 2) for size in image.shape)
    even = image[:height, :width]
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4


def msgms_map(x, y):
    a, b = x.mean(axis=0), y.mean(axis=0)
    full, maps = a.shape, []
    while len(maps) < 4:
        ga, gb = magnitude(a), magnitude(b)
        difference = 1 - (2 * ga * gb + C_GMS) / (ga**2 + gb**2 + C_GMS)
        factors = [size / own for size, own in zip(full, difference.shape)]
        maps.append(ndimage.zoom(difference, factors, order=1, mode="nearest", grid_mode=True))
        if min(a.shape) < 8:
            break
        a, b = halve(a), halve(b)
    return np.mean(maps, axis=0)


def contrast_map(x, y):
    def blur(image, sigma):
        return ndimage.gaussian_filter(image, (0, sigma, sigma), mode="reflect", truncate=4)

    variance = blur((x - blur(x, 8)) ** 2, 8)
    return (np.abs(blur(x - y, 1)) / np.sqrt(variance + 0.01**2)).mean(axis=0)


numpy_residuals = {
    "l1": lambda x, y: np.abs(x - y).mean(axis=0),
    "l2": lambda x, y: ((x - y) ** 2).mean(axis=0),
    "ssim": ssim_map,
    "msgms": msgms_map,
    "contrast": contrast_map,
}


# Maps [batch, 1, height, width] of batches [batch, channels, height, width], with gradients.


def mirrored(x, radius):
    """Symmetric padding (d c b a | a b c d | d c b a), which torch.nn.functional.pad does not have."""
    rows, columns = (torch.as_tensor(np.pad(np.arange(size), radius, mode="symmetric")) for size in x.shape[-2:])
    return x[..., rows, :][..., columns]


def correlate(x, kernel):
    flat = x.reshape(-1, 1, *x.shape[-2:])
    return F.conv2d(mirrored(flat, kernel.shape[-1] // 2), kernel[None, None]).reshape(x.shape)


def torch_ssim(x, y):
    line = torch.exp(-torch.arange(-5, 6, dtype=x.dtype) ** 2 / (2 * 1.5**2))
    kernel = torch.outer(line, line) / line.sum() ** 2
    mx, my = correlate(x, kernel), correlate(y, kernel)
    vx, vy = correlate(x * x, kernel) - mx * mx, correlate(y * y, kernel) - my * my
    covariance = correlate(x * y, kernel) - mx * my
    c1, c2 = 0.01**2, 0.03**2
    similarity = (2 * mx * my + c1) * (2 * covariance + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    return 1 - similarity.mean(1, keepdim=True)


def torch_msgms(x, y):
    prewitt = torch.tensor([[1.0, 0, -1]] * 3, dtype=x.dtype) / 3

    def length(image):
        return torch.sqrt(correlate(image, prewitt) ** 2 + correlate(image, prewitt.T) ** 2 + 1e-6)

    a, b, maps = x.mean(1, keepdim=True), y.mean(1, keepdim=True), []
    for _ in range(4):
        ga, gb = length(a), length(b)
        difference = 1 - (2 * ga * gb + C_GMS) / (ga**2 + gb**2 + C_GMS)
        maps.append(F.interpolate(difference, size=x.shape[-2:], mode="bilinear", align_corners=False))
        if min(a.shape[-2:]) < 8:
            break
        a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
    return sum(maps) / len(maps)


torch_residuals = {
    "l1": lambda x, y: (x - y).abs().mean(1, keepdim=True),
    "l2": lambda x, y: ((x - y) ** 2).mean(1, keepdim=True),
    "ssim": torch_ssim,
    "msgms": torch_msgms,
}


def floats(values):
    return [int(v) if v == int(v) else float(v) for v in values.ravel()]


def blobs(height, width):
    """Black and white areas, two levels, so that they take little room in a file."""
    return (ndimage.gaussian_filter(rng.random((1, height, width)), (0, 3, 3)) > 0.5).astype(float)


def pair(name, x, y, kinds=tuple(numpy_residuals)):
    x, y = (np.round(image * 128) / 128 for image in (x, y))  # short, and exact in float32
    maps = {kind: numpy_residuals[kind](x, y) for kind in kinds}
    tensors = [torch.as_tensor(image)[None] for image in (x, y)]
    for kind in set(kinds) & set(torch_residuals):
        found = torch_residuals[kind](*tensors)[0, 0].numpy()
        assert np.abs(found - maps[kind]).max() < 1e-12, (name, kind)
    maps = {kind: np.round(values, 7).ravel().tolist() for kind, values in maps.items()}
    return {"name": name, "shape": x.shape, "x": floats(x), "y": floats(y), "maps": maps}


if __name__ == "__main__":
    rng = np.random.default_rng(7)
    smooth = ndimage.gaussian_filter(rng.random((3, 13, 9)), (0, 1, 1))
    defect = smooth.copy()
    defect[:, 3:8, 2:6] += 0.3
    bright = rng.integers(0, 256, (1, 12, 17)) / 255
    cases = [
        pair("colour, 13x9, a bright patch", smooth, defect),
        pair("grey, 12x17, noise against noise", bright, rng.integers(0, 256, bright.shape) / 255),
        pair("smaller than the window and than two scales, 7x9", rng.random((2, 7, 9)), rng.random((2, 7, 9))),
        pair("all four scales, 33x35", blobs(33, 35), blobs(33, 35), ["msgms"]),
    ]
    target = Path("src/nn/fixtures/residuals.json")
    target.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
    print(f"{target}: {target.stat().st_size} bytes")
