"""Notes to the user about a blinking study."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.analyses.blinking.fitting_scales import count_samples
from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.clustering.cluster import Clustering
from umlpsd_gpu.clustering.notes import budget_notes, outlier_notes
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.scale import Scale
from umlpsd_gpu.spectrum.result import PowerLawFit
from umlpsd_gpu.traces.traces import Traces

MIN_TRACES = 3
# Spectra that fit their model fall below this p-value once in a hundred
MISFIT = 0.01


def list_trace_notes(traces: Traces, usable: np.ndarray, k_max: int, of_pixels: bool) -> list[str]:
    """Return notes about traces that can't be clustered.

    Parameters
    ----------
    traces : Traces
    usable : ndarray, shape (n_traces,), bool
        Traces that can be clustered: finite and not constant.
    k_max : int
        Largest trial number of clusters.
    of_pixels : bool
        Whether the traces are pixels of movies.

    Returns
    -------
    list of str

    Raises
    ------
    TracesError
        If fewer than 3 traces can be clustered.
    """
    n_usable, n_flagged = np.count_nonzero(usable), np.count_nonzero(~usable)
    if n_usable < MIN_TRACES:
        more = "choose a lower --threshold, or add" if of_pixels else "add"
        raise TracesError(
            f"{n_usable} of {traces.n_traces} traces can be clustered (finite and not constant), "
            f"and a study needs at least {MIN_TRACES}; {more} movies or tables"
        )
    notes = []
    if n_usable <= k_max:
        notes.append(
            f"K was only tried up to {n_usable - 1}, because {n_usable} traces were clustered."
        )
    if not n_flagged:
        return notes
    not_finite = np.count_nonzero(~traces.finite())
    return [
        *notes,
        f"{n_flagged} of {traces.n_traces} traces were not clustered: {not_finite} have NaN or "
        f"infinite values, {n_flagged - not_finite} are constant.",
    ]


def list_cluster_notes(
    clustering: Clustering,
    traces: Traces,
    fit: PowerLawFit,
    usable: np.ndarray,
    settings: Settings,
    device: str,
) -> list[str]:
    """Return notes about the clusters and the exponents.

    Parameters
    ----------
    clustering : Clustering
    traces : Traces
    fit : PowerLawFit
    usable : ndarray, shape (n_traces,), bool
        Traces that were clustered.
    settings : Settings
    device : str
        ``"cpu"`` or ``"gpu"``.

    Returns
    -------
    list of str
    """
    n_samples = {
        sweep.scale: count_samples(Scale.parse(sweep.scale), traces.n_frames)
        for sweep in clustering.sweeps
    }
    on_cpu = device == "cpu"
    of_pixels = settings.traces.mode == "pixels"
    explanation = "pixels between domains" if of_pixels else "multi-state blinking"
    return [
        *(budget_notes(clustering.sweeps, n_samples, settings.sweep.budget_s) if on_cpu else ()),
        *_note_constant(clustering.matrix, clustering.decision.scale),
        *_note_without_beta(fit.beta[usable]),
        *_note_misfits(fit, usable),
        *outlier_notes(clustering.outliers, explanation, items="traces", table="traces.csv"),
    ]


def _note_constant(scaled: np.ndarray, scale: str) -> list[str]:
    """Return a note on traces that are constant (all 0) at the chosen scale."""
    n_flat = np.count_nonzero(~scaled.any(axis=1))
    return [f"{n_flat} of {len(scaled)} traces are constant at {scale}."] if n_flat else []


def _note_without_beta(beta: np.ndarray) -> list[str]:
    """Return a note on clustered traces whose exponent is not finite."""
    n_nan = np.count_nonzero(~np.isfinite(beta))
    return [f"{n_nan} of {beta.size} clustered traces have no exponent β."] if n_nan else []


def _note_misfits(fit: PowerLawFit, usable: np.ndarray) -> list[str]:
    """Return a note if most spectra are no power laws but were fitted as such."""
    n_misfits = np.count_nonzero(fit.p_value[usable] < MISFIT)
    if fit.model != "power_law" or 2 * n_misfits <= usable.sum():
        return []
    low_hz, high_hz = fit.f_range_hz
    return [
        f"{n_misfits} of {usable.sum()} spectra differ from a power law by more than chance (p < "
        f"{MISFIT}), for example because of shot noise or a knee; their β is a mean slope from "
        f"{low_hz:.3g} to {high_hz:.3g} Hz. Use --psd-model auto to fit a floor or a knee too."
    ]
