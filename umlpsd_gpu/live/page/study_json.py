"""The latest decision as plain values for JSON: clusters, profiles over K, and how it came about.

Keys of a study:

``headline``, ``reason``, ``k``, ``scale``, ``is_pixels``
    Of the decision; whether emitters are pixels.
``ids``, ``labels``
    Names of the traces, and their clusters from 1; 0: not clustered.
``clusters``
    A list of ``cluster``, ``colour`` (``"#rrggbb"``), ``n`` (traces), ``beta``, ``beta_stderr``,
    ``beta_low``, ``beta_high`` (95 % interval of ⟨β⟩), ``silhouette``, ``label_uncertainty``.
``profiles``
    ``k_values`` and ``metrics``, a list of ``name``, ``unit``, ``values`` at the decided scale; the
    last one is the probability of each K where the rule gives one.
``mean_traces``
    ``x`` (s) and ``y``, the mean of each cluster's scaled traces.
``spectra``
    ``x`` (Hz), ``y``, ``low``, ``high`` (counts²/Hz): mean spectra, and one standard error to
    either side; by cluster.
``history``
    ``x`` (s of the movie), ``k``, ``confidence``, and ``betas``, a list of ``colour``, ``x``,
    ``y``, ``low``, ``high`` (95 %), one for each colour that clusters had.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import to_hex

from umlpsd_gpu.analyses.blinking.page import headline
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.saved_labels import METRICS, mean_over_epochs
from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.explorer.thinning import thin_curves
from umlpsd_gpu.live.page.colours import ClusterColours
from umlpsd_gpu.live.page.intervals import interval_95
from umlpsd_gpu.live.page.plain import plain_number, plain_numbers
from umlpsd_gpu.live.snapshot import Decided
from umlpsd_gpu.plotting.style import cluster_colour

# columns of a plot, and decisions that it shows
N_COLUMNS, MOST_DECISIONS = 300, 400


def study_of(
    study: Study, history: Sequence[Decided], dt_s: float, colours: ClusterColours
) -> dict[str, Any]:
    """Return what a page shows of the latest decision.

    Parameters
    ----------
    study : Study
    history : sequence of Decided
        All decisions of the run, the oldest first.
    dt_s : float
        Frame interval of the movie in seconds.
    colours : ClusterColours
        Of this run.

    Returns
    -------
    dict
        With the keys in the documentation of this module.
    """
    numbers = colours.follow(study, history)
    decision = study.decision
    return {
        "headline": headline(study),
        "reason": decision.reason,
        "k": int(decision.k_opt),
        "scale": decision.scale,
        "is_pixels": study.settings.traces.mode == "pixels",
        "ids": list(study.traces.ids),
        "labels": study.labels.tolist(),
        "clusters": _clusters(study, numbers),
        "profiles": _profiles(study),
        "mean_traces": _mean_traces(study),
        "spectra": _spectra(study),
        "history": _history(history, dt_s, colours),
    }


def hex_colour(number: int) -> str:
    """Return a cluster's colour as a page writes it.

    Parameters
    ----------
    number : int
        From 1.

    Returns
    -------
    str
        ``"#rrggbb"``.
    """
    colour: str = to_hex(cluster_colour(number))
    return colour


def _clusters(study: Study, colours: tuple[int, ...]) -> list[dict[str, Any]]:
    found = study.clusters
    low, high = interval_95(found.beta_mean, found.beta_stderr, found.n_beta)
    rows = {int(cluster): row for row, cluster in enumerate(found.clusters)}
    listed = []
    for cluster, colour in enumerate(colours, start=1):
        members, row = study.labels == cluster, rows.get(cluster)
        betas = {"beta": found.beta_mean, "beta_stderr": found.beta_stderr,
                 "beta_low": low, "beta_high": high}  # fmt: skip
        listed.append(
            {"cluster": cluster, "colour": hex_colour(colour), "n": int(members.sum())}
            | {k: None if row is None else plain_number(v[row]) for k, v in betas.items()}
            | {
                "silhouette": plain_number(study.silhouette[members].mean()),
                "label_uncertainty": plain_number(study.label_uncertainty[members].mean()),
            }
        )
    return listed


def _profiles(study: Study) -> dict[str, Any]:
    sweep = study.sweep_at(study.decision.scale)
    metrics = [
        {"name": title, "unit": unit, "values": plain_numbers(mean_over_epochs(sweep, name))}
        for name, title, unit in METRICS
    ]
    evidence = study.decision.evidence
    if evidence.k_values.size:
        known = dict(zip(evidence.k_values.tolist(), evidence.probability.tolist(), strict=True))
        of_k = np.array([known.get(k, np.nan) for k in sweep.k_values.tolist()])
        metrics.append({"name": "Probability of K", "unit": "", "values": plain_numbers(of_k)})
    return {"k_values": sweep.k_values.tolist(), "metrics": metrics}


def _mean_traces(study: Study) -> dict[str, Any]:
    labels = study.labels[study.clustered]
    k, n_samples = int(labels.max(initial=0)), study.scaled.shape[1]
    duration_s = study.traces.n_frames * study.traces.dt_s
    x = (np.arange(n_samples) + 0.5) * duration_s / n_samples
    means = np.array([study.scaled[labels == c].mean(axis=0) for c in range(1, k + 1)])
    x, means = thin_curves(x, means.reshape(k, n_samples), N_COLUMNS)
    return {"x": plain_numbers(x), "y": plain_numbers(means)}


def _spectra(study: Study) -> dict[str, Any]:
    freqs_hz, first = np.unique(study.spectrum.freqs_hz, return_index=True)
    mean = study.clusters.psd_mean[:, first]
    error = study.clusters.psd_stderr[:, first]
    # a logarithmic axis has no place for what is not positive
    low = np.where(mean > error, mean - error, mean)
    x, packed = freqs_hz, np.concatenate([mean, low, mean + error])
    x, packed = thin_curves(x, packed, N_COLUMNS, is_log=True)
    y, low, high = np.split(packed, 3)
    return {
        "x": plain_numbers(x),
        "y": plain_numbers(y),
        "low": plain_numbers(low),
        "high": plain_numbers(high),
    }


def _history(history: Sequence[Decided], dt_s: float, colours: ClusterColours) -> dict[str, Any]:
    numbers = colours.of_history(history)
    kept = _kept(len(history))
    shown = [history[i] for i in kept]
    return {
        "x": plain_numbers(np.array([decided.n_frames * dt_s for decided in shown])),
        "k": [int(decided.k) for decided in shown],
        "confidence": plain_numbers(np.array([decided.confidence for decided in shown])),
        "betas": _betas(shown, [numbers[i] for i in kept], dt_s),
    }


def _kept(n: int) -> list[int]:
    """Return the decisions that are shown, the first and the last among them."""
    if n <= MOST_DECISIONS:
        return list(range(n))
    kept: list[int] = np.linspace(0, n - 1, MOST_DECISIONS).round().astype(int).tolist()
    return kept


def _betas(
    shown: Sequence[Decided], numbers: Sequence[tuple[int, ...]], dt_s: float
) -> list[dict[str, Any]]:
    curves: dict[int, list[tuple[float, float, float, int]]] = {}
    for decided, colours in zip(shown, numbers, strict=True):
        values = zip(colours, decided.betas, decided.beta_errors, decided.sizes, strict=True)
        for colour, beta, error, size in values:
            curves.setdefault(colour, []).append((decided.n_frames * dt_s, beta, error, size))
    return [_beta_curve(colour, np.array(curves[colour])) for colour in sorted(curves)]


def _beta_curve(colour: int, values: Array) -> dict[str, Any]:
    x, beta, error, size = values.T
    low, high = interval_95(beta, error, size)
    return {
        "colour": hex_colour(colour),
        "x": plain_numbers(x),
        "y": plain_numbers(beta),
        "low": plain_numbers(low),
        "high": plain_numbers(high),
    }
