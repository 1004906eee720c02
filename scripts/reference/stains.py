"""Writes src/imaging/stains/fixtures/stains.json: a small stained picture with its colour deconvolution, its stains as Macenko's
method finds them, and two normalised versions.

Independent of the TypeScript: the formulas of the papers in numpy (general inverse, eigh, lstsq, percentile). Run from the
repository root:

    python3 scripts/reference/stains.py      (numpy 1.24)
"""

import json
from pathlib import Path

import numpy as np

rng = np.random.default_rng(7)
SIZE = 24


def picture():
    """Mixtures of two stains that are not the default ones, a quarter glass, with sensor noise."""
    stains = np.array([[0.60, 0.72, 0.35], [0.12, 0.90, 0.42]])
    stains /= np.linalg.norm(stains, axis=1, keepdims=True)
    kind = rng.random((SIZE, SIZE))
    haematoxylin = np.where(kind < 0.35, rng.uniform(0.5, 1.1, (SIZE, SIZE)), rng.uniform(0.0, 0.15, (SIZE, SIZE)))
    eosin = np.where(kind < 0.35, rng.uniform(0.0, 0.1, (SIZE, SIZE)), rng.uniform(0.3, 0.8, (SIZE, SIZE)))
    glass = kind > 0.75
    haematoxylin[glass] = eosin[glass] = 0.01
    density = haematoxylin[..., None] * stains[0] + eosin[..., None] * stains[1]
    return np.clip(np.round(255 * 10.0**-density + rng.normal(0, 1.5, (SIZE, SIZE, 3))), 0, 255).astype(np.uint8)


def optical_density(image):
    return -np.log10(np.maximum(image.astype(float), 1) / 255)


def deconvolution(image):
    vectors = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11]])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    residual = np.cross(vectors[0], vectors[1])
    matrix = np.vstack([vectors, residual / np.linalg.norm(residual)])
    return optical_density(image) @ np.linalg.inv(matrix)


def macenko(image, least=0.15, percentile=1):
    density = optical_density(image).reshape(-1, 3)
    tissue = density[density.mean(1) >= least]
    values, vectors = np.linalg.eigh(np.cov(tissue.T))
    plane = vectors[:, np.argsort(values)[::-1][:2]]
    plane = plane * np.where(plane.sum(0) < 0, -1, 1)
    projected = tissue @ plane
    angles = np.arctan2(projected[:, 1], projected[:, 0])
    low, high = np.percentile(angles, [percentile, 100 - percentile])
    found = [np.maximum(plane @ np.array([np.cos(a), np.sin(a)]), 0) for a in (low, high)]
    found = sorted([v / np.linalg.norm(v) for v in found], key=lambda v: -v[0])
    stains = np.array(found)
    amounts = np.linalg.lstsq(stains.T, tissue.T, rcond=None)[0]
    return stains, np.percentile(amounts, 99, axis=1)


def macenko_normalised(image, stains, strength):
    target = np.array([[0.5626, 0.7201, 0.4062], [0.2159, 0.8012, 0.5581]])
    target /= np.linalg.norm(target, axis=1, keepdims=True)
    target_strength = np.array([1.9705, 1.0308]) / np.log(10)
    amounts = np.linalg.lstsq(stains.T, optical_density(image).reshape(-1, 3).T, rcond=None)[0]
    density = target.T @ (amounts * (target_strength / strength)[:, None])
    return np.clip(255 * 10.0**-density.T, 0, 255).reshape(image.shape)


CONES = np.array([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]])
OPPONENTS = np.diag(1 / np.sqrt([3, 6, 2])) @ np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]])


def opponents(image):
    return np.log10(np.maximum(image.reshape(-1, 3).astype(float) @ CONES.T, 1) / 255) @ OPPONENTS.T


def reinhard(image, mean, deviation):
    colours = opponents(image)
    own_mean, own_deviation = colours.mean(0), colours.std(0)
    shifted = (colours - own_mean) / own_deviation * deviation + mean
    cones = 255 * 10.0 ** (shifted @ np.linalg.inv(OPPONENTS).T)
    rgb = np.clip(cones @ np.linalg.inv(CONES).T, 0, 255)
    return {"mean": own_mean.tolist(), "deviation": own_deviation.tolist(), "image": np.round(rgb, 4).ravel().tolist()}


image = picture()
stains, strength = macenko(image)
target = {"mean": [-0.5, 0.02, 0.01], "deviation": [0.2, 0.03, 0.01]}
result = {
    "size": SIZE,
    "image": image.ravel().tolist(),
    "deconvolution": np.round(deconvolution(image), 7).ravel().tolist(),
    "macenko": {
        "haematoxylin": stains[0].tolist(),
        "eosin": stains[1].tolist(),
        "strength": strength.tolist(),
        "image": np.round(macenko_normalised(image, stains, strength), 4).ravel().tolist(),
    },
    "reinhard": {"target": target, **reinhard(image, np.array(target["mean"]), np.array(target["deviation"]))},
}
path = Path("src/imaging/stains/fixtures/stains.json")
path.parent.mkdir(exist_ok=True)
path.write_text(json.dumps(result, separators=(",", ":")) + "\n")
