"""X-ray spectra with known composition: what a detector would count."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from umlpsd_gpu.xrays.detector import Detector
from umlpsd_gpu.xrays.material import Material
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
        of, axis, conditions, n_counts=n_counts, sample=sample, detector=detector
    )
    noisy = np.random.default_rng(seed).poisson(mean.counts).astype(np.float64)
    return replace(mean, counts=noisy)
