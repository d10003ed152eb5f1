"""Which elements a spectrum image shows, and lines that no component explains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from umlpsd_gpu.analyses.spectrum_images.result import RecordedSpectra
from umlpsd_gpu.errors import UmlpsdError
from umlpsd_gpu.factorisation.residuals import Residuals
from umlpsd_gpu.xrays.find_elements import FoundElement, find_elements
from umlpsd_gpu.xrays.spectrum import XraySpectrum

# Share of the pixels whose counts are summed: those in which a component is purest
PUREST_SHARE = 0.02
# Lines in the residual are named if the worst pixel is this many standard deviations off: the
# largest of 100,000 pixels of noise is at 4.5
LEAST_RESIDUAL_Z = 6.0


def elements_of_image(
    counts: np.ndarray, maps: np.ndarray, recorded: RecordedSpectra
) -> tuple[str, ...]:
    """Find the elements in the spectrum of all pixels and in those of the purest pixels.

    These are spectra as recorded. Unmixed ones have zeros that look like edges, and noise that is
    not that of counts.

    Parameters
    ----------
    counts : ndarray, shape (n_pixels, n_channels)
    maps : ndarray, shape (n_pixels, k)
    recorded : RecordedSpectra

    Returns
    -------
    tuple of str
        Symbols.

    Raises
    ------
    UmlpsdError
        If the beam energy is unknown.
    """
    known: list[str] = []
    for spectrum in _recorded_spectra(counts, maps, recorded):
        found = find_elements(_spectrum(spectrum, recorded), known=known)
        known += [element.symbol for element in found if element.symbol not in known]
    return tuple(known)


def name_missing_lines(
    residuals: Residuals, elements: Sequence[str], recorded: RecordedSpectra
) -> tuple[str, ...]:
    """Return lines in the spectrum of the worst pixels of elements that are not among the known.

    Parameters
    ----------
    residuals : Residuals
    elements : sequence of str
        Those of the components.
    recorded : RecordedSpectra

    Returns
    -------
    tuple of str
        As "Fe (Fe K, Fe L; 12 σ)"; empty where all pixels fit.
    """
    if float(residuals.sample_z.max()) < LEAST_RESIDUAL_Z:
        return ()
    counts = np.maximum(residuals.worst_residual + residuals.worst_expected, 0.0)
    try:
        found = find_elements(_spectrum(counts, recorded), known=list(elements))
    except UmlpsdError:  # without a beam energy no line can be named; the residual is shown
        return ()
    return tuple(_describe(each) for each in found if each.symbol not in elements)


def _recorded_spectra(
    counts: np.ndarray, maps: np.ndarray, recorded: RecordedSpectra
) -> Iterator[np.ndarray]:
    yield recorded.total_spectrum
    totals = maps.sum(axis=1)
    shares = maps / np.where(totals > 0, totals, 1.0)[:, None]
    n_purest = max(1, round(PUREST_SHARE * maps.shape[0]))
    for share in shares.T if maps.shape[1] > 1 else ():
        purest = np.sort(np.argsort(-share, kind="stable")[:n_purest])
        yield counts[purest].sum(axis=0, dtype=np.float64)


def _spectrum(counts: np.ndarray, recorded: RecordedSpectra) -> XraySpectrum:
    return XraySpectrum(counts, recorded.axis, recorded.conditions, name="pixels")


def _describe(element: FoundElement) -> str:
    return f"{element.symbol} ({', '.join(element.lines)}; {element.significance:.0f} σ)"
