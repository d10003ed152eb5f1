"""Notes about the traces themselves: equal ones, a spectral line, a shared trend."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.spectrum.lines import SpectralLine, find_line
from umlpsd_gpu.traces.shared_trend import find_shared_trend
from umlpsd_gpu.traces.traces import Traces
from umlpsd_gpu.traces.twins import find_twins


def list_data_notes(
    traces: Traces, usable: np.ndarray, line: SpectralLine | None = None
) -> list[str]:
    """Return notes about what a look at the traces shows.

    Parameters
    ----------
    traces : Traces
    usable : ndarray, shape (n_traces,), bool
        Traces that can be clustered.
    line : SpectralLine, optional
        As `find_line` found it.

    Returns
    -------
    list of str
    """
    return [*_note_twins(traces, usable), *_note_line(line), *_note_trend(traces, usable)]


def look_for_notes(traces: Traces) -> list[str]:
    """Return all notes about traces that are not yet analysed.

    Parameters
    ----------
    traces : Traces

    Returns
    -------
    list of str
    """
    usable = traces.usable()
    return [*traces.notes, *list_data_notes(traces, usable, find_line(traces, usable))]


def _note_twins(traces: Traces, usable: np.ndarray) -> list[str]:
    twins = find_twins(traces.values, usable)
    if not twins:
        return []
    first, second = twins[0]
    return [
        f"{len(twins)} of {np.count_nonzero(usable)} clustered traces equal another one after "
        f"scaling (the first: {traces.ids[first]} and {traces.ids[second]}): the same data twice, "
        "or times taken for traces. Leave one out, or standard errors are too small."
    ]


def _note_line(line: SpectralLine | None) -> list[str]:
    if line is None:
        return []
    of_all = f"{line.n_examined} traces"
    limits = f"--f-max-hz {0.7 * line.f_hz:.3g} or --f-min-hz {1.4 * line.f_hz:.3g}"
    where = f"{line.n_traces} of {of_all}" if line.n_traces else f"the mean of {of_all}"
    return [
        f"A spectral line stands out at {line.f_hz:.4g} Hz in {where}, as of mains hum, a "
        "modulated laser or their alias: β of fits across it is not to be trusted. Remove its "
        f"cause, or fit below or above it ({limits})."
    ]


def _note_trend(traces: Traces, usable: np.ndarray) -> list[str]:
    trend = find_shared_trend(traces, usable)
    if trend is None:
        return []
    direction = "rise" if trend.is_rise else "fall"
    return [
        f"The traces {direction} together: a straight line explains {100 * trend.share:.0f} % of "
        "the variance of a typical trace, as for drift or bleaching. It adds power at low "
        "frequencies, most with --psd periodogram."
    ]
