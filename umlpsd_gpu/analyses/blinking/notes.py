"""What the user should know about a blinking study, collected in one place."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.analyses.blinking.fitting_scales import n_samples_at
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


def notes_on_traces(traces: Traces, usable: np.ndarray, k_max: int, of_pixels: bool) -> list[str]:
    """Count what can't be clustered.

    Raises
    ------
    TracesError
        If too little is left.
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
        notes.append(f"K was tried up to {n_usable - 1} only: {n_usable} traces were clustered.")
    if not n_flagged:
        return notes
    not_finite = np.count_nonzero(~traces.finite())
    return [
        *notes,
        f"{n_flagged} of {traces.n_traces} traces are kept but not clustered: {not_finite} hold "
        f"NaN or infinities, {n_flagged - not_finite} are constant.",
    ]


def notes_on_clusters(
    clustering: Clustering,
    traces: Traces,
    fit: PowerLawFit,
    usable: np.ndarray,
    settings: Settings,
    device: str,
) -> list[str]:
    """Say what is noteworthy about the clusters and the exponents."""
    n_samples = {
        sweep.scale: n_samples_at(Scale.parse(sweep.scale), traces.n_frames)
        for sweep in clustering.sweeps
    }
    on_cpu = device == "cpu"
    of_pixels = settings.traces.mode == "pixels"
    explanation = "pixels between domains" if of_pixels else "multi-state blinking"
    return [
        *(budget_notes(clustering.sweeps, n_samples, settings.sweep.budget_s) if on_cpu else ()),
        *_count_flat(clustering.matrix, clustering.decision.scale),
        *_count_without_beta(fit.beta[usable]),
        *_count_misfits(fit, usable),
        *outlier_notes(clustering.outliers, explanation),
    ]


def _count_flat(scaled: np.ndarray, scale: str) -> list[str]:
    """Count traces whose variation is gone at the chosen scale: they are all 0 there."""
    n_flat = np.count_nonzero(~scaled.any(axis=1))
    return [f"{n_flat} of {len(scaled)} traces are constant at {scale}."] if n_flat else []


def _count_without_beta(beta: np.ndarray) -> list[str]:
    """Count the exponents of clustered traces that make no sense."""
    n_nan = np.count_nonzero(~np.isfinite(beta))
    return [f"{n_nan} of {beta.size} clustered traces have no exponent β."] if n_nan else []


def _count_misfits(fit: PowerLawFit, usable: np.ndarray) -> list[str]:
    """Say so where most spectra are no power laws but β of one was asked for."""
    n_misfits = np.count_nonzero(fit.p_value[usable] < MISFIT)
    if fit.model != "power_law" or 2 * n_misfits <= usable.sum():
        return []
    low_hz, high_hz = fit.f_range_hz
    return [
        f"{n_misfits} of {usable.sum()} spectra differ from a power law by more than chance (p < "
        f"{MISFIT}), as shot noise and knees make them: their β is a mean slope from {low_hz:.3g} "
        f"to {high_hz:.3g} Hz. --psd-model auto fits a floor or a knee where there is one."
    ]
