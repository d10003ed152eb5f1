"""The result of an analysis of a map of curves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from umlpsd_gpu.analyses.curves.conditioned import ConditionedCurves
from umlpsd_gpu.analyses.curves.curve_map import CurveMap
from umlpsd_gpu.analyses.curves.quantity import Quantity
from umlpsd_gpu.analyses.result import Result
from umlpsd_gpu.clustering.cluster import Clustering


@dataclass(frozen=True, repr=False)
class CurveStudy(Result):
    """Clusters and physical quantities of a map of curves.

    Attributes
    ----------
    settings : CurveSettings
        All settings of the run, defaults included.
    map : CurveMap
        As recorded.
    conditioned : ConditionedCurves
    clustering : Clustering
        With a place for every pixel; label 0 for those that were not clustered.
    quantities : mapping of str to Quantity
        By name, as ``"zero_bias_conductance"``.
    notes : tuple of str
        What the user should know.
    timings_s : dict of str to float
        Wall time of each step, in seconds.
    device : str
        ``"cpu"`` or ``"gpu"``.
    versions : dict of str to str
        Versions of this package and of those it uses.
    """

    analysis: ClassVar[str] = "curves"

    settings: Any
    map: CurveMap
    conditioned: ConditionedCurves
    clustering: Clustering
    quantities: Mapping[str, Quantity]
    notes: tuple[str, ...]
    timings_s: dict[str, float]
    device: str
    versions: dict[str, str]

    @property
    def n_classes(self) -> int:
        """Clusters that are classes; K_opt counts groups of outliers too."""
        return int(self.clustering.labels.max())

    @property
    def n_outlier_groups(self) -> int:
        """Clusters of less than 1 % of the curves, which are outliers."""
        return self.clustering.decision.k_opt - self.n_classes

    def __repr__(self) -> str:
        """Return the answer in a line."""
        confidence, n = self.clustering.decision.confidence, int((self.clustering.labels > 0).sum())
        return f"CurveStudy({self.n_classes} classes of {n} curves, confidence {confidence:.2f})"
