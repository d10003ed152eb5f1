"""Notes to the user about a blinking study."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.analyses.blinking.data_notes import list_data_notes
from umlpsd_gpu.analyses.blinking.fitting_scales import count_samples
from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.analyses.blinking.spectrum_notes import list_spectrum_notes
from umlpsd_gpu.clustering.cluster import Clustering
from umlpsd_gpu.clustering.notes import budget_notes, outlier_notes
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.scale import Scale
from umlpsd_gpu.spectrum.lines import find_line
from umlpsd_gpu.spectrum.result import PowerLawFit
from umlpsd_gpu.traces.traces import Traces

MIN_TRACES = 3
# Traces with missing values that are looked at, so that many cost no time
MOST_LOOKED_AT = 1000


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
    n_cropped = _count_early_ends(traces, usable)
    advice = (
        f"{n_cropped} of them only end before the others; add --unequal-lengths crop to cut all "
        "to the shortest"
    )
    if n_usable < MIN_TRACES:
        more = "choose a lower --threshold, or add" if of_pixels else "add"
        more = advice if n_cropped else f"{more} movies or tables"
        raise TracesError(
            f"{n_usable} of {traces.n_traces} traces can be clustered (finite and not constant), "
            f"and a study needs at least {MIN_TRACES}; {more}{_list_first(traces.notes)}"
        )
    notes = list(traces.notes)
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
        f"infinite values, {n_flagged - not_finite} are constant."
        + (f" {advice[0].upper()}{advice[1:]}." if n_cropped else ""),
    ]


def _count_early_ends(traces: Traces, usable: np.ndarray) -> int:
    """Return the number of traces whose only fault are missing values at their ends."""
    n_found = 0
    for row in np.flatnonzero(~usable)[:MOST_LOOKED_AT].tolist():
        values = traces.values[row]
        known = np.flatnonzero(np.isfinite(values))
        n_found += 0 < known.size < values.size and known[-1] == known.size - 1
    return n_found


def _list_first(notes: tuple[str, ...]) -> str:
    """Return notes of the reader for the end of an error message."""
    return "".join(f" ({note.rstrip('.')})" for note in notes[:1])


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
    line = find_line(traces, usable)
    on_cpu = device == "cpu"
    of_pixels = settings.traces.mode == "pixels"
    explanation = "pixels between domains" if of_pixels else "multi-state blinking"
    return [
        *(budget_notes(clustering.sweeps, n_samples, settings.sweep.budget_s) if on_cpu else ()),
        *_note_constant(clustering.matrix, clustering.decision.scale),
        *list_data_notes(traces, usable, line),
        *list_spectrum_notes(fit, usable, settings.spectrum.method, line),
        *outlier_notes(clustering.outliers, explanation, items="traces", table="traces.csv"),
    ]


def _note_constant(scaled: np.ndarray, scale: str) -> list[str]:
    """Return a note on traces that are constant (all 0) at the chosen scale."""
    n_flat = np.count_nonzero(~scaled.any(axis=1))
    return [f"{n_flat} of {len(scaled)} traces are constant at {scale}."] if n_flat else []
