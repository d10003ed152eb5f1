"""X-ray spectra with known composition: what a detector would count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from umlpsd_gpu.xrays.detector import Detector
from umlpsd_gpu.xrays.families import Family
from umlpsd_gpu.xrays.material import Material
from umlpsd_gpu.xrays.model_errors import model_covariance
from umlpsd_gpu.xrays.samples import BULK, Sample
from umlpsd_gpu.xrays.spectrum import Conditions, EnergyAxis, XraySpectrum
from umlpsd_gpu.xrays.spectrum_model import expected_spectrum


def simulate_xray_spectrum(
    of: Material,
    axis: EnergyAxis,
    conditions: Conditions,
    *,
    n_counts: float = 1e5,
    sample: Sample = BULK,
    detector: Detector | None = None,
    line_factors: Mapping[Family, float] | None = None,
    seed: int = 0,
) -> XraySpectrum:
    """Draw a spectrum with Poisson noise from a sample of known composition.

    Parameters
    ----------
    of : Material
    axis : EnergyAxis
    conditions : Conditions
        With the beam energy.
    n_counts : float
        Mean of the sum of the spectrum.
    sample : Bulk, Film or Foil
    detector : Detector, optional
    line_factors : mapping of Family to float, optional
        By which the lines of a family are stronger than calculated; see `draw_line_factors`.
    seed : int

    Returns
    -------
    XraySpectrum
        Whole counts.

    Examples
    --------
    >>> from umlpsd_gpu.xrays.material import material
    >>> axis, beam = EnergyAxis(0, 0.01, 1024), Conditions(beam_kev=10)
    >>> spectrum = simulate_xray_spectrum(material({"Si": 1}), axis, beam, n_counts=500)
    >>> int(spectrum.counts.argmax())
    175
    """
    mean = expected_spectrum(
        of,
        axis,
        conditions,
        n_counts=n_counts,
        sample=sample,
        detector=detector,
        line_factors=line_factors,
    )
    noisy = np.random.default_rng(seed).poisson(mean.counts).astype(np.float64)
    return replace(mean, counts=noisy)


def draw_line_factors(z: Iterable[int], rng: np.random.Generator) -> dict[Family, float]:
    """Draw by which factor an instrument counts more lines of each family than calculated.

    The factors are log-normal, of mean 1, with the covariance that quantification without standards
    claims for its own errors: cross-sections, yields and the efficiency of the detector.

    Parameters
    ----------
    z : iterable of int
        Atomic numbers.
    rng : numpy.random.Generator

    Returns
    -------
    dict of Family to float
        Of all K, L and M families of these elements.
    """
    every = [Family(number, shell) for number in sorted(set(z)) for shell in "KLM"]
    families = [family for family in every if family.lines]
    covariance = np.log1p(model_covariance(families, [False] * len(families)))
    logs = rng.multivariate_normal(-0.5 * np.diag(covariance), covariance)
    return dict(zip(families, np.exp(logs).tolist(), strict=True))
