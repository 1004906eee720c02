"""Writes src/imaging/fixtures/resample.json: a small picture blurred by SciPy and resized by Pillow, in floating point.

    python3 scripts/reference/resample.py      (numpy 1.24, scipy 1.10, Pillow 9.4)
"""

import json
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

HEIGHT, WIDTH = 11, 14
picture = np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def blurred(sigma):
    values = picture.astype(np.float64)
    return ndimage.gaussian_filter(values, (sigma, sigma, 0), mode="reflect", truncate=4)


def resized(width, height):
    planes = [Image.fromarray(picture[..., c].astype(np.float32)).resize((width, height), Image.BILINEAR) for c in range(3)]
    return np.stack([np.asarray(plane) for plane in planes], -1)


def values(array):
    return [round(float(value), 4) for value in array.ravel()]


reference = {
    "width": WIDTH,
    "height": HEIGHT,
    "data": picture.ravel().tolist(),
    "blurred": [{"sigma": sigma, "data": values(blurred(sigma))} for sigma in (0.5, 1, 2.5)],
    "resized": [{"width": w, "height": h, "data": values(resized(w, h))} for w, h in ((7, 5), (9, 4), (20, 17), (14, 3), (1, 1))],
}
target = Path("src/imaging/fixtures/resample.json")
target.write_text(json.dumps(reference, separators=(",", ":")) + "\n")
print(f"{target}: {target.stat().st_size} bytes")
