"""Writes src/metrics/fixtures/detection-measures.json: scores and maps with reference values of how well they detect.

Independent of the TypeScript: scikit-learn's roc_curve, on which SciPy finds where both error rates are equal, and its area, average
precision, accuracies and Jaccard index. Run from the repository root:

    python3 scripts/reference/detection-measures.py      (numpy 1.24, scipy 1.10, scikit-learn 1.2)
"""

import json
from pathlib import Path

import numpy as np
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn import metrics

rng = np.random.default_rng(7)


def equal_error_rate(labels, scores):
    hit, found, _ = metrics.roc_curve(labels, scores, drop_intermediate=False)
    return brentq(lambda rate: 1 - rate - interp1d(hit, found)(rate), 0, 1, xtol=1e-15, rtol=1e-14)


def image_case(name, scores, labels, threshold):
    scores = np.asarray(scores, dtype=np.float32)
    return {
        "name": name,
        "scores": [float(score) for score in scores],
        "labels": [int(label) for label in labels],
        "threshold": threshold,
        "auc": metrics.roc_auc_score(labels, scores),
        "eer": equal_error_rate(labels, scores),
        "ap": metrics.average_precision_score(labels, scores),
        "accuracy": metrics.accuracy_score(labels, scores >= threshold),
        "balancedAccuracy": metrics.balanced_accuracy_score(labels, scores >= threshold),
    }


def image_cases():
    labels = (rng.random(150) < 0.4).astype(int)
    smooth = rng.normal(size=150) + 1.2 * labels
    yield image_case("continuous, both signs", smooth, labels, 0.5)
    yield image_case("ties between the classes", np.round(1.5 * smooth) / 1.5, labels, 0.6)
    yield image_case("two values", smooth > 0.5, labels, 1)
    yield image_case("separable", labels + 0.5 * rng.random(150), labels, 1.0)
    yield image_case("worse than chance", -smooth, labels, 0.0)
    yield image_case("all scores equal", np.full(150, 0.25), labels, 0.25)
    yield image_case("few of one class", rng.normal(size=60) + 1.5 * (np.arange(60) < 4), (np.arange(60) < 4).astype(int), 1.0)


def region_case(name, threshold, rounding):
    images = []
    for width, height in [(12, 9), (7, 15), (10, 10), (16, 6)]:
        mask = np.zeros((height, width), dtype=np.uint8)
        y, x = rng.integers(0, height - 3), rng.integers(0, width - 3)
        mask[y : y + rng.integers(2, 6), x : x + rng.integers(2, 6)] = 255
        scores = rng.uniform(size=mask.shape) + (mask > 0) * 0.4
        scores = (np.round(scores * rounding) / rounding).astype(np.float32)
        ignore = (rng.random(mask.shape) < 0.1).astype(np.uint8) if width == 10 else None
        images.append((mask, scores, ignore))
    counted = [np.ones(mask.shape, bool) if ignore is None else ignore == 0 for mask, _, ignore in images]
    truth = [mask[c] > 0 for (mask, _, _), c in zip(images, counted)]
    found = [scores[c] for (_, scores, _), c in zip(images, counted)]
    return {
        "name": name,
        "threshold": threshold,
        "images": [
            {
                "width": mask.shape[1],
                "height": mask.shape[0],
                "map": [float(score) for score in scores.ravel()],
                "mask": mask.ravel().tolist(),
                **({} if ignore is None else {"ignore": ignore.ravel().tolist()}),
            }
            for mask, scores, ignore in images
        ],
        "intersectionOverUnion": np.mean([metrics.jaccard_score(t, f >= threshold) for t, f in zip(truth, found)]),
        "averagePrecision": metrics.average_precision_score(np.concatenate(truth), np.concatenate(found)),
    }


reference = {
    "images": list(image_cases()),
    "regions": [region_case("continuous", 0.75, 1e6), region_case("ties", 0.75, 8)],
}
target = Path("src/metrics/fixtures/detection-measures.json")
target.write_text(json.dumps(reference, separators=(",", ":")) + "\n")
print(f"{target}: {target.stat().st_size} bytes")
for case in reference["images"]:
    print(case["name"], {name: round(case[name], 4) for name in ("auc", "eer", "ap", "accuracy", "balancedAccuracy")})
