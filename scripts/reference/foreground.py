"""Writes src/imaging/foreground/fixtures/foreground.json: Otsu thresholds, morphology and minimum cuts of small pictures.

Independent of the TypeScript: Otsu by trying every threshold with numpy, morphology and regions by scipy.ndimage, flows by
scipy.sparse.csgraph.maximum_flow. Run from the repository root:

    python3 scripts/reference/foreground.py      (numpy 1.24, scipy 1.10)
"""

import json
from pathlib import Path

import numpy as np
from scipy import ndimage
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import maximum_flow

rng = np.random.default_rng(11)


def otsu(values, levels):
    """The middle of the best thresholds, by the variances within the two classes."""
    within = {}
    for t in range(levels - 1):
        low, high = values[values <= t], values[values > t]
        if len(low) and len(high):
            within[t] = len(low) * low.var() + len(high) * high.var()
    least = min(within.values())
    best = [t for t, value in within.items() if value <= least * (1 + 1e-12) + 1e-12]
    return (best[0] + best[-1]) // 2


def otsu_cases():
    samples = [
        np.concatenate([rng.normal(60, 15, 700), rng.normal(170, 20, 300)]),
        np.concatenate([rng.normal(20, 3, 5000), rng.normal(120, 40, 400)]),
        np.concatenate([np.full(10, 30), np.full(4, 90)]),
        rng.uniform(0, 255, 500),
    ]
    cases = []
    for sample in samples:
        values = np.clip(np.round(sample), 0, 255).astype(int)
        cases.append({"histogram": np.bincount(values, minlength=256).tolist(), "threshold": int(otsu(values, 256))})
    return cases


def disc(radius):
    reach = int(np.floor(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return x * x + y * y <= radius * radius


def morphology_cases():
    cases = []
    for width, height, radius in [(17, 13, 1), (23, 19, 2.5), (31, 20, 4), (9, 9, 0)]:
        mask = ndimage.gaussian_filter(rng.normal(size=(height, width)), 1.2) > 0.05
        dilated = lambda m: ndimage.binary_dilation(m, disc(radius))
        eroded = lambda m: ndimage.binary_erosion(m, disc(radius), border_value=1)
        labels, count = ndimage.label(mask, np.ones((3, 3)))
        areas = ndimage.sum(mask, labels, range(count + 1))
        holes, _ = ndimage.label(~mask)
        rim = set(np.concatenate([holes[0], holes[-1], holes[:, 0], holes[:, -1]]))
        hole_areas = np.bincount(holes.ravel())
        filled = mask | np.isin(holes, [h for h in range(1, len(hole_areas)) if hole_areas[h] < 6 and h not in rim])
        bits = lambda m: "".join("1" if v else "0" for v in m.ravel())
        cases.append(
            {
                "width": width,
                "height": height,
                "radius": radius,
                "mask": bits(mask),
                "dilated": bits(dilated(mask)),
                "eroded": bits(eroded(mask)),
                "opened": bits(dilated(eroded(mask))),
                "closed": bits(eroded(dilated(mask))),
                "without10": bits(areas[labels] >= 10),
                "filled6": bits(filled),
            }
        )
    return cases


def cut_cases():
    cases = []
    for width, height in [(1, 1), (2, 2), (5, 4), (7, 7), (12, 9), (20, 16), (30, 24)]:
        terminals = rng.integers(-60, 61, (height, width))
        neighbours = {name: rng.integers(0, 30, (height, width)) for name in ("right", "downLeft", "down", "downRight")}
        steps = {"right": (0, 1), "downLeft": (1, -1), "down": (1, 0), "downRight": (1, 1)}
        source, sink = width * height, width * height + 1
        rows, columns, capacities = [], [], []
        for y in range(height):
            for x in range(width):
                pixel, difference = y * width + x, int(terminals[y, x])
                if difference > 0:
                    rows.append(source), columns.append(pixel), capacities.append(difference)
                if difference < 0:
                    rows.append(pixel), columns.append(sink), capacities.append(-difference)
                for name, (down, across) in steps.items():
                    if 0 <= x + across < width and y + down < height:
                        other = (y + down) * width + x + across
                        weight = int(neighbours[name][y, x])
                        rows += [pixel, other]
                        columns += [other, pixel]
                        capacities += [weight, weight]
        graph = coo_matrix((capacities, (rows, columns)), shape=(sink + 1, sink + 1)).tocsr().astype(np.int32)
        cases.append(
            {
                "width": width,
                "height": height,
                "terminals": terminals.ravel().tolist(),
                **{name: weights.ravel().tolist() for name, weights in neighbours.items()},
                "flow": int(maximum_flow(graph, source, sink).flow_value),
            }
        )
    return cases


path = Path("src/imaging/foreground/fixtures/foreground.json")
path.parent.mkdir(exist_ok=True)
result = {"otsu": otsu_cases(), "morphology": morphology_cases(), "cuts": cut_cases()}
path.write_text(json.dumps(result, separators=(",", ":")) + "\n")
