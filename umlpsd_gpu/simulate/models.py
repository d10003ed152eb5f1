"""Trajectories whose power-spectrum exponent is known: MRC, telegraph, f^(−β) noise."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.simulate.dwell import DwellLaw, frame_averages, telegraph
from umlpsd_gpu.simulate.traces import simulated
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

    Y = k_r / (k_r + k_0 + Σ k_i σ_i) with k_r = 1, k_0 = 0, log-normal k_i (median 1, one e-fold
    of spread) [I], and centres σ_i that switch between 0 and 1 with total rates Γ_i, evenly spaced
    in log Γ over ``rates_hz``. Each frame a centre forgets its state with probability
    1 − e^(−Γ_i dt) and draws a new one: exact at the sampled moments. Frantsuzov, Volkán-Kacsó &
    Jankó, Phys. Rev. Lett. 103, 207402 (2009).

    Parameters
    ----------
    rates_hz : tuple of float
        Lowest and highest switching rate; 1e-3…30 gives β ≈ 1.

    Returns
    -------
    Traces
        Yields between 0 and 1, noiseless, float64, shape (n_traces, n_frames).

    Raises
    ------
    SettingsError
        If a number or rate is not above 0, or the rates fall.
    """
    _check_positive(n_traces=n_traces, n_frames=n_frames, dt_s=dt_s, n_centres=n_centres)
    low_hz, high_hz = rates_hz
    if not 0 < low_hz <= high_hz:
        raise SettingsError(f"rates_hz must rise and be above 0, got {rates_hz}")
    yields = np.empty((n_traces, n_frames))
    gamma_hz = np.geomspace(low_hz, high_hz, n_centres)
    for i, rng in enumerate(_member_rngs(seed, n_traces)):
        trapping = rng.lognormal(0.0, 1.0, n_centres)
        losses = trapping @ _refreshed_states(rng, gamma_hz, n_frames, dt_s)
        yields[i] = 1 / (1 + losses)
    return simulated(yields, dt_s, _numbered("MRC", n_traces), f"simulated MRC, seed {seed}")


def simulate_telegraph(
    dwell_exponent: float,
    n_traces: int = 100,
    n_frames: int = 10_000,
    dt_s: float = 0.03,
    seed: int = 0,
) -> Traces:
    """Simulate two-state telegraphs between 0 and 1 with dwell density ∝ τ^(−dwell_exponent).

    Dwells run from one frame to the length of the trace; switching inside a frame is averaged.
    For exponents m between 1 and 3 the spectrum has β ≈ 3 − m.

    Raises
    ------
    SettingsError
        If a number is not above 0, or ``n_frames`` is 1 (no range of dwells).
    """
    _check_positive(n_traces=n_traces, n_frames=n_frames, dt_s=dt_s)
    duration_s = n_frames * dt_s
    law = DwellLaw(dwell_exponent, dt_s, duration_s)
    values = np.empty((n_traces, n_frames))
    for i, rng in enumerate(_member_rngs(seed, n_traces)):
        dwells_s, is_on = telegraph(rng, duration_s, law, law)
        values[i] = frame_averages(is_on.astype(float), dwells_s, n_frames, dt_s)
    step = f"simulated telegraph, dwell exponent {dwell_exponent:g}, seed {seed}"
    return simulated(values, dt_s, _numbered("telegraph", n_traces), step)


def simulate_power_law_noise(
    beta: float,
    n_traces: int = 100,
    n_frames: int = 10_000,
    dt_s: float = 0.03,
    seed: int = 0,
) -> Traces:
    """Simulate Gaussian noise with S(f) ∝ f^(−beta).

    Fourier coefficients of a periodic series eight times as long are drawn and one random stretch
    of ``n_frames`` is cut out, so that the ends do not meet and the trace also holds power below
    its own lowest frequency, as a measured one does (Timmer & König, A&A 300, 707, 1995).

    Returns
    -------
    Traces
        Mean of the long series 0, its standard deviation 1.

    Raises
    ------
    SettingsError
        If a number is not above 0 or beta is below 0.
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
    return simulated(values, dt_s, _numbered("noise", n_traces), step)


def _refreshed_states(
    rng: np.random.Generator, gamma_hz: np.ndarray, n_frames: int, dt_s: float
) -> np.ndarray:
    drawn = rng.integers(0, 2, (gamma_hz.size, n_frames))
    refresh = rng.random((gamma_hz.size, n_frames)) < -np.expm1(-gamma_hz * dt_s)[:, None]
    refresh[:, 0] = True
    latest = np.maximum.accumulate(np.where(refresh, np.arange(n_frames), 0), axis=1)
    return np.take_along_axis(drawn, latest, axis=1)


def _member_rngs(seed: int, n: int) -> list[np.random.Generator]:
    return [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(n)]


def _numbered(name: str, n: int) -> list[str]:
    return [f"{name}:{i}" for i in range(n)]


def _check_positive(**numbers: float) -> None:
    for name, number in numbers.items():
        if not number > 0:
            raise SettingsError(f"{name} must be above 0, got {number}")
