"""Writes src/systems/grading/fixtures/slide-grades.json: slides with the proportions of their patches' grades, and the logistic
regression that scikit-learn fits to them.

Independent of the TypeScript. Proportions are standardised (deviations of at least 0.01), and the bias is the weight of a column of
tens, so that its penalty is a hundredth of the others'. Run from the repository root:

    python3 scripts/reference/slide-grades.py      (numpy 1.24, scikit-learn 1.2)
"""

import json
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

rng = np.random.default_rng(65)


def slides(count, patches):
    """Most patches of a slide are benign, the others mostly of its grade or one beside it."""
    grades = rng.choice(6, size=count, p=[0.28, 0.25, 0.17, 0.12, 0.1, 0.08])
    proportions = []
    for grade in grades:
        share = 0.02 if grade == 0 else rng.uniform(0.05, 0.6)
        around = np.exp(-np.abs(np.arange(6) - grade) * rng.uniform(0.6, 1.6))
        around[0] = 0
        mixture = share * around / around.sum()
        mixture[0] += 1 - mixture.sum()
        proportions.append(rng.multinomial(patches, mixture) / patches)
    return np.array(proportions), grades


def fit(proportions, grades, penalty, balanced):
    mean, deviation = proportions.mean(0), np.maximum(proportions.std(0), 0.01)
    rows = np.hstack([(proportions - mean) / deviation, np.full((len(grades), 1), 10.0)])
    model = LogisticRegression(
        C=1 / penalty,
        fit_intercept=False,
        multi_class="multinomial",
        solver="newton-cg",
        tol=1e-8,
        max_iter=100000,
        class_weight="balanced" if balanced else None,
    ).fit(rows, grades)
    weights = model.coef_[:, :6] / deviation
    return weights, 10 * model.coef_[:, 6] - weights @ mean


train, grades = slides(140, 200)
test, test_grades = slides(120, 200)
fits = []
for penalty, balanced in [(1, False), (0.1, False), (1, True)]:
    weights, bias = fit(train, grades, penalty, balanced)
    odds = np.exp(test @ weights.T + bias)
    fits.append({"penalty": penalty, "balanced": balanced, "probabilities": (odds / odds.sum(1, keepdims=True))[:20].tolist()})
reference = {
    "train": {"proportions": train.tolist(), "grades": grades.tolist()},
    "test": {"proportions": test.tolist(), "grades": test_grades.tolist()},
    "fits": fits,
}
target = Path("src/systems/grading/fixtures/slide-grades.json")
target.parent.mkdir(exist_ok=True)
target.write_text(json.dumps(reference, separators=(",", ":")) + "\n")
print(f"{target}: {target.stat().st_size} bytes")
