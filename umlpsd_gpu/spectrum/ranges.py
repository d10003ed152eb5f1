"""The range of frequencies in which an estimator can be trusted."""

from __future__ import annotations

from umlpsd_gpu.spectrum.log_welch import HIGHEST_FREQUENCY, PERIODS_PER_WINDOW
from umlpsd_gpu.spectrum.result import Spectrum


def trusted_range_hz(spectrum: Spectrum) -> tuple[float, float]:
    """Return the range from three periods per window to 0.4 of the frame rate.

    Below it, the subtracted mean removes power and slower changes leak in. Above it, aliasing adds
    power and the exposure of a frame averages fluctuations away. ``log_welch`` has no frequencies
    outside this range.

    Parameters
    ----------
    spectrum : Spectrum
        If it was not made by `estimators.power_spectrum`, the lower limit is its lowest frequency,
        since its windows are not known.

    Returns
    -------
    low_hz, high_hz : float
        For ``f_range_hz`` of `fit.fit_power_law`, Hz.

    Examples
    --------
    >>> from umlpsd_gpu import power_spectrum
    >>> from umlpsd_gpu.simulate.traces import simulate_traces
    >>> from umlpsd_gpu.spectrum.ranges import trusted_range_hz
    >>> traces = simulate_traces({"TSB": 2}, n_frames=1000, dt_s=0.1).traces
    >>> low_hz, high_hz = trusted_range_hz(power_spectrum(traces, "periodogram"))
    >>> round(low_hz, 3), round(high_hz, 3)
    (0.03, 4.0)
    """
    high_hz = HIGHEST_FREQUENCY / spectrum.dt_s
    if spectrum.method == "log_welch" or spectrum.n_frames == 0:
        return float(spectrum.freqs_hz[0]), high_hz
    n_in_window = spectrum.nperseg or spectrum.n_frames
    return PERIODS_PER_WINDOW / (n_in_window * spectrum.dt_s), high_hz
