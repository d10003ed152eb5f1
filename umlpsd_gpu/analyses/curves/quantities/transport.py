"""Quantities of the models of charge transport."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from umlpsd_gpu.analyses.curves.quantities.readings import Readings
from umlpsd_gpu.analyses.curves.quantities.transport_fits import TransportFits, fit_transport
from umlpsd_gpu.analyses.curves.quantities.transport_models import (
    BOLTZMANN_EV_K,
    FOWLER_NORDHEIM,
    MODELS,
    OHMIC,
    POOLE_FRENKEL,
    SIMMONS,
    SIMMONS_DECAY,
    SPACE_CHARGE,
    THERMIONIC,
    TransportModel,
)
from umlpsd_gpu.analyses.curves.quantity import Quantity
from umlpsd_gpu.analyses.curves.settings import QuantitySettings

# A parameter whose standard error exceeds this share of it is not determined.
MOST_ERROR = 0.5
Parameter = tuple[np.ndarray, np.ndarray]


def transport_quantities(
    readings: Readings, settings: QuantitySettings
) -> Iterator[tuple[str, Quantity]]:
    """Yield the model of every curve and the parameters of all models, by name.

    The parameters of a model are valid in the curves for which it is chosen.

    Parameters
    ----------
    readings : Readings
    settings : QuantitySettings

    Yields
    ------
    name, quantity
    """
    found = fit_transport(readings, settings.temperature_k)
    names = ", ".join(f"{place} {model.name}" for place, model in enumerate(MODELS, start=1))
    exact = np.zeros(found.chosen.size)
    number = found.chosen + 1.0
    yield (
        "transport_model",
        readings.quantity(f"Transport model (0 none fits, {names})", "", number, exact),
    )
    yield (
        "transport_support",
        readings.quantity("Akaike weight of the transport model", "", found.support, exact),
    )
    yield from _thermionic(readings, found, settings)
    simple = (
        (OHMIC, 0, "ohmic_conductance", "Conductance, ohmic fit", "S"),
        (
            SPACE_CHARGE,
            0,
            "space_charge_coefficient",
            "I/V² of space-charge-limited current",
            "A/V²",
        ),
        (POOLE_FRENKEL, 1, "poole_frenkel_slope", "Poole–Frenkel slope d ln(I/V) / d√V", "V^-1/2"),
        (FOWLER_NORDHEIM, 1, "fowler_nordheim_slope", "Fowler–Nordheim slope", "V"),
    )
    for model, place, name, title, unit in simple:
        values, errors = _parameter(found, model, place)
        if model in (OHMIC, SPACE_CHARGE):
            values = readings.polarity * values
        valid = _chosen(found, model) & (errors < MOST_ERROR * np.abs(values))
        yield name, readings.quantity(title, unit, values, errors, valid)
    inverse, inverse_error = _parameter(found, SIMMONS, 1)
    values, errors = 1 / inverse, inverse_error / np.square(inverse)
    valid = _chosen(found, SIMMONS) & (errors < MOST_ERROR * values)
    title = "Barrier height, Simmons"
    yield "simmons_barrier", readings.quantity(title, "eV", values, errors, valid)
    values, errors = _simmons_width(found)
    valid = _chosen(found, SIMMONS) & (errors < MOST_ERROR * values)
    title = "Barrier width, Simmons, for the free electron mass"
    yield "simmons_width", readings.quantity(title, "m", values, errors, valid)


def _thermionic(
    readings: Readings, found: TransportFits, settings: QuantitySettings
) -> Iterator[tuple[str, Quantity]]:
    log_saturation, log_error = _parameter(found, THERMIONIC, 0)
    log_ideality, ideality_error = _parameter(found, THERMIONIC, 1)
    resistance, resistance_error = _parameter(found, THERMIONIC, 2)
    chosen = _chosen(found, THERMIONIC) & (log_error < MOST_ERROR) & (ideality_error < MOST_ERROR)
    ideality, saturation = np.exp(log_ideality), np.exp(log_saturation)
    yield (
        "ideality",
        readings.quantity("Ideality n", "", ideality, ideality * ideality_error, chosen),
    )
    yield (
        "saturation_current",
        readings.quantity("Saturation current", "A", saturation, saturation * log_error, chosen),
    )
    valid = chosen & (resistance_error < MOST_ERROR * resistance)
    title = "Series resistance"
    yield (
        "series_resistance",
        readings.quantity(title, "Ω", resistance, resistance_error, valid),
    )
    if settings.area_m2 is None or settings.richardson_a_m2_k2 is None:
        return
    thermal = BOLTZMANN_EV_K * settings.temperature_k
    largest = settings.area_m2 * settings.richardson_a_m2_k2 * settings.temperature_k**2
    barrier = thermal * (np.log(largest) - log_saturation)
    title = f"Barrier height for a contact of {settings.area_m2:.3g} m²"
    yield (
        "barrier_height",
        readings.quantity(title, "eV", barrier, thermal * log_error, chosen & (barrier > 0)),
    )


def _simmons_width(found: TransportFits) -> Parameter:
    """Return the width 4 k √φ / decay of the barrier and its standard error."""
    fit = found.fits[SIMMONS.name]
    inverse_height, rise = fit.parameters[:, 1], fit.parameters[:, 2]
    width = 4 * rise / np.sqrt(inverse_height) / SIMMONS_DECAY
    slopes = np.stack([-width / (2 * inverse_height), width / rise], axis=1)
    variance = np.einsum("ip,ipq,iq->i", slopes, fit.covariance[:, 1:, 1:], slopes)
    return width, np.sqrt(np.maximum(variance, 0))


def _parameter(found: TransportFits, model: TransportModel, place: int) -> Parameter:
    """Return a parameter and its standard error."""
    fit = found.fits[model.name]
    variance = fit.covariance[:, place, place]
    return fit.parameters[:, place], np.sqrt(np.maximum(variance, 0))


def _chosen(found: TransportFits, model: TransportModel) -> np.ndarray:
    """Return the curves for which a model is chosen and its fit has converged."""
    chosen: np.ndarray = (found.chosen == MODELS.index(model)) & found.fits[model.name].converged
    return chosen
