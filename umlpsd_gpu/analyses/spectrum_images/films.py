"""Components that lie as a film on a substrate: which, on what, and how thick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from umlpsd_gpu.analyses.spectrum_images.quantified import (
    Floats,
    Quantified,
    quantify_component,
    quantify_components,
)
from umlpsd_gpu.analyses.spectrum_images.settings import QuantificationSettings
from umlpsd_gpu.xrays.composition import Standard
from umlpsd_gpu.xrays.elements import densities
from umlpsd_gpu.xrays.material import Material, ideal_density, material, material_by_formula
from umlpsd_gpu.xrays.samples import Film
from umlpsd_gpu.xrays.spectrum import XraySpectrum

NM = 1e-7  # in cm
# Elements that are gases have smaller densities, in g/cm³, which say nothing of their compounds
DENSEST_GAS = 0.1


@dataclass(frozen=True)
class NamedFilm:
    """A film that settings name.

    Attributes
    ----------
    place : int
        Of its component, from 0.
    film : Film
    note : str
        What was assumed.
    """

    place: int
    film: Film
    note: str


def quantify_with_films(
    spectra: Sequence[XraySpectrum],
    variances: Sequence[Floats],
    elements: Sequence[str],
    settings: QuantificationSettings,
    standards: Mapping[str, Standard],
) -> tuple[list[Quantified], list[str]]:
    """Quantify components as solids, then those again that lie as films.

    Parameters
    ----------
    spectra, variances, elements, settings, standards
        As in `quantify_components`.

    Returns
    -------
    quantified : list of Quantified
    notes : list of str
        What of the settings of films could not be done.
    """
    found = quantify_components(spectra, variances, elements, settings, standards)
    films, notes = find_films(found, settings)
    for named in films:
        place = named.place
        again = quantify_component(
            place + 1, spectra[place], variances[place], elements, settings, standards, named.film
        )
        found[place] = replace(again, notes=(named.note, *again.notes))
    return found, notes


def find_films(
    solids: Sequence[Quantified], settings: QuantificationSettings
) -> tuple[list[NamedFilm], list[str]]:
    """Return the films that settings name, and what of the settings could not be done.

    Parameters
    ----------
    solids : sequence of Quantified
        All components, quantified as solids.
    settings : QuantificationSettings

    Returns
    -------
    films : list of NamedFilm
        Each component once.
    notes : list of str
    """
    if settings.method != "film" or settings.substrate is None:
        return [], []
    below = _place(settings.substrate, solids) if settings.substrate.isdecimal() else None
    substrate = _substrate(solids, settings.substrate, below)
    if substrate is None:
        return [], [
            f"The substrate {settings.substrate} is no component that was quantified, so that all "
            "components are taken for solids; give the number of another one, or a formula."
        ]
    films: dict[int, NamedFilm] = {}
    notes = []
    for name in settings.films:
        place = _place(name, solids)
        problem = _problem_of(name, place, below, solids, settings)
        if problem is not None or place is None:
            notes.append(f"{problem} It was not taken for a film.")
        else:
            of = _material(solids[place])
            assert of is not None
            films[place] = _film(place, of, substrate, settings)
    return [films[place] for place in sorted(films)], notes


def _problem_of(
    name: str,
    place: int | None,
    below: int | None,
    solids: Sequence[Quantified],
    settings: QuantificationSettings,
) -> str | None:
    of = None if place is None else _material(solids[place])
    if of is None:
        return (
            f"The film {name} is no component that was quantified; give the number of one, or the "
            "symbol of an element of it."
        )
    if place == below:
        return f"The film {name} is the substrate itself; name another component."
    if settings.film_density is None and float(densities(of.z).min()) < DENSEST_GAS:
        return (
            f"The density of the film {name} can't be calculated, since it has elements that are "
            "gases; give quantification.film_density."
        )
    return None


def _film(
    place: int, of: Material, substrate: Material, settings: QuantificationSettings
) -> NamedFilm:
    assert settings.film_thickness_nm is not None
    density = settings.film_density or ideal_density(of)
    origin = "given" if settings.film_density else "of its elements, each at its own volume"
    note = (
        f"Taken for a film of {settings.film_thickness_nm:g} nm on {_name(settings)}, with a "
        f"density of {density:.3g} g/cm³ ({origin}); errors of both are not among the errors."
    )
    return NamedFilm(place, Film(density * settings.film_thickness_nm * NM, substrate), note)


def _name(settings: QuantificationSettings) -> str:
    substrate = settings.substrate or ""
    return f"component {substrate}" if substrate.isdecimal() else substrate


def _substrate(solids: Sequence[Quantified], name: str, place: int | None) -> Material | None:
    if not name.isdecimal():
        return material_by_formula(name)
    return None if place is None else _material(solids[place])


def _place(name: str, solids: Sequence[Quantified]) -> int | None:
    """Return the place of a component by its number, or by the element it has most of."""
    if name.isdecimal():
        return int(name) - 1 if 1 <= int(name) <= len(solids) else None
    fractions = [each.atomic_fraction_of(name)[0] for each in solids]
    return int(np.argmax(fractions)) if max(fractions, default=0.0) > 0 else None


def _material(of: Quantified) -> Material | None:
    fractions = dict(zip(of.elements, of.mass_fractions.tolist(), strict=True))
    present = {symbol: share for symbol, share in fractions.items() if share > 0}
    return material(present) if present else None
