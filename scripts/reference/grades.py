"""Writes src/metrics/fixtures/grades.json: reference and predicted classes with scikit-learn's measures of them.

Independent of the TypeScript. Run from the repository root:

    python3 scripts/reference/grades.py      (numpy 1.24, scikit-learn 1.2)
"""

import json
import warnings
from pathlib import Path

import numpy as np
from sklearn import metrics

rng = np.random.default_rng(6)
warnings.simplefilter("ignore")


def case(name, reference, predicted, classes):
    """Measures of all classes; those of a class that does not occur are None, and the means are over the others."""
    reference, predicted = np.asarray(reference), np.asarray(predicted)
    labels = list(range(classes))
    precision, recall, f1, support = metrics.precision_recall_fscore_support(reference, predicted, labels=labels, zero_division=0)
    jaccard = metrics.jaccard_score(reference, predicted, labels=labels, average=None, zero_division=0)
    occurs = [label in reference or label in predicted for label in labels]
    means = metrics.precision_recall_fscore_support(reference, predicted, average="macro", zero_division=0)[:3]
    return {
        "name": name,
        "classes": classes,
        "reference": reference.tolist(),
        "predicted": predicted.tolist(),
        "confusion": metrics.confusion_matrix(reference, predicted, labels=labels).tolist(),
        "accuracy": metrics.accuracy_score(reference, predicted),
        "quadraticKappa": metrics.cohen_kappa_score(reference, predicted, labels=labels, weights="quadratic"),
        "perClass": [
            [float(p), float(r), float(f), float(j)] if there else None
            for p, r, f, j, there in zip(precision, recall, f1, jaccard, occurs)
        ],
        "support": support.tolist(),
        "macro": [float(mean) for mean in means],
        "macroJaccard": metrics.jaccard_score(reference, predicted, average="macro", zero_division=0),
    }


grades = rng.choice(6, size=150, p=[0.3, 0.25, 0.15, 0.1, 0.1, 0.1])
near = np.clip(grades + rng.choice([-1, 0, 0, 0, 1, 2], size=150), 0, 5)
cases = [
    case("grades, mostly right", grades, near, 6),
    case("chance", grades, rng.permutation(grades), 6),
    case("worse than chance", grades, 5 - grades, 6),
    case("one predicted class", grades, np.full(150, 1), 6),
    case("classes that never occur", grades[grades < 3], np.minimum(near[grades < 3], 3), 6),
    case("a class that is only predicted", [0, 0, 1, 1, 3], [0, 1, 1, 2, 3], 4),
    case("two classes", (grades > 1).astype(int), (near > 1).astype(int), 2),
]
target = Path("src/metrics/fixtures/grades.json")
target.write_text(json.dumps(cases, separators=(",", ":"), default=int) + "\n")
print(f"{target}: {target.stat().st_size} bytes")
for c in cases:
    print(c["name"], c["quadraticKappa"], c["macro"])
