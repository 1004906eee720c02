"""
Mutual information by Parzen windows as src/imaging/registration defines it, in plain numpy and scipy, and the derivative of its
normalised form by central differences. Writes src/imaging/registration/fixtures/mutual-information.json:

    python3 scripts/reference/registration.py
"""
import json
from pathlib import Path

import numpy as np
from scipy.interpolate import BSpline
from scipy.ndimage import map_coordinates

BINS, FREE = 32, 2
cubic = BSpline.basis_element([-2, -1, 0, 1, 2], extrapolate=False)


def sample(volume, affine, points):
    """Trilinear values at points in mm; volume is [slices, height, width]."""
    index = np.linalg.solve(affine[:, :3], (points - affine[:, 3]).T)
    return index, map_coordinates(volume, index[::-1], order=1, mode="nearest")


def measures(fixed, fixed_affine, fixed_range, moving, moving_affine, moving_range, points, transform):
    _, f = sample(fixed, fixed_affine, points)
    index, m = sample(moving, moving_affine, points @ transform[:, :3].T + transform[:, 3])
    size = np.array(moving.shape[::-1])[:, None]
    inside = ((index >= 0) & (index <= size - 1)).all(axis=0)
    share = (f - fixed_range[0]) / (fixed_range[1] - fixed_range[0])
    f_bin = FREE + np.clip(np.floor(share * (BINS - 2 * FREE)), 0, BINS - 2 * FREE - 1).astype(int)
    m_bin = FREE + (np.clip(m, *moving_range) - moving_range[0]) * (BINS - 2 * FREE - 1) / (moving_range[1] - moving_range[0])
    joint = np.zeros((BINS, BINS))
    for one in np.flatnonzero(inside):
        joint[f_bin[one]] += np.nan_to_num(cubic(np.arange(BINS) - m_bin[one]))
    joint /= joint.sum()

    def entropy(p):
        p = p[p > 0]
        return -(p * np.log(p)).sum()

    hf, hm, hj = entropy(joint.sum(1)), entropy(joint.sum(0)), entropy(joint)
    return {"mutualInformation": hf + hm - hj, "normalised": (hf + hm) / hj, "overlap": inside.mean()}


rng = np.random.default_rng(3)
smooth = lambda shape: map_coordinates(
    rng.normal(size=[4, 4, 4]), np.stack(np.meshgrid(*[np.linspace(0, 3, n) for n in shape], indexing="ij")), order=3
)
fixed = (100 * smooth([6, 7, 8])).astype(np.float32).astype(float)
moving = (50 * np.abs(smooth([7, 9, 6])) - 20).astype(np.float32).astype(float)
fixed_affine = np.array([[2.0, 0.1, 0, -8], [-0.1, 1.5, 0.2, -5], [0, 0.1, 3, -7]])
moving_affine = np.array([[2.6, 0, 0.3, -7], [0, 1.4, -0.1, -6], [-0.2, 0, 2.7, -8]])
transform = np.array([[0.99, 0.08, -0.02, 0.4], [-0.07, 1.02, 0.05, -0.3], [0.01, -0.06, 0.97, 0.2]])
points = (rng.uniform([0, 0, 0], [7, 6, 5], size=[600, 3]) @ fixed_affine[:, :3].T) + fixed_affine[:, 3]
fixed_range, moving_range = [-90.0, 110.0], [-15.0, 30.0]  # narrower than the values
arguments = (fixed, fixed_affine, fixed_range, moving, moving_affine, moving_range, points)
gradient = []
for n in range(12):
    step = np.zeros(12)
    step[n] = 1e-6
    up, down = [measures(*arguments, transform + sign * step.reshape(3, 4))["normalised"] for sign in (1, -1)]
    gradient.append((up - down) / 2e-6)

rounded = lambda array: [float(f"{value:.9g}") for value in np.asarray(array).ravel()]
out = Path(__file__).parents[2] / "src/imaging/registration/fixtures/mutual-information.json"
out.write_text(
    json.dumps(
        {
            "fixed": {"size": [8, 7, 6], "affine": rounded(fixed_affine), "range": fixed_range, "data": rounded(fixed)},
            "moving": {"size": [6, 9, 7], "affine": rounded(moving_affine), "range": moving_range, "data": rounded(moving)},
            "points": rounded(points),
            "transform": rounded(transform),
            "expected": measures(*arguments, transform),
            "gradient": gradient,
        }
    )
    + "\n"
)
print(measures(*arguments, transform), gradient)
