"""Writes src/metrics/fixtures/operating-points.json: costs of decisions and image scores outside ignored pixels.

Independent of the TypeScript: scikit-learn for the rates at every threshold, numpy for the rest, the least cost by trying
every threshold, the estimated one with numpy's own resamples. Run from the repository root:

    python3 scripts/reference/operating-points.py      (numpy 1.24, scikit-learn 1.2)
"""

import json
from pathlib import Path

import numpy as np
from sklearn import metrics

rng = np.random.default_rng(20250)


def cost_of(miss_rate, false_alarm_rate, costs):
    return costs["prevalence"] * costs["miss"] * miss_rate + (1 - costs["prevalence"]) * costs["falseAlarm"] * false_alarm_rate


def rates_at(scores, labels, threshold):
    return np.mean(scores[labels == 1] < threshold), np.mean(scores[labels == 0] >= threshold)


def lowest(scores, labels, costs):
    """The rates and the threshold of least cost by trying halves between all neighbours; of equal ones the highest."""
    distinct = np.unique(scores).astype(float)
    thresholds = np.concatenate([[-np.inf], (distinct[1:] + distinct[:-1]) / 2, [np.inf]])
    rates = [rates_at(scores, labels, t) for t in thresholds]
    cost = np.array([cost_of(*r, costs) for r in rates])
    best = np.flatnonzero(cost <= cost.min() + 1e-12)[-1]
    return thresholds[best], rates[best], cost[best]


def estimated(scores, labels, costs, replicates=4000):
    values = []
    for _ in range(replicates):
        drawn = np.concatenate([rng.choice(np.flatnonzero(labels == c), np.sum(labels == c)) for c in (0, 1)])
        left = np.setdiff1d(np.arange(len(labels)), drawn)
        if len(set(labels[left])) < 2:
            continue
        threshold, _, _ = lowest(scores[drawn], labels[drawn], costs)
        values.append(cost_of(*rates_at(scores[left], labels[left], threshold), costs))
    return {"value": np.mean(values), "low": np.percentile(values, 2.5), "high": np.percentile(values, 97.5)}


def cost_case(name, scores, labels, costs, threshold):
    scores = np.asarray(scores, dtype=np.float32)
    false_alarm_rates, true_positive_rates, thresholds = metrics.roc_curve(labels, scores, drop_intermediate=False)
    best_threshold, (miss_rate, false_alarm_rate), cost = lowest(scores, labels, costs)
    return {
        "name": name,
        "scores": [float(s) for s in scores],
        "labels": [int(l) for l in labels],
        "costs": costs,
        "curve": {  # scikit-learn's first threshold stands for "above every score"
            "thresholds": [float(t) for t in thresholds[:0:-1]],
            "missRates": [float(1 - r) for r in true_positive_rates[::-1]],
            "falseAlarmRates": [float(r) for r in false_alarm_rates[::-1]],
            "costs": [float(cost_of(1 - t, f, costs)) for t, f in zip(true_positive_rates[::-1], false_alarm_rates[::-1])],
        },
        "lowest": {"threshold": best_threshold, "missRate": miss_rate, "falseAlarmRate": false_alarm_rate, "cost": cost},
        "threshold": threshold,
        "costAt": cost_of(*rates_at(scores, labels, threshold), costs),
        "estimated": estimated(scores, labels, costs),
    }


def outside_case(name, share, pixels, ignored):
    values = rng.normal(size=pixels).astype(np.float32)
    ignore = (rng.random(pixels) < ignored).astype(np.uint8)
    counted = np.sort(values[ignore == 0].astype(float))
    return {
        "name": name,
        "map": [float(v) for v in values],
        "ignore": ignore.tolist(),
        "share": share,
        "maximum": counted[-1],
        "top": counted[-max(1, round(share * counted.size)) :].mean(),
    }


labels = (np.arange(90) % 3 == 0).astype(int)
smooth = rng.normal(size=90) + 1.5 * labels
reference = {
    "costs": [
        cost_case("rare and dear defects", smooth, labels, {"miss": 200, "falseAlarm": 5, "prevalence": 0.02}, 0.5),
        cost_case("heavy ties", np.round(2 * smooth) / 2, labels, {"miss": 3, "falseAlarm": 1, "prevalence": 0.25}, 1.0),
        cost_case("few images", smooth[:24], labels[:24], {"miss": 1, "falseAlarm": 1, "prevalence": 0.5}, 0.25),
    ],
    "outside": [
        outside_case("one percent", 0.01, 400, 0.3),
        outside_case("a third", 1 / 3, 100, 0.6),
        outside_case("all", 1, 50, 0.2),
        outside_case("less than a pixel", 0.001, 60, 0.5),
    ],
}
target = Path("src/metrics/fixtures/operating-points.json")
target.write_text(json.dumps(reference, separators=(",", ":")) + "\n")
print(f"{target}: {target.stat().st_size} bytes")
for case in reference["costs"]:
    print(case["name"], case["lowest"], case["costAt"], case["estimated"])
