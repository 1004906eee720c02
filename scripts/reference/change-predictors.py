"""Writes src/systems/progression/prediction/fixtures/change-predictors.json: a table with what scikit-learn makes of it.

Independent of the TypeScript. The rows are the first problem of Friedman (1991): y depends on five of ten columns, through a product, a
square and two lines. Penalties of ridge regression count per row. Run from the repository root:

    python3 scripts/reference/change-predictors.py      (numpy 1.24, scikit-learn 1.2)
"""

import json
from pathlib import Path

import numpy as np
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

rng = np.random.default_rng(8)


def friedman(rows):
    x = rng.uniform(size=(rows, 10)).round(4)
    y = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    return x, (y + rng.normal(size=rows)).round(4)


x, y = friedman(200)
test, truth = friedman(250)

ridge = []
for penalty in [1, 0.1, 0.001]:
    model = make_pipeline(StandardScaler(), Ridge(alpha=penalty * len(y))).fit(x, y)
    ridge.append({"penalty": penalty, "predicted": model.predict(test)[:20].tolist()})

# One column, so that no two columns can split alike; and all, where the cut decides which.
trees = []
for columns, depth, leaf in [([3], 3, 5), ([2], 5, 2), (list(range(10)), 4, 5)]:
    model = DecisionTreeRegressor(max_depth=depth, min_samples_leaf=leaf, random_state=0).fit(x[:, columns], y)
    thresholds = sorted(model.tree_.threshold[model.tree_.feature >= 0].tolist())
    predicted = model.predict(test[:, columns])[:40].tolist()
    trees.append({"columns": columns, "depth": depth, "leaf": leaf, "cuts": thresholds, "predicted": predicted})

forests = [
    r2_score(truth, RandomForestRegressor(100, max_features=4, min_samples_leaf=5, random_state=seed).fit(x, y).predict(test))
    for seed in range(10)
]
boosted = [
    r2_score(
        truth,
        GradientBoostingRegressor(
            n_estimators=300, learning_rate=0.05, max_depth=3, min_samples_leaf=5, subsample=0.7, max_features=5, random_state=seed
        )
        .fit(x, y)
        .predict(test),
    )
    for seed in range(10)
]

guess = (truth + rng.normal(0, 3, len(truth))).round(3)

numbers = np.where(rng.uniform(size=(30, 2)) < 0.25, np.nan, rng.normal(size=(30, 2)).round(3))
numbers[:, 1] = np.where(np.isnan(numbers[:, 1]), 0.5, numbers[:, 1])  # nothing is missing in this one
words = rng.integers(0, 3, size=(30, 1))
sexes = rng.integers(0, 2, size=(30, 1))
encoded = np.hstack(
    [
        SimpleImputer(strategy="median").fit_transform(numbers[:, :1]),
        np.isnan(numbers[:, :1]).astype(float),
        SimpleImputer(strategy="median").fit_transform(numbers[:, 1:]),
        OneHotEncoder(sparse_output=False).fit_transform(words),
        OneHotEncoder(sparse_output=False, drop="if_binary").fit_transform(sexes),
    ]
)
cells = np.hstack([numbers, words, sexes])

reference = {
    "train": {"x": x.tolist(), "y": y.tolist()},
    "test": {"x": test.tolist(), "y": truth.tolist()},
    "ridge": ridge,
    "trees": trees,
    "forest": {"r2": forests},
    "boosting": {"r2": boosted},
    "measures": {"guess": guess.tolist(), "r2": r2_score(truth, guess), "meanAbsoluteError": mean_absolute_error(truth, guess)},
    "encoding": {"cells": [[None if np.isnan(v) else v for v in row] for row in cells.tolist()], "encoded": encoded.tolist()},
}
target = Path("src/systems/progression/prediction/fixtures/change-predictors.json")
target.parent.mkdir(exist_ok=True)
target.write_text(json.dumps(reference, separators=(",", ":")) + "\n")
print(f"{target}: {target.stat().st_size} bytes; forest {np.mean(forests):.3f}, boosting {np.mean(boosted):.3f}")
