"""Validate a result of any analysis: simulate data like it, and count what is found again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.protocol import Analysis
from umlpsd_gpu.analyses.registry import get_analysis
from umlpsd_gpu.analyses.validation_protocol import Recovery
from umlpsd_gpu.compute.context import Clock, Context, Progress, report_nothing
from umlpsd_gpu.compute.versions import recorded_versions
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.validation.ensembles import draw_seeds
from umlpsd_gpu.validation.rates import NORMAL_975, Rate, rate_of

MOST_DATA_SETS = 10_000


@dataclass(frozen=True)
class RecoveredQuantity:
    """A quantity over all simulated data.

    Attributes
    ----------
    group, name : str
    truth : float
    found, errors : ndarray, shape (n,)
        In each data set, NaN where it was not found; and the standard error that was stated, NaN
        without one.
    """

    group: str
    name: str
    truth: float
    found: np.ndarray
    errors: np.ndarray

    @property
    def is_found(self) -> np.ndarray:
        """Where it was found; ndarray of bool, shape (n,)."""
        is_found: np.ndarray = ~np.isnan(self.found)
        return is_found

    @property
    def mean(self) -> float:
        """Mean of what was found; float, NaN if it never was."""
        return float(self.found[self.is_found].mean()) if self.is_found.any() else math.nan

    @property
    def bias(self) -> float:
        """Mean of what was found less the truth; float, NaN if it never was found."""
        return self.mean - self.truth

    @property
    def rms(self) -> float:
        """Root of the mean square of the deviation from the truth; float, NaN as for `bias`."""
        if not self.is_found.any():
            return math.nan
        return float(np.sqrt(np.mean((self.found[self.is_found] - self.truth) ** 2)))

    @property
    def coverage(self) -> Rate | None:
        """How often the 95 % interval holds the truth; Rate, or None where no error is stated."""
        is_stated = self.is_found & ~np.isnan(self.errors)
        if not is_stated.any():
            return None
        deviations = np.abs(self.found[is_stated] - self.truth)
        holds = deviations <= NORMAL_975 * self.errors[is_stated]
        return rate_of(int(holds.sum()), len(holds))


@dataclass(frozen=True)
class ResultValidation:
    """How well an analysis finds a result again in simulated data.

    Attributes
    ----------
    analysis : str
    caption : str
        What was simulated.
    origin : str
        Name of the folder of the result.
    seed : int
    k_true : int
    k_found : tuple of int or None
        In each data set; None where it could not be decided.
    probabilities : ndarray, shape (n,)
        Stated probability that the number is right.
    quantities : tuple of RecoveredQuantity
    settings : AnalysisSettings
    timings_s : dict of str to float
        Wall time of each step, in seconds.
    device : str
    versions : dict of str to str
    """

    analysis: str
    caption: str
    origin: str
    seed: int
    k_true: int
    k_found: tuple[int | None, ...]
    probabilities: np.ndarray
    quantities: tuple[RecoveredQuantity, ...]
    settings: Any
    timings_s: dict[str, float]
    device: str
    versions: dict[str, str]

    @property
    def n(self) -> int:
        """Number of simulated data sets; int."""
        return len(self.k_found)

    @property
    def k_right(self) -> Rate:
        """Share of the data sets in which the true number was found; Rate."""
        return rate_of(self.k_found.count(self.k_true), self.n)

    @property
    def undecided(self) -> Rate:
        """Share of the data sets in which the number could not be decided; Rate."""
        return rate_of(self.k_found.count(None), self.n)


def validate_result(
    result: Any,
    n_data_sets: int = 20,
    seed: int = 0,
    origin: str = "",
    progress: Progress = report_nothing,
) -> ResultValidation:
    """Analyse simulated data for which a result is the truth.

    Parameters
    ----------
    result : Result
        Of an analysis that can simulate data like its results.
    n_data_sets : int
        1 to 10,000.
    seed : int
        Of what is simulated, at least 0.
    origin : str
        Name of the result, for the page.
    progress : callable
        Called with ("data sets", n_done, n_data_sets).

    Returns
    -------
    ResultValidation
        The same seed gives the same numbers, except ``timings_s``.

    Raises
    ------
    SettingsError
        If a number is not allowed, or results of this analysis can't be validated.
    """
    if not 1 <= n_data_sets <= MOST_DATA_SETS:
        raise SettingsError(f"ensembles must be 1 to {MOST_DATA_SETS}, got {n_data_sets}")
    if seed < 0:
        raise SettingsError(f"the seed must be 0 or above, got {seed}")
    analysis = get_analysis(result.analysis)
    settings = analysis.settings_like(result)
    device, clock = analysis.device_of(settings), Clock()
    found: list[Recovery] = []
    progress("data sets", 0, n_data_sets)
    for number in draw_seeds(seed, 2, n_data_sets):
        found.append(_recover(analysis, result, settings, int(number), device, clock))
        progress("data sets", len(found), n_data_sets)
    return ResultValidation(
        analysis=analysis.name,
        caption=analysis.validation_caption,
        origin=origin,
        seed=seed,
        k_true=found[0].k_true,
        k_found=tuple(each.k_found for each in found),
        probabilities=np.array([each.probability for each in found]),
        quantities=tuple(_combine(found)),
        settings=settings,
        timings_s=clock.seconds,
        device=device,
        versions=recorded_versions(device),
    )


def _recover(
    analysis: Analysis[Any, Any], result: Any, settings: Any, seed: int, device: Any, clock: Clock
) -> Recovery:
    with clock.timing("simulate"):
        source = analysis.simulate_like(result, seed)
    with clock.timing("analyse"):
        again = analysis.run(source, settings, Context(device))
    return analysis.compare_with(result, again)


def _combine(found: Sequence[Recovery]) -> list[RecoveredQuantity]:
    columns = zip(*(each.quantities for each in found), strict=True)
    return [
        RecoveredQuantity(
            column[0].group,
            column[0].name,
            column[0].truth,
            np.array([each.found for each in column]),
            np.array([each.error for each in column]),
        )
        for column in columns
    ]


def notes_of_result(validation: ResultValidation) -> list[str]:
    """Return what the user should know of a validation.

    Parameters
    ----------
    validation : ResultValidation

    Returns
    -------
    list of str
    """
    notes, right = [], validation.k_right
    low, high = 100 * right.low, 100 * right.high
    if validation.n < 10:
        notes.append(
            f"{validation.n} simulated data set{'s' * (validation.n > 1)} can only show that the "
            f"number is found in {low:.0f} to {high:.0f} % of cases; simulate more with "
            "--ensembles."
        )
    mean = float(validation.probabilities.mean())
    if mean > right.high:
        notes.append(
            f"The stated probability is too high for these data: its mean is {mean:.2f}, but the "
            f"number is found in {100 * right.share:.0f} % ({low:.0f} to {high:.0f} %)."
        )
    for quantity in validation.quantities:
        coverage = quantity.coverage
        if coverage is not None and coverage.high < 0.95 and math.isfinite(quantity.rms):
            notes.append(
                f"{quantity.group}, {quantity.name}: only {100 * coverage.share:.0f} % of the 95 % "
                f"intervals hold the truth; the deviation is {quantity.rms:.2g} (rms)."
            )
    return notes
