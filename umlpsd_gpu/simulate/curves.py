"""Simulated maps of current-voltage curves with known truth: domains of three kinds of contact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.simulate.grains import grain_image

BOLTZMANN_EV_K = 8.617333262e-5
RICHARDSON_A_M2_K2 = 1.2017e6
KINDS = "schottky", "ohmic", "sclc"
# Bisections of the voltage across a junction; the bracket shrinks to 1e-15 of the bias.
N_BISECTIONS = 50


@dataclass(frozen=True)
class CurvesRecipe:
    """What to simulate.

    Attributes
    ----------
    n_rows, n_cols : int
        Grid.
    n_points : int
        Of each curve.
    bias_v : float
        Curves go from minus to plus this bias, in volts.
    n_grains : int
        Domains; the kinds of contact are assigned to them in turn.
    kinds : tuple of str
        Of ``"schottky"``, ``"ohmic"``, ``"sclc"``.
    noise_a : float
        Standard deviation of the noise, in amperes.
    current_offset_a, bias_offset_v : float
        Offsets of amplifier and bias.
    clipped_share : float
        Share of the curves that reach the compliance.
    dead_share : float
        Share of the pixels without contact: noise only.
    hysteresis_v : float or None
        Shift of a backward sweep, in volts; None: forward sweep only.
    spread : float
        Relative standard deviation of the parameters among the pixels of a kind.
    temperature_k, area_m2 : float
        Of Schottky contacts.
    barrier_ev : float
        Mean barrier height of Schottky contacts; their ideality is 1.3, with series resistance.
    pixel_m : float
        Distance of neighbouring pixels.
    seed : int
    """

    n_rows: int = 60
    n_cols: int = 120
    n_points: int = 256
    bias_v: float = 1.0
    n_grains: int = 12
    kinds: tuple[str, ...] = KINDS
    noise_a: float = 2e-12
    current_offset_a: float = 5e-12
    bias_offset_v: float = 3e-3
    clipped_share: float = 0.05
    dead_share: float = 0.03
    hysteresis_v: float | None = None
    spread: float = 0.15
    temperature_k: float = 300.0
    area_m2: float = 1e-15
    barrier_ev: float = 0.36
    pixel_m: float = 10e-9
    seed: int = 0


@dataclass(frozen=True, eq=False)
class SimulatedCurves:
    """A simulated map and its truth.

    Attributes
    ----------
    bias : ndarray, shape (n_points,)
        In volts.
    current : dict of str to ndarray, shape (n_curves, n_points)
        In amperes, by sweep.
    shape : (n_rows, n_cols)
    positions : ndarray, shape (n_curves, 2)
        x and y in metres.
    height : ndarray, shape (n_curves,)
        In metres.
    compliance_a : float
        Infinite if nothing is clipped.
    truth : dict of str to ndarray, shape (n_curves,)
        ``kind`` (index in the recipe, −1 for dead pixels), ``grain``, ``is_clipped``,
        ``ideality``, ``saturation_current_a``, ``series_resistance_ohm``, ``barrier_ev``,
        ``conductance_s``, ``sclc_a_per_v2``; NaN where a kind has no such parameter.
    noiseless : dict of str to ndarray, shape (n_curves, n_points)
        Currents without noise, offsets and clipping, over ``bias − bias offset``.
    recipe : CurvesRecipe
    """

    bias: np.ndarray
    current: dict[str, np.ndarray]
    shape: tuple[int, int]
    positions: np.ndarray
    height: np.ndarray
    compliance_a: float
    truth: dict[str, np.ndarray]
    noiseless: dict[str, np.ndarray]
    recipe: CurvesRecipe


def simulate_curves(recipe: CurvesRecipe | None = None, **changes: object) -> SimulatedCurves:
    """Simulate a map of curves.

    Parameters
    ----------
    recipe : CurvesRecipe, optional
    **changes
        Fields of the recipe.

    Returns
    -------
    SimulatedCurves

    Raises
    ------
    SettingsError
        If a kind is unknown, or a share is not between 0 and 1.

    Examples
    --------
    >>> from umlpsd_gpu.simulate.curves import simulate_curves
    >>> simulated = simulate_curves(n_rows=12, n_cols=12, n_grains=3, n_points=64)
    >>> simulated.current["forward"].shape
    (144, 64)
    """
    values = vars(recipe or CurvesRecipe()) | changes
    recipe = CurvesRecipe(**values)
    _check(recipe)
    rng = np.random.default_rng(recipe.seed)
    shape = recipe.n_rows, recipe.n_cols
    grain = grain_image(rng, shape, recipe.n_grains, "domains").ravel()
    truth = _parameters(rng, recipe, (grain.astype(np.int64) - 1) % len(recipe.kinds))
    truth["grain"] = grain
    bias = np.linspace(-recipe.bias_v, recipe.bias_v, recipe.n_points)
    shifts = {"forward": 0.0}
    if recipe.hysteresis_v is not None:
        shifts["backward"] = recipe.hysteresis_v
    ideal = {
        name: currents_of(truth, bias - recipe.bias_offset_v - shift, recipe)
        for name, shift in shifts.items()
    }
    compliance = _compliance(ideal, recipe.clipped_share)
    recorded = {}
    for name, values_a in ideal.items():
        noisy = values_a + recipe.current_offset_a + rng.normal(0, recipe.noise_a, values_a.shape)
        recorded[name] = np.clip(noisy, -compliance, compliance)
    truth["is_clipped"] = np.logical_or.reduce(
        [(np.abs(each) >= compliance).sum(axis=1) >= 3 for each in recorded.values()]
    )
    rows, cols = (indices.ravel() for indices in np.indices(shape))
    positions = recipe.pixel_m * np.stack([cols, rows], axis=1).astype(np.float64)
    height = 2e-9 * (grain % 5) + rng.normal(0, 2e-10, grain.size)
    return SimulatedCurves(
        bias, recorded, shape, positions, height, compliance, truth, ideal, recipe
    )


def currents_of(
    truth: Mapping[str, np.ndarray], bias: np.ndarray, recipe: CurvesRecipe
) -> np.ndarray:
    """Return the currents of pixels without noise, offsets and clipping.

    Parameters
    ----------
    truth : mapping of str to ndarray, shape (n_curves,)
    bias : ndarray, shape (n_points,)
        At the sample, in volts.
    recipe : CurvesRecipe

    Returns
    -------
    ndarray, shape (n_curves, n_points)
        In amperes.
    """
    current = np.zeros((truth["kind"].size, bias.size))
    for number, kind in enumerate(recipe.kinds):
        of_kind = truth["kind"] == number
        if kind == "schottky":
            names = "ideality", "saturation_current_a", "series_resistance_ohm"
            ideality, saturation_a, resistance = (truth[name][of_kind, None] for name in names)
            current[of_kind] = _schottky(
                bias, ideality, saturation_a, resistance, recipe.temperature_k
            )
        elif kind == "ohmic":
            current[of_kind] = truth["conductance_s"][of_kind, None] * bias
        else:
            squares = np.sign(bias) * np.square(bias)
            current[of_kind] = truth["sclc_a_per_v2"][of_kind, None] * squares
    return current


def _check(recipe: CurvesRecipe) -> None:
    unknown = [kind for kind in recipe.kinds if kind not in KINDS]
    if unknown or not recipe.kinds:
        raise SettingsError(
            f"kinds of curves must be of {', '.join(KINDS)}, got {', '.join(unknown) or 'none'}"
        )
    for name in ("clipped_share", "dead_share"):
        share = getattr(recipe, name)
        if not 0 <= share < 1:
            raise SettingsError(f"{name} must be at least 0 and below 1, got {share}")
    if recipe.n_points < 8:
        raise SettingsError(f"curves must have at least 8 points, got {recipe.n_points}")


def _parameters(
    rng: np.random.Generator, recipe: CurvesRecipe, kind: np.ndarray
) -> dict[str, np.ndarray]:
    """Draw the parameters of every pixel."""
    n = kind.size

    def drawn(of_kind: str, mean: float, spread: float = recipe.spread) -> np.ndarray:
        number = recipe.kinds.index(of_kind) if of_kind in recipe.kinds else -2
        values = mean * np.exp(spread * rng.standard_normal(n))
        chosen: np.ndarray = np.where(kind == number, values, np.nan)
        return chosen

    ideality = drawn("schottky", 1.3, 0.02)
    # a spread of 4 meV in the barrier is one of 15 % in the saturation current
    thermal_ev = BOLTZMANN_EV_K * recipe.temperature_k
    barrier = drawn("schottky", recipe.barrier_ev, recipe.spread * thermal_ev / recipe.barrier_ev)
    largest = RICHARDSON_A_M2_K2 * recipe.area_m2 * recipe.temperature_k**2
    parameters = {
        "ideality": ideality,
        "barrier_ev": barrier,
        "saturation_current_a": largest * np.exp(-barrier / thermal_ev),
        "series_resistance_ohm": drawn("schottky", 2e7),
        "conductance_s": drawn("ohmic", 5e-9),
        "sclc_a_per_v2": drawn("sclc", 1e-9),
    }
    is_dead = rng.random(n) < recipe.dead_share
    return {"kind": np.where(is_dead, -1, kind), **parameters}


def _schottky(
    bias: np.ndarray,
    ideality: np.ndarray,
    saturation_a: np.ndarray,
    resistance: np.ndarray,
    temperature_k: float,
) -> np.ndarray:
    """Solve I = I₀ exp(u/nkT) (1 − exp(−u/kT)), u = V − I R, by bisection in u."""
    thermal = BOLTZMANN_EV_K * temperature_k
    low = np.broadcast_to(np.minimum(bias, 0), (len(ideality), bias.size)).copy()
    high = np.broadcast_to(np.maximum(bias, 0), low.shape).copy()

    def junction(u: np.ndarray) -> np.ndarray:
        value: np.ndarray = saturation_a * (
            np.exp(u / (ideality * thermal)) - np.exp(u / (ideality * thermal) - u / thermal)
        )
        return value

    for _ in range(N_BISECTIONS):
        middle = (low + high) / 2
        too_high = middle + resistance * junction(middle) > bias
        high = np.where(too_high, middle, high)
        low = np.where(too_high, low, middle)
    return junction((low + high) / 2)


def _compliance(ideal: Mapping[str, np.ndarray], share: float) -> float:
    """Return the current that this share of the curves exceeds in at least three points."""
    if share == 0:
        return np.inf
    third_largest = np.max(
        [np.sort(np.abs(values), axis=1)[:, -3] for values in ideal.values()], axis=0
    )
    return float(np.quantile(third_largest, 1 - share))
