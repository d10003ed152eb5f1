"""A study → conditions like its own: frames, interval, number of traces, counts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.preprocessing.bin import bin_mean
from umlpsd_gpu.simulate.camera import READ_NOISE_COUNTS
from umlpsd_gpu.simulate.traces import PAPER_MIX
from umlpsd_gpu.validation.ensembles import Conditions

# Averages over this many frames have a third of the noise, and most traces sometimes stay ON for
# longer, so that the brightest and darkest averages show levels instead of noise [I].
FRAMES_AVERAGED = 10
BRIGHT_PERCENT = 99
DARK_SHARE = 0.1
# 90 % of the traces, so that a few aggregates do not determine the range [I]
TRACES_PERCENT = (5, 95)
# the quietest traces, since others may never be dark [I]
DARK_TRACES_PERCENT = 10
LEAST_N_FRAMES = 4 * FRAMES_AVERAGED


def conditions_like(
    study: Study, classes: Mapping[str, int] | None = None, origin: str = "a study"
) -> Conditions:
    """Return conditions with a study's frames, interval, number of traces and counts.

    Only the effect of noise on a trace matters, since scaling and spectra do not depend on its
    level. The background is therefore chosen so that the simulated camera has the noise of the
    study's dark frames, whether or not the study's own background was subtracted.

    Parameters
    ----------
    study : Study
    classes : mapping of str to int, optional
        Default: as many traces as the study clustered, in equal parts PEB, TSB and PBB, since a
        study does not show which cluster is which class.
    origin : str
        Name of the study, for the page.

    Returns
    -------
    Conditions

    Raises
    ------
    SettingsError
        If the traces are too short or too dark to estimate counts.
    """
    values = study.traces.values[study.clustered]
    if values.shape[1] < LEAST_N_FRAMES:
        raise SettingsError(
            f"the study's traces have {values.shape[1]} frames, too few to estimate their counts "
            f"(at least {LEAST_N_FRAMES}); use --counts and --background without --like"
        )
    on_counts, background_counts = estimate_counts(values)
    if not on_counts[0] > 0:
        raise SettingsError(
            "the study's traces don't rise above their noise, so that their counts can't be "
            "estimated; use --counts and --background without --like"
        )
    mix = classes or equal_mix(len(values))
    return Conditions(
        classes=mix,
        n_frames=study.traces.n_frames,
        dt_s=study.traces.dt_s,
        on_counts=on_counts,
        background_counts=background_counts,
        origin=origin,
    )


def equal_mix(n_traces: int) -> dict[str, int]:
    """Divide traces equally among PEB, TSB and PBB; the first ones get the remainder.

    Parameters
    ----------
    n_traces : int

    Returns
    -------
    dict of str to int
    """
    each, left = divmod(n_traces, len(PAPER_MIX))
    return {name: each + (i < left) for i, name in enumerate(PAPER_MIX)}


def estimate_counts(values: np.ndarray) -> tuple[tuple[float, float], float]:
    """Estimate the range of ON counts, and the background with the noise of dark frames.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_frames)
        Counts, finite; at least 40 frames.

    Returns
    -------
    on_counts : (low, high)
        5th and 95th percentile over the traces of: the 99th percentile of averages over 10 frames,
        less the dark level, which is the mean of the darkest tenth of these averages. Rounded to 3
        digits. Accurate to about 10 %; too low for traces that brighten for longer than they last.
    background_counts : float
        Background at which 2 · background + 5², the variance of dark frames of the simulated
        camera, equals the estimated one (the mean variance within the darkest tenth; 10th
        percentile over the traces), or 0.
    """
    n_whole = values.shape[1] // FRAMES_AVERAGED
    values = values[:, : n_whole * FRAMES_AVERAGED]
    means = bin_mean(values, FRAMES_AVERAGED)
    parts = values.reshape(len(values), n_whole, FRAMES_AVERAGED)
    n_dark = max(1, round(DARK_SHARE * n_whole))
    darkest = np.argsort(means, axis=1, kind="stable")[:, :n_dark]
    dark_means = np.take_along_axis(means, darkest, axis=1)
    dark_parts = np.take_along_axis(parts, darkest[:, :, None], axis=1)
    dark_level = np.percentile(dark_means.mean(axis=1), TRACES_PERCENT[0])
    on = np.percentile(means, BRIGHT_PERCENT, axis=1) - dark_level
    variance = np.percentile(dark_parts.var(axis=2, ddof=1).mean(axis=1), DARK_TRACES_PERCENT)
    low, high = np.percentile(on, TRACES_PERCENT)
    background = max(0.0, float(variance - READ_NOISE_COUNTS**2) / 2)
    return (_three_digits(low), _three_digits(high)), _three_digits(background)


def _three_digits(value: float) -> float:
    return float(f"{value:.3g}")
