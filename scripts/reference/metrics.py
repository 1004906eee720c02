"""Writes src/metrics/fixtures/metrics.json: small data sets with reference values of every measure.

Independent of the TypeScript: scikit-learn for the ROC AUC, the average precision and F1; scipy.ndimage for regions; the
per-region overlap naively, by thresholding at every distinct score. Run from the repository root:

    python3 scripts/reference/metrics.py      (numpy 1.24, scipy 1.10, scikit-learn 1.2)
"""

import json
from pathlib import Path

import numpy as np
from scipy import ndimage
from sklearn import metrics

rng = np.random.default_rng(20240)


def image_case(name, scores, labels, threshold):
    scores = np.asarray(scores, dtype=np.float32)
    precision, recall, thresholds = metrics.precision_recall_curve(labels, scores)
    f1 = [metrics.f1_score(labels, scores >= t) for t in thresholds]
    best = max(f1)
    true_negative, false_positive, false_negative, true_positive = metrics.confusion_matrix(labels, scores >= threshold).ravel()
    return {
        "name": name,
        "scores": [float(s) for s in scores],
        "labels": [int(l) for l in labels],
        "auroc": metrics.roc_auc_score(labels, scores),
        "averagePrecision": metrics.average_precision_score(labels, scores),
        "f1": best,
        "f1Threshold": float(max(t for t, value in zip(thresholds, f1) if value > best - 1e-12)),
        "threshold": threshold,
        "confusion": [int(n) for n in (true_positive, false_positive, true_negative, false_negative)],
    }


def image_cases():
    labels = (rng.random(120) < 0.35).astype(int)
    smooth = rng.normal(size=120) + 1.1 * labels
    yield image_case("continuous, both signs", smooth, labels, 0.5)
    yield image_case("heavy ties", np.round(2 * smooth) / 2, labels, 1.0)
    yield image_case("separable", labels + 0.5 * rng.random(120), labels, 1.0)
    yield image_case("all scores equal", np.full(120, 0.25), labels, 0.25)
    yield image_case("rare anomalies", rng.normal(size=200) + 2 * (np.arange(200) < 5), (np.arange(200) < 5).astype(int), 1.5)


def pixel_images(ties):
    images = []
    for width, height, defects in [(24, 18, 3), (10, 31, 2), (17, 17, 0), (20, 20, 5), (13, 8, 1), (16, 9, 0)]:
        mask = np.zeros((height, width), dtype=np.uint8)
        for _ in range(defects):
            y, x = rng.integers(0, height - 2), rng.integers(0, width - 2)
            mask[y : y + rng.integers(1, 7), x : x + rng.integers(1, 7)] = 255
        if defects == 5:  # a staircase: one region with corners joined, several without
            for step in range(6):
                mask[step, 14 + step] = 255
        scores = rng.normal(size=mask.shape) + (mask > 0) * rng.uniform(0.5, 2.5)
        scores = (np.round(8 * scores) / 8 if ties else scores).astype(np.float32)
        ignore = (rng.random(mask.shape) < 0.15).astype(np.uint8) if defects in (0, 2) else None
        images.append({"width": width, "height": height, "map": scores, "mask": mask, "ignore": ignore, "normal": defects == 0})
    return images


def per_region_overlap(images, limit, connectivity):
    structure = np.ones((3, 3)) if connectivity == 8 else None
    regions, normal = [], []
    for image in images:
        counted = np.ones(image["mask"].shape, bool) if image["ignore"] is None else image["ignore"] == 0
        labels, count = ndimage.label(image["mask"] > 0, structure=structure)
        for region in range(1, count + 1):
            scores = image["map"][(labels == region) & counted]
            if scores.size:
                regions.append(scores)
        normal.append(image["map"][(image["mask"] == 0) & counted])
    normal = np.concatenate(normal)
    thresholds = np.unique(np.concatenate([normal, *regions]))[::-1]
    rates = np.array([0.0] + [np.mean(normal >= t) for t in thresholds])
    overlaps = np.array([0.0] + [np.mean([np.mean(region >= t) for region in regions]) for t in thresholds])
    area = 0.0
    for i in range(1, len(rates)):
        if rates[i - 1] >= limit or rates[i] == rates[i - 1]:
            continue
        right = min(rates[i], limit)
        at_right = overlaps[i - 1] + (overlaps[i] - overlaps[i - 1]) * (right - rates[i - 1]) / (rates[i] - rates[i - 1])
        area += (right - rates[i - 1]) * (overlaps[i - 1] + at_right) / 2
    return area / limit, len(regions)


def pixel_case(name, images):
    counted = [np.ones(i["mask"].shape, bool) if i["ignore"] is None else i["ignore"] == 0 for i in images]
    labels = np.concatenate([(i["mask"] > 0)[c] for i, c in zip(images, counted)])
    scores = np.concatenate([i["map"][c] for i, c in zip(images, counted)])
    overlaps = []
    for limit in (0.05, 0.3, 1.0):
        for connectivity in (4, 8):
            value, regions = per_region_overlap(images, limit, connectivity)
            overlaps.append({"limit": limit, "connectivity": connectivity, "regions": regions, "value": value})
    return {
        "name": name,
        "images": [
            {
                "width": i["width"],
                "height": i["height"],
                "map": [float(v) for v in i["map"].ravel()],
                **({} if i["normal"] else {"mask": i["mask"].ravel().tolist()}),
                **({} if i["ignore"] is None else {"ignore": i["ignore"].ravel().tolist()}),
            }
            for i in images
        ],
        "auroc": metrics.roc_auc_score(labels, scores),
        "averagePrecision": metrics.average_precision_score(labels, scores),
        "overlaps": overlaps,
    }


reference = {
    "images": list(image_cases()),
    "pixels": [pixel_case("continuous", pixel_images(False)), pixel_case("ties", pixel_images(True))],
}
target = Path("src/metrics/fixtures/metrics.json")
target.write_text(json.dumps(reference, separators=(",", ":")) + "\n")
print(f"{target}: {target.stat().st_size} bytes")
for case in reference["pixels"]:
    print(case["name"], case["auroc"], case["averagePrecision"], case["overlaps"])
