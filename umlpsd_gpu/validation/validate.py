"""The verb ``validate``: the user's settings, tried on simulated data like the user's."""

from __future__ import annotations

from functools import partial

from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.compute.context import Clock, Progress
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.validation.ensembles import Conditions, check_settings, drawn_seeds
from umlpsd_gpu.validation.exponents import BETAS, exponent_tests
from umlpsd_gpu.validation.recovery import outcomes_of, recovery_of
from umlpsd_gpu.validation.result import Validation

MOST_ENSEMBLES = 10_000


def validate(
    settings: Settings | None = None,
    conditions: Conditions | None = None,
    n_ensembles: int = 20,
    seed: int = 0,
    progress: Progress | None = None,
) -> Validation:
    """Study simulated ensembles of known truth, and fit noise of known β.

    Parameters
    ----------
    settings : Settings, optional
        Of the studies; those for reading movies have no effect. Defaults as in `run_study`.
    conditions : Conditions, optional
        What is simulated. Default: the paper's 204 traces of three classes.
    n_ensembles : int
        1 to 10,000.
    seed : int
        Of all that is simulated, 0 or above; the seed of K-means is ``settings.sweep.seed``.
    progress : callable, optional
        Told ("ensembles", n_done, n_ensembles) and ("exponents", n_done, n_betas).

    Returns
    -------
    Validation
        Same seed, same numbers, but for ``timings_s``.

    Raises
    ------
    SettingsError
        If a number is not allowed, or settings and conditions don't go together.
    DeviceError
        If the device asked for is not there.
    """
    settings, conditions = settings or Settings(), conditions or Conditions()
    if not 1 <= n_ensembles <= MOST_ENSEMBLES:
        raise SettingsError(f"ensembles can be 1 to {MOST_ENSEMBLES}, got {n_ensembles}")
    if seed < 0:
        raise SettingsError(f"the seed must be 0 or above, got {seed}")
    check_settings(conditions, settings)
    report = progress or (lambda step, done, total: None)
    clock = Clock()
    with clock.timing("ensembles"):
        seeds = drawn_seeds(seed, 0, n_ensembles)
        outcomes = outcomes_of(conditions, settings, seeds, partial(report, "ensembles"))
    with clock.timing("exponents"):
        seeds = drawn_seeds(seed, 1, len(BETAS))
        exponents = exponent_tests(
            conditions, settings, outcomes[0].f_range_hz, seeds, partial(report, "exponents")
        )
    return Validation(
        conditions=conditions,
        settings=settings,
        seed=seed,
        recovery=recovery_of(outcomes, conditions),
        exponents=exponents,
        f_range_hz=outcomes[0].f_range_hz,
        fitting=outcomes[0].fitting,
        timings_s=clock.seconds,
        device=outcomes[0].device,
        versions=outcomes[0].versions,
    )
