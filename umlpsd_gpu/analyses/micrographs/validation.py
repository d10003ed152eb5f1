"""Micrographs like that of a study, and how much of the study is found in them again."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from umlpsd_gpu.analyses.micrographs.local import compare_with_surrogates
from umlpsd_gpu.analyses.micrographs.result import MicrographStudy
from umlpsd_gpu.analyses.micrographs.settings import MicrographsSettings
from umlpsd_gpu.analyses.micrographs.source import MicrographSource
from umlpsd_gpu.analyses.validation_protocol import Quantity, Recovery
from umlpsd_gpu.compute.context import Context
from umlpsd_gpu.factorisation.canonical import match
from umlpsd_gpu.images.spots import Spot, ring_medians
from umlpsd_gpu.images.surrogates import Surrogates
from umlpsd_gpu.images.windowed_fft import windowed_spectra
from umlpsd_gpu.simulate.local_spectra import (
    LocalSpectrum,
    Wave,
    simulate_local_spectra,
    spread_over_pixels,
    wave_amplitude,
)

# The spot of a wave in the spectrum of a window tapered by Hann reaches this far, in bins
SPOT_RADIUS = 2.5
# Spots at most this far apart are the same spot, in bins
SAME_SPOT = 1.5


def simulate_like(study: MicrographStudy, seed: int) -> MicrographSource:
    """Draw a micrograph whose local spectra, maps and spots are those of a study.

    Parameters
    ----------
    study : MicrographStudy
    seed : int

    Returns
    -------
    MicrographSource
        Spots are waves, the rest of each spectrum a random field; maps say how strong both are.
    """
    micrograph = study.micrograph
    kinds = [
        LocalSpectrum(strength, *_split_spectrum(study, number))
        for number, strength in enumerate(_strengths(study))
    ]
    drawn = simulate_local_spectra(kinds, [seed, *micrograph.image.shape])
    image = (drawn + micrograph.image.mean(dtype=float)).astype(np.float32)
    like = replace(micrograph, image=image, notes=())
    return MicrographSource(micrograph.path, like, study.settings.micrograph)


def settings_like(study: MicrographStudy) -> MicrographsSettings:
    """Return the settings of a study with its number of local spectra.

    The number is decided in any case; the spectra of another number could not be compared.

    Parameters
    ----------
    study : MicrographStudy

    Returns
    -------
    MicrographsSettings
    """
    settings: MicrographsSettings = study.settings
    return settings.with_values({"micrograph.k": study.k})


def compare_with(truth: MicrographStudy, found: MicrographStudy) -> Recovery:
    """Compare what was found in a simulated micrograph with the study that is its truth.

    Parameters
    ----------
    truth, found : MicrographStudy

    Returns
    -------
    Recovery
    """
    order, cosine = match(truth.factors.components, found.factors.components)
    right, alarm = _pixels_right(truth, found, order), 100.0 * _is_noise_local(found)
    quantities = [
        Quantity("Image", "pixels right (%)", 100.0, right),
        Quantity("Image", "false alarms in noise (%)", 0.0, alarm),
    ]
    for number, at in enumerate(order.tolist()):
        group = f"Component {number + 1}"
        quantities.append(Quantity(group, "cosine of the spectrum", 1.0, float(cosine[number])))
        quantities += _compare_spots(group, _spots_of(truth, number), _spots_of(found, at), truth)
    decision = found.decision
    return Recovery(truth.k, decision.k, decision.probability, quantities)


def find_regions(study: MicrographStudy) -> np.ndarray:
    """Return which component each pixel belongs to: that of which it has most, by its mean.

    Maps are interpolated between the centres of windows. A component that is everywhere, as noise,
    would otherwise be the strongest one in all places.

    Parameters
    ----------
    study : MicrographStudy

    Returns
    -------
    ndarray of int, shape (n_rows, n_columns)
        Number of the component, from 0.
    """
    strengths = _strengths(study)
    means = np.maximum(strengths.mean(axis=(1, 2), keepdims=True), np.finfo(float).tiny)
    regions: np.ndarray = np.argmax(strengths / means, axis=0)
    return regions


def _strengths(study: MicrographStudy) -> np.ndarray:
    """Return the maps for each pixel, shape (k, n_rows, n_columns)."""
    own = study.settings.micrograph
    first = (own.window - 1) / 2
    rows, columns = (first + own.step_px * np.arange(n) for n in study.grid)
    shape = study.micrograph.image.shape
    return np.stack([spread_over_pixels(each, (rows, columns), shape) for each in study.maps])


def _split_spectrum(study: MicrographStudy, number: int) -> tuple[np.ndarray, list[Wave]]:
    """Return the spectrum of a component without its spots, and the spots as waves."""
    spectrum = study.spectra[number].astype(float)
    window = spectrum.shape[0]
    places = np.mgrid[:window, :window] - window // 2
    medians = ring_medians(spectrum, np.hypot(*places))
    background, waves = spectrum.copy(), []
    for spot in _spots_of(study, number):
        at = _frequency(spot, window)
        nearest = np.rint(at).astype(int)
        row, column = nearest + window // 2
        # the squares of a wave and of what is random add on average
        square = spectrum[row, column] ** 2 - medians[row, column] ** 2
        offset = (float(at[0] - nearest[0]), float(at[1] - nearest[1]))
        amplitude = wave_amplitude(float(np.sqrt(max(square, 0.0))), offset, window)
        waves.append(Wave(spot.spacing_px, spot.angle_deg, amplitude))
        for sign in (1, -1):
            distance = np.hypot(places[0] - sign * at[0], places[1] - sign * at[1])
            is_spot = distance <= SPOT_RADIUS
            background[is_spot] = np.minimum(background, medians)[is_spot]
    return background, waves


def _pixels_right(truth: MicrographStudy, found: MicrographStudy, order: np.ndarray) -> float:
    number_of = np.argsort(order)
    return 100.0 * float((number_of[find_regions(found)] == find_regions(truth)).mean())


def _is_noise_local(found: MicrographStudy) -> bool:
    """Return whether something local is found in an image with the same spectrum that is noise."""
    own, image = found.settings.micrograph, found.micrograph.image
    # surrogates of the analysis have the seeds [seed, 0], [seed, 1], …
    noise = Surrogates(image).draw([zlib.crc32(image.tobytes()), 0, 0])
    spectra = windowed_spectra(noise, own.window, own.step_px)
    decision, _ = compare_with_surrogates(noise, [spectra], found.settings, Context("cpu"))[0]
    return decision.k != 1


def _compare_spots(
    group: str, spots: Sequence[Spot], found: Sequence[Spot], truth: MicrographStudy
) -> Iterator[Quantity]:
    window = truth.settings.micrograph.window
    pairs = [(spot, _nearest(spot, found, window)) for spot in spots]
    n_found = sum(other is not None for _, other in pairs)
    if spots:
        yield Quantity(group, "spots found (%)", 100.0, 100 * n_found / len(spots))
    yield Quantity(group, "spots that are not there", 0.0, float(len(found) - n_found))
    for number, (spot, other) in enumerate(pairs, start=1):
        at = other or replace(spot, spacing_px=np.nan, angle_deg=np.nan)
        # angles of 0 and 180° are the same
        turn = (at.angle_deg - spot.angle_deg + 90) % 180 - 90
        yield Quantity(
            group, f"spacing {number} (px)", spot.spacing_px, at.spacing_px, at.spacing_error_px
        )
        yield Quantity(
            group, f"angle {number} (°)", spot.angle_deg, spot.angle_deg + turn, at.angle_error_deg
        )


def _nearest(spot: Spot, found: Sequence[Spot], window: int) -> Spot | None:
    """Return the nearest of the spots that were found, or None if none is near."""
    at = _frequency(spot, window)

    def distance(other: Spot) -> float:
        place = _frequency(other, window)
        return float(min(np.hypot(*(place - at)), np.hypot(*(place + at))))

    nearest = min(found, key=distance, default=None)
    return nearest if nearest is not None and distance(nearest) <= SAME_SPOT else None


def _frequency(spot: Spot, window: int) -> np.ndarray:
    """Return rows and columns of a spot from the centre of the spectrum, in bins."""
    angle = np.radians(spot.angle_deg)
    return window / spot.spacing_px * np.array([-np.sin(angle), np.cos(angle)])


def _spots_of(study: MicrographStudy, number: int) -> list[Spot]:
    return [spot for spot in study.spots if spot.component == number + 1]
