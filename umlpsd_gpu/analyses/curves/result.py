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
    map : CurveMap
        As recorded.
    conditioned : ConditionedCurves
    clustering : Clustering
        With a place for every pixel; label 0 for those that were not clustered.
    quantities : mapping of str to Quantity
        By name, as ``"zero_bias_conductance"``.
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
