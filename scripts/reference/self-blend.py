"""Writes src/systems/forgery/fixtures/self-blend.json: the transforms of self-blended images by colorsys and SciPy, in float64.

Run from the repository root:

    python3 scripts/reference/self-blend.py      (SciPy 1.10)
"""

import colorsys
import json
from pathlib import Path

import numpy as np
from scipy.interpolate import RegularGridInterpolator
from scipy.ndimage import convolve, map_coordinates

rng = np.random.default_rng(11)
size = 10
image = rng.integers(0, 256, (3, size, size)) / 256
image[:, 0, 0] = 0  # black, grey, white, and pure colours
image[:, 0, 1] = 0.5
image[:, 0, 2] = 1
image[:, 0, 3] = 1, 0, 0
image[:, 0, 4] = 0, 0.25, 0


def hue_saturation_value(hue, saturation, value):
    def change(colour):
        h, s, v = colorsys.rgb_to_hsv(*colour)
        return colorsys.hsv_to_rgb((h + hue) % 1, min(1, s * saturation), min(1, v * value))

    return np.apply_along_axis(change, 0, image)


def sharpened(alpha, lightness):
    identity = np.zeros((3, 3))
    identity[1, 1] = 1
    strong = np.full((3, 3), -1.0)
    strong[1, 1] = 8 + lightness
    kernel = (1 - alpha) * identity + alpha * strong
    return np.stack([convolve(plane, kernel, mode="mirror") for plane in image]).clip(0, 1)


def downscaled(ratio):
    kept = np.arange(ratio // 2, size, ratio)
    at = np.clip(np.arange(size), kept[0], kept[-1])
    places = np.stack(np.meshgrid(at, at, indexing="ij"), -1)
    return np.stack([RegularGridInterpolator((kept, kept), plane[np.ix_(kept, kept)])(places) for plane in image])


def moved(scale_x, scale_y, right, down):
    middle = (size - 1) / 2
    rows = middle + (np.arange(size) - middle - down * size) / scale_y
    columns = middle + (np.arange(size) - middle - right * size) / scale_x
    places = np.stack(np.meshgrid(rows, columns, indexing="ij"))
    return np.stack([map_coordinates(plane, places, order=1, mode="mirror") for plane in image])


def packed(values):
    return [round(float(value), 7) for value in values.ravel()]


content = {
    "size": size,
    "image": packed(image),
    "hueSaturationValue": [
        {"change": {"hue": h, "saturation": s, "value": v}, "result": packed(hue_saturation_value(h, s, v))}
        for h, s, v in [(0.03, 1.3, 0.9), (-0.3, 0.6, 1.4), (0, 1, 1)]
    ],
    "sharpen": {"alpha": 0.35, "lightness": 0.7, "result": packed(sharpened(0.35, 0.7))},
    "downscale": [{"ratio": ratio, "result": packed(downscaled(ratio))} for ratio in (2, 4)],
    "move": {
        "move": {"scaleX": 0.9, "scaleY": 1.06, "right": 0.13, "down": -0.07},
        "result": packed(moved(0.9, 1.06, 0.13, -0.07)),
    },
}
path = Path("src/systems/forgery/fixtures/self-blend.json")
path.parent.mkdir(parents=True, exist_ok=True)
path.write_text(json.dumps(content, separators=(",", ":")) + "\n")
print(f"{path}: {path.stat().st_size} bytes")
