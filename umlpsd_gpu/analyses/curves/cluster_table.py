"""The table of clusters on the page of a study of curves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.colors import to_hex
from scipy import ndimage

from umlpsd_gpu.analyses.curves.figures.summary_curves import cluster_sizes
from umlpsd_gpu.analyses.curves.quantities.transport_models import MODELS
from umlpsd_gpu.analyses.curves.quantity import Quantity
from umlpsd_gpu.analyses.curves.result import CurveStudy
from umlpsd_gpu.plotting.si_units import quartiles_text
from umlpsd_gpu.plotting.style import cluster_colour

# Connected pixels of a cluster are a domain from this number on.
LEAST_DOMAIN = 4
# Quantities with a row, if they are valid in at least half of the curves of a cluster
QUANTITIES = (
    ("zero_bias_conductance", "Zero-bias conductance"),
    ("rectification", "Rectification"),
    ("turn_on_positive", "Turn-on voltage, V > 0"),
    ("turn_on_negative", "Turn-on voltage, V < 0"),
    ("ideality", "Ideality n"),
    ("series_resistance", "Series resistance"),
    ("saturation_current", "Saturation current"),
    ("barrier_height", "Barrier height"),
    ("ohmic_conductance", "Conductance, ohmic fit"),
    ("space_charge_coefficient", "I/V² of space-charge-limited current"),
    ("poole_frenkel_slope", "Poole–Frenkel slope"),
    ("fowler_nordheim_slope", "Fowler–Nordheim slope"),
    ("simmons_barrier", "Barrier height, Simmons"),
    ("gap", "Gap"),
    ("midgap", "Middle of the gap"),
    ("gap_conductance", "dI/dV in the gap"),
    ("hysteresis_area", "Hysteresis area"),
    ("hysteresis_shift", "Shift between sweeps"),
    ("set_voltage_positive", "Set voltage, V > 0"),
    ("set_voltage_negative", "Set voltage, V < 0"),
    ("reset_voltage_positive", "Reset voltage, V > 0"),
    ("reset_voltage_negative", "Reset voltage, V < 0"),
)


@dataclass(frozen=True)
class ClusterRow:
    """A row of the table.

    Attributes
    ----------
    cluster, n_curves : int
    colour : str
    share : float
        Of the clustered curves, 0…1.
    domains : str
        Number of domains and the largest; empty without a grid.
    model : str
        Most frequent model of transport with its share.
    uncertainty, silhouette : float
        Means; NaN where not defined.
    n_outliers : int
    """

    cluster: int
    n_curves: int
    colour: str
    share: float
    domains: str
    model: str
    uncertainty: float
    silhouette: float
    n_outliers: int


def quantity_rows(study: CurveStudy) -> list[tuple[str, ...]]:
    """Return the rows of the table of quantities: the title, and a text for each cluster.

    Parameters
    ----------
    study : CurveStudy

    Returns
    -------
    list of tuple of str
        Median and quartiles; a dash where fewer than half of the curves of a cluster are valid.
    """
    members = [study.clustering.labels == cluster for cluster in cluster_sizes(study)]
    read = {name: quantity.title for name, quantity in study.quantities.items() if "_at_" in name}
    rows = []
    for name, title in (*read.items(), *QUANTITIES):
        quantity = study.quantities.get(name)
        if quantity is not None and any(_is_known(quantity, each) for each in members):
            rows.append((title, *(_text(quantity, each) for each in members)))
    return rows


def table_rows(study: CurveStudy) -> Iterator[ClusterRow]:
    """Yield a row for each cluster.

    Parameters
    ----------
    study : CurveStudy

    Yields
    ------
    ClusterRow
    """
    clustering = study.clustering
    n_clustered = max(1, int(np.count_nonzero(clustering.labels)))
    for cluster, n in cluster_sizes(study).items():
        members = clustering.labels == cluster
        yield ClusterRow(
            cluster=cluster,
            n_curves=n,
            colour=to_hex(cluster_colour(cluster)),
            share=n / n_clustered,
            domains=_domains(study, members),
            model=_model(study.quantities["transport_model"], members),
            uncertainty=_mean(clustering.label_uncertainty[members]),
            silhouette=_mean(clustering.silhouette[members]),
            n_outliers=int(clustering.outliers.is_outlier[members].sum()),
        )


def _is_known(quantity: Quantity, members: np.ndarray) -> bool:
    n = int(np.count_nonzero(members))
    return n > 0 and int(np.count_nonzero(quantity.is_valid[members])) >= n / 2


def _text(quantity: Quantity, members: np.ndarray) -> str:
    """Write median and quartiles; a dash where fewer than half of the curves are valid."""
    if not _is_known(quantity, members):
        return "–"
    lower, middle, upper = np.percentile(quantity.values[members & quantity.is_valid], [25, 50, 75])
    return quartiles_text(lower, middle, upper, quantity.unit)


def _domains(study: CurveStudy, members: np.ndarray) -> str:
    if study.map.shape is None:
        return ""
    numbered, _ = ndimage.label(members.reshape(study.map.shape))
    sizes = np.bincount(numbered.ravel())[1:]
    large = sizes[sizes >= LEAST_DOMAIN]
    return f"{large.size} (largest {sizes.max():,} px)" if sizes.size else "0"


def _model(quantity: Quantity, members: np.ndarray) -> str:
    numbers = quantity.values[members & quantity.is_valid].astype(int)
    if not numbers.size:
        return "–"
    counts = np.bincount(numbers, minlength=len(MODELS) + 1)
    most = int(np.argmax(counts))
    name = "none fits" if most == 0 else MODELS[most - 1].name
    return f"{name} ({counts[most] / numbers.size:.0%})"


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")
