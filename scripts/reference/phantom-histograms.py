"""Classifiers of scikit-learn on the colour histograms that phantom-histograms.mjs wrote: none may exceed a quadratic kappa of 0.6.

    python3 scripts/reference/phantom-histograms.py FOLDER
"""

import json
import sys
import warnings

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import cohen_kappa_score
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

warnings.filterwarnings("ignore")


def roots(histograms):
    """Square roots of the shares: the histogram model's own features."""
    return histograms


def shares(histograms):
    return histograms**2


def densities(histograms):
    """Quantiles of the two stains' densities, as they are and relative to the slide's medians, and shares of bright and dark pixels."""
    middles = (np.arange(8) + 0.5) / 8
    colours = np.stack([axis.ravel() for axis in np.meshgrid(middles, middles, middles, indexing="ij")], 1)
    stains = -np.log(colours) @ np.linalg.pinv(np.array([[0.62, 0.7, 0.35], [0.13, 0.94, 0.3]]))
    brightness = colours.mean(1)
    features = []
    for share in histograms**2:
        row = [share[brightness > 0.85].sum(), share[brightness < 0.4].sum(), share[brightness < 0.5].sum()]
        for stain in stains.T:
            order = np.argsort(stain)
            at = np.searchsorted(np.cumsum(share[order]), [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99])
            values = stain[order][np.minimum(at, 511)]
            row += [*values, *(values / (values[3] + 0.05))]
        features.append(row)
    return np.array(features)


def scaled(*steps):
    return make_pipeline(StandardScaler(), *steps)


classifiers = {
    "random forest": lambda: RandomForestClassifier(500, random_state=0),
    "random forest, regression": lambda: RandomForestRegressor(500, random_state=0),
    "extra trees": lambda: ExtraTreesClassifier(500, random_state=0),
    "gradient boosting": lambda: GradientBoostingClassifier(random_state=0),
    "logistic regression": lambda: scaled(LogisticRegression(C=0.05, max_iter=3000)),
    "principal components, logistic regression": lambda: scaled(PCA(20), LogisticRegression(max_iter=3000)),
    "ridge": lambda: scaled(RidgeCV(np.logspace(0, 5, 11))),
    "support vectors": lambda: scaled(SVC(C=10)),
    "support vectors, regression": lambda: scaled(SVR(C=3)),
    "7 nearest neighbours": lambda: scaled(KNeighborsRegressor(7)),
}

data = json.load(open(f"{sys.argv[1]}/histograms.json"))
histograms = {split: np.array([slide["histogram"] for slide in data[split]]) for split in ("train", "test")}
grades = {split: np.array([slide["grade"] for slide in data[split]]) for split in ("train", "test")}
for name, make in classifiers.items():
    kappas = []
    for features in (roots, shares, densities):
        fitted = make().fit(features(histograms["train"]), grades["train"])
        predicted = np.clip(np.rint(fitted.predict(features(histograms["test"]))), 0, 5).astype(int)
        kappas.append(cohen_kappa_score(grades["test"], predicted, weights="quadratic", labels=range(6)))
    print(f"{name:42s}", *(f"{features.__name__} {kappa:5.2f}" for features, kappa in zip((roots, shares, densities), kappas)))
