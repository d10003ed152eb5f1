"""Renewal processes: dwell times with a power-law density, averaged exactly over frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.errors import SettingsError


@dataclass(frozen=True)
class DwellLaw:
    """Dwell-time density ∝ τ^(−exponent) between ``shortest_s`` and ``longest_s``.

    Attributes
    ----------
    exponent : float
    shortest_s, longest_s : float
        Limits of the dwell time, s.

    Raises
    ------
    SettingsError
        Unless 0 < shortest_s < longest_s.
    """

    exponent: float
    shortest_s: float
    longest_s: float

    def __post_init__(self) -> None:
        """Check the limits."""
        if not 0 < self.shortest_s < self.longest_s:
            raise SettingsError(
                f"dwell times are from {self.shortest_s} s to {self.longest_s} s, but the shortest "
                "must be above 0 and below the longest"
            )

    @property
    def mean_s(self) -> float:
        """Return the mean dwell time in s, ∫τ·τ^(−m)dτ / ∫τ^(−m)dτ."""
        return self._moment(1) / self._moment(0)

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Draw dwell times from the inverse of the cumulative distribution.

        Parameters
        ----------
        rng : numpy.random.Generator
        n : int

        Returns
        -------
        ndarray, shape (n,), s
        """
        return _inverse_power_law(rng.random(n), self.exponent, self.shortest_s, self.longest_s)

    def draw_residual(self, rng: np.random.Generator) -> float:
        """Draw the remaining time of the dwell that is in progress at a random moment.

        A random moment falls into a dwell with a probability proportional to its length (density ∝
        τ·τ^(−m)), at a uniform position. With such a first dwell the process is stationary.

        Parameters
        ----------
        rng : numpy.random.Generator

        Returns
        -------
        float
            In s.
        """
        whole = _inverse_power_law(
            rng.random(1), self.exponent - 1, self.shortest_s, self.longest_s
        )
        return float(whole[0] * rng.random())

    def _moment(self, order: int) -> float:
        power = order + 1 - self.exponent
        if power == 0:
            return float(np.log(self.longest_s / self.shortest_s))
        integral: float = (self.longest_s**power - self.shortest_s**power) / power
        return integral


def _inverse_power_law(u: np.ndarray, exponent: float, low: float, high: float) -> np.ndarray:
    power = 1 - exponent
    if power == 0:
        return low * (high / low) ** u
    values: np.ndarray = (low**power + u * (high**power - low**power)) ** (1 / power)
    return values


def telegraph(
    rng: np.random.Generator, duration_s: float, on: DwellLaw, off: DwellLaw
) -> tuple[np.ndarray, np.ndarray]:
    """Draw alternating ON and OFF dwells that together last at least ``duration_s``.

    Parameters
    ----------
    rng : numpy.random.Generator
    duration_s : float
    on, off : DwellLaw

    Returns
    -------
    dwells_s : ndarray, shape (n,), s
        The first is the rest of a dwell in progress, so that the start phase is random.
    is_on : ndarray of bool, shape (n,)
    """
    starts_on = rng.random() < on.mean_s / (on.mean_s + off.mean_s)
    laws = (off, on) if starts_on else (on, off)
    running = on if starts_on else off
    dwells = [np.array([running.draw_residual(rng)])]
    n_pairs = int(1.2 * duration_s / (on.mean_s + off.mean_s)) + 8
    while sum(block.sum() for block in dwells) < duration_s:
        pairs = [law.draw(rng, n_pairs) for law in laws]
        dwells.append(np.stack(pairs, axis=1).ravel())
    dwells_s = np.concatenate(dwells)
    is_on = np.arange(dwells_s.size) % 2 == (0 if starts_on else 1)
    return dwells_s, is_on


def frame_averages(
    levels: np.ndarray, dwells_s: np.ndarray, n_frames: int, dt_s: float
) -> np.ndarray:
    """Average a piecewise constant signal over every frame, exactly.

    Parameters
    ----------
    levels, dwells_s : ndarray, shape (n,)
        Value and duration (s) of each piece, in time order; the total is at least n_frames · dt_s.
    n_frames : int
    dt_s : float
        Frame interval, s.

    Returns
    -------
    ndarray, shape (n_frames,)
        In the unit of ``levels``.
    """
    switch_times = np.concatenate([[0.0], np.cumsum(dwells_s)])
    area = np.concatenate([[0.0], np.cumsum(levels * dwells_s)])
    edges = np.arange(n_frames + 1) * dt_s
    averages: np.ndarray = np.diff(np.interp(edges, switch_times, area)) / dt_s
    return averages
