"""Traces whose spectral exponent is known: MRC, telegraph, f^(−β) noise."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.simulate.dwell import DwellLaw, frame_averages, telegraph
from umlpsd_gpu.simulate.traces import simulated_traces
from umlpsd_gpu.traces.traces import Traces

SYNTHESIS_FACTOR = 8


def simulate_mrc(
    n_traces: int = 100,
    n_frames: int = 10_000,
    dt_s: float = 0.03,
    rates_hz: tuple[float, float] = (1e-3, 30.0),
    n_centres: int = 10,
    seed: int = 0,
) -> Traces:
    """Simulate the quantum yield of emitters with multiple recombination centres (MRC).

    Y = k_r / (k_r + k_0 + Σ k_i σ_i) with k_r = 1, k_0 = 0, log-normal k_i (median 1, one e-fold of
    spread) [I]. The centres σ_i switch between 0 and 1 with total rates Γ_i, evenly spaced in log Γ
    over ``rates_hz``. In each frame a centre is renewed with probability 1 − e^(−Γ_i dt) and then
    draws a new state, which is exact at the sampled moments.

    Parameters
    ----------
    n_traces, n_frames : int
    dt_s : float
        Frame interval, s.
    rates_hz : (low, high)
        Lowest and highest switching rate, Hz; 1e-3…30 gives β ≈ 1.
    n_centres : int
    seed : int

    Returns
    -------
    Traces
        Yields between 0 and 1, noiseless, float64.

    Raises
    ------
    SettingsError
        If a number or rate is not above 0, or the rates are not in rising order.

    Notes
    -----
    Frantsuzov, Volkán-Kacsó & Jankó, Phys. Rev. Lett. 103, 207402 (2009) [L].

    Examples
    --------
    >>> from umlpsd_gpu.simulate.models import simulate_mrc
    >>> yields = simulate_mrc(n_traces=2, n_frames=300).values
    >>> bool(((yields > 0) & (yields <= 1)).all())
    True
    """
    _check_positive(n_traces=n_traces, n_frames=n_frames, dt_s=dt_s, n_centres=n_centres)
    low_hz, high_hz = rates_hz
    if not 0 < low_hz <= high_hz:
        raise SettingsError(f"rates_hz must be above 0 and in rising order, got {rates_hz}")
    yields = np.empty((n_traces, n_frames))
    gamma_hz = np.geomspace(low_hz, high_hz, n_centres)
    for i, rng in enumerate(_member_rngs(seed, n_traces)):
        trapping = rng.lognormal(0.0, 1.0, n_centres)
        losses = trapping @ _draw_states(rng, gamma_hz, n_frames, dt_s)
        yields[i] = 1 / (1 + losses)
    return simulated_traces(
        yields, dt_s, _number_ids("MRC", n_traces), f"simulated MRC, seed {seed}"
    )


def simulate_telegraph(
    dwell_exponent: float,
    n_traces: int = 100,
    n_frames: int = 10_000,
    dt_s: float = 0.03,
    seed: int = 0,
) -> Traces:
    """Simulate two-state telegraphs between 0 and 1 with dwell density ∝ τ^(−dwell_exponent).

    Dwells last from one frame to the length of the trace. Switching inside a frame is averaged. For
    exponents m between 1 and 3 the spectrum has β ≈ 3 − m.

    Parameters
    ----------
    dwell_exponent : float
    n_traces, n_frames : int
    dt_s : float
        Frame interval, s.
    seed : int

    Returns
    -------
    Traces
        Values from 0 to 1, noiseless, float64.

    Raises
    ------
    SettingsError
        If a number is not above 0, or ``n_frames`` is 1, which leaves no range of dwells.

    Examples
    --------
    >>> from umlpsd_gpu.simulate.models import simulate_telegraph
    >>> simulate_telegraph(1.5, n_traces=2, n_frames=300).values.shape
    (2, 300)
    """
    _check_positive(n_traces=n_traces, n_frames=n_frames, dt_s=dt_s)
    duration_s = n_frames * dt_s
    law = DwellLaw(dwell_exponent, dt_s, duration_s)
    values = np.empty((n_traces, n_frames))
    for i, rng in enumerate(_member_rngs(seed, n_traces)):
        dwells_s, is_on = telegraph(rng, duration_s, law, law)
        values[i] = frame_averages(is_on.astype(float), dwells_s, n_frames, dt_s)
    step = f"simulated telegraph, dwell exponent {dwell_exponent:g}, seed {seed}"
    return simulated_traces(values, dt_s, _number_ids("telegraph", n_traces), step)


def simulate_power_law_noise(
    beta: float,
    n_traces: int = 100,
    n_frames: int = 10_000,
    dt_s: float = 0.03,
    seed: int = 0,
) -> Traces:
    """Simulate Gaussian noise with S(f) ∝ f^(−beta).

    Fourier coefficients of a periodic series eight times as long are drawn, and a random section of
    ``n_frames`` is cut out. Its ends therefore do not meet, and it contains power below its own
    lowest frequency, as a measured trace does.

    Parameters
    ----------
    beta : float
        At least 0.
    n_traces, n_frames : int
    dt_s : float
        Frame interval, s.
    seed : int

    Returns
    -------
    Traces
        Of mean 0 and standard deviation 1 over the long series.

    Raises
    ------
    SettingsError
        If a number is not above 0 or beta is below 0.

    Notes
    -----
    J. Timmer & M. König, Astron. Astrophys. 300, 707 (1995) [L].

    Examples
    --------
    >>> from umlpsd_gpu.simulate.models import simulate_power_law_noise
    >>> simulate_power_law_noise(1.0, n_traces=2, n_frames=300).values.shape
    (2, 300)
    """
    _check_positive(n_traces=n_traces, n_frames=n_frames, dt_s=dt_s)
    if beta < 0:
        raise SettingsError(f"beta must be 0 or above, got {beta}")
    n_long = SYNTHESIS_FACTOR * n_frames
    amplitudes = np.zeros(n_long // 2 + 1)
    amplitudes[1:] = np.arange(1, n_long // 2 + 1) ** (-beta / 2)
    values = np.empty((n_traces, n_frames))
    for i, rng in enumerate(_member_rngs(seed, n_traces)):
        coefficients = amplitudes * (rng.standard_normal((2, amplitudes.size)).T @ [1, 1j])
        long = np.fft.irfft(coefficients, n_long)
        start = int(rng.integers(n_long - n_frames + 1))
        values[i] = long[start : start + n_frames] / long.std()
    step = f"simulated f^-{beta:g} noise, seed {seed}"
    return simulated_traces(values, dt_s, _number_ids("noise", n_traces), step)


def _draw_states(
    rng: np.random.Generator, gamma_hz: np.ndarray, n_frames: int, dt_s: float
) -> np.ndarray:
    drawn = rng.integers(0, 2, (gamma_hz.size, n_frames))
    refresh = rng.random((gamma_hz.size, n_frames)) < -np.expm1(-gamma_hz * dt_s)[:, None]
    refresh[:, 0] = True
    latest = np.maximum.accumulate(np.where(refresh, np.arange(n_frames), 0), axis=1)
    return np.take_along_axis(drawn, latest, axis=1)


def _member_rngs(seed: int, n: int) -> list[np.random.Generator]:
    return [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(n)]


def _number_ids(name: str, n: int) -> list[str]:
    return [f"{name}:{i}" for i in range(n)]


def _check_positive(**numbers: float) -> None:
    for name, number in numbers.items():
        if not number > 0:
            raise SettingsError(f"{name} must be above 0, got {number}")
