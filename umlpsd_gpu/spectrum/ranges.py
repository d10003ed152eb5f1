"""Which frequencies an estimator serves well."""

from __future__ import annotations

from umlpsd_gpu.spectrum.log_welch import HIGHEST_FREQUENCY, PERIODS_PER_WINDOW
from umlpsd_gpu.spectrum.result import Spectrum


def trusted_range_hz(spectrum: Spectrum) -> tuple[float, float]:
    """Return the range with three periods in a window and below 0.4 of the frame rate.

    Fewer periods see what the removed mean takes along and what leaks from slower changes; beyond,
    aliases pile up and frames average the signal away. ``log_welch`` keeps to this range by itself;
    of the other two this is the range that it has.

    Parameters
    ----------
    spectrum : Spectrum
        One that isn't `estimators.power_spectrum`'s has no windows: its lowest frequency counts.

    Returns
    -------
    low_hz, high_hz : float
        For `fit.fit_power_law`.
    """
    high_hz = HIGHEST_FREQUENCY / spectrum.dt_s
    if spectrum.method == "log_welch" or spectrum.n_frames == 0:
        return float(spectrum.freqs_hz[0]), high_hz
    n_in_window = spectrum.nperseg or spectrum.n_frames
    return PERIODS_PER_WINDOW / (n_in_window * spectrum.dt_s), high_hz
