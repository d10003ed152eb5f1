"""The options that all sweeps of an analysis share."""

from __future__ import annotations

from dataclasses import dataclass

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.keywords import whole_number

SILHOUETTE_METRICS = ("sqeuclidean", "euclidean")


@dataclass(frozen=True)
class SweepOptions:
    """Options of a sweep, checked when they are made.

    Attributes
    ----------
    seed : int
        Seed of the random starts; 0 or larger.
    n_epochs : int
        Independent K-means runs for every K; at least 1.
    silhouette_metric : {"sqeuclidean", "euclidean"}
        Distance inside the silhouette.
    max_iter : int
        Largest number of Lloyd iterations in a run; at least 1.
    budget_s : float, optional
        Predicted seconds on two cores (budget.py) beyond which Euclidean silhouettes are computed
        for a random sample of the traces only; above 0. Default: silhouettes of all traces.

    Raises
    ------
    SettingsError
        If a value is outside its limits.
    """

    seed: int = 0
    n_epochs: int = 100
    silhouette_metric: str = "sqeuclidean"
    max_iter: int = 100
    budget_s: float | None = None

    def __post_init__(self) -> None:
        """Check the limits."""
        for name, least in (("seed", 0), ("n_epochs", 1), ("max_iter", 1)):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), least))
        if self.silhouette_metric not in SILHOUETTE_METRICS:
            raise SettingsError(
                "silhouette_metric must be 'sqeuclidean' or 'euclidean', got "
                f"'{self.silhouette_metric}'"
            )
        if self.budget_s is not None and not self.budget_s > 0:
            raise SettingsError(
                f"budget_s must be above 0, or None for no budget, got {self.budget_s}"
            )
