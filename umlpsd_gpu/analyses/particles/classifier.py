"""A classifier of particles: learnt from the classes of a study, applied to other images.

The file holds what was learnt from, and the classifier is trained again when it is loaded: the same
support vector machine on every machine, and no file that could run code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.errors import SettingsError

FORMAT, VERSION = "umlpsd_gpu particle classifier", 1
# Of each class; training takes a time that grows with the square
MOST_OF_CLASS = 1500
N_FOLDS, FEWEST_OF_CLASS = 5, 10
SEED = 99
CHOICES = {"svc__C": [1.0, 10.0, 100.0], "svc__gamma": ["scale", 0.03, 0.3]}


@dataclass(frozen=True, eq=False)
class Classifier:
    """A support vector machine and what it was trained on.

    Attributes
    ----------
    features : tuple of str
        Names of the columns.
    matrix : ndarray of float, shape (n, n_features)
        The particles that it was trained on.
    labels : ndarray of int, shape (n,)
        Their classes, from 1.
    parameters : dict of str to float or str
        ``svc__C`` and ``svc__gamma``, chosen by cross-validation.
    accuracy : float
        Share of the labels that it predicts in cross-validation. The labels are those of a
        clustering of the same features, so that nearly all are right whatever was clustered:
        compare with ``accuracy_shuffled``.
    accuracy_shuffled : float
        The same after clustering the same columns, each shuffled by itself, into as many classes:
        what a classifier reaches where there are no classes.
    """

    features: tuple[str, ...]
    matrix: np.ndarray
    labels: np.ndarray
    parameters: dict[str, Any]
    accuracy: float
    accuracy_shuffled: float

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        """Return the classes of particles.

        Parameters
        ----------
        matrix : ndarray of float, shape (n, n_features)

        Returns
        -------
        ndarray of int16, shape (n,)
            0 where a feature is not finite.
        """
        known = np.isfinite(matrix).all(axis=1)
        found = np.zeros(len(matrix), dtype=np.int16)
        if known.any():
            machine = _machine().set_params(**self.parameters).fit(self.matrix, self.labels)
            found[known] = machine.predict(matrix[known])
        return found

    def save(self, path: str | Path) -> Path:
        """Write the classifier as HDF5.

        Parameters
        ----------
        path : path

        Returns
        -------
        Path
        """
        import h5py

        path = Path(path)
        with h5py.File(path, "w") as file:
            file.attrs.update({"format": FORMAT, "version": VERSION, "features": self.features})
            file.attrs.update({f"parameter {k}": v for k, v in self.parameters.items()})
            file.attrs["accuracy"] = self.accuracy
            file.attrs["accuracy_shuffled"] = self.accuracy_shuffled
            file["matrix"], file["labels"] = self.matrix, self.labels
        return path


def train_classifier(
    features: tuple[str, ...], matrix: np.ndarray, labels: np.ndarray, seed: int = 0
) -> Classifier:
    """Train a classifier on the classes of a clustering.

    Parameters
    ----------
    features : tuple of str
    matrix : ndarray of float, shape (n, n_features)
    labels : ndarray of int, shape (n,)
        From 1; particles with 0, or a feature that is not finite, are left out.
    seed : int, optional

    Returns
    -------
    Classifier

    Raises
    ------
    SettingsError
        If there are fewer than two classes of at least ten particles.
    """
    from sklearn.cluster import KMeans
    from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng([seed, SEED])
    matrix, labels = _draw(matrix, labels, rng)
    sizes = np.unique(labels, return_counts=True)[1]
    if sizes.size < 2 or sizes.min() < FEWEST_OF_CLASS:
        raise SettingsError(
            f"a classifier needs at least two classes of {FEWEST_OF_CLASS} particles, got "
            f"{sizes.size} of {', '.join(map(str, sizes))}; train it on more images"
        )
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed)
    search = GridSearchCV(_machine(), CHOICES, cv=folds).fit(matrix, labels)
    shuffled = rng.permuted(matrix, axis=0)
    scaled = StandardScaler().fit_transform(shuffled)
    without = KMeans(sizes.size, n_init=5, random_state=seed).fit_predict(scaled)
    chance = cross_val_score(
        _machine().set_params(**search.best_params_), shuffled, without, cv=folds
    )
    return Classifier(
        features,
        matrix,
        labels,
        dict(search.best_params_),
        float(search.best_score_),
        float(np.mean(chance)),
    )


def trained_classifier(
    features: tuple[str, ...],
    matrix: np.ndarray,
    labels: np.ndarray,
    parameters: Mapping[str, Any],
    accuracies: tuple[float, float],
    seed: int = 0,
) -> Classifier:
    """Return the classifier that `train_classifier` returned, from what it found.

    Parameters
    ----------
    features, matrix, labels
        As for `train_classifier`.
    parameters : mapping of str to float or str
    accuracies : (float, float)
        Of the classes, and of clusters of shuffled columns.
    seed : int, optional
        That of `train_classifier`.

    Returns
    -------
    Classifier
    """
    drawn = _draw(matrix, labels, np.random.default_rng([seed, SEED]))
    return Classifier(features, *drawn, dict(parameters), *accuracies)


def load_classifier(path: str | Path) -> Classifier:
    """Read a classifier.

    Parameters
    ----------
    path : path

    Returns
    -------
    Classifier

    Raises
    ------
    SettingsError
        If the file is missing, damaged, or something else.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get("format") != FORMAT or file.attrs.get("version") != VERSION:
                raise SettingsError(
                    f"{path} is no classifier of particles of this version; train one with "
                    "--train-classifier"
                )
            head = len("parameter ")
            return Classifier(
                tuple(map(str, file.attrs["features"])),
                file["matrix"][...],
                file["labels"][...],
                {k[head:]: _plain(v) for k, v in file.attrs.items() if k.startswith("parameter ")},
                float(file.attrs["accuracy"]),
                float(file.attrs["accuracy_shuffled"]),
            )
    except (OSError, KeyError) as error:
        raise SettingsError(
            f"{path} can't be read as a classifier ({error}); check its name, or train it again"
        ) from error


def _machine() -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    return make_pipeline(StandardScaler(), SVC())


def _draw(
    matrix: np.ndarray, labels: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return at most so many particles of each class, in order, and their labels."""
    known = np.isfinite(matrix).all(axis=1) & (labels > 0)
    parts = [np.empty(0, dtype=np.intp)]
    for label in np.unique(labels[known]):
        members = np.flatnonzero(known & (labels == label))
        if members.size > MOST_OF_CLASS:
            members = rng.choice(members, MOST_OF_CLASS, replace=False)
        parts.append(members)
    kept = np.sort(np.concatenate(parts))
    return matrix[kept], labels[kept].astype(np.int16)


def _plain(value: Any) -> Any:
    return value if isinstance(value, str) else value.item()
