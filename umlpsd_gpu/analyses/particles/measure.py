"""One micrograph → its particles, measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.analyses.particles.find import FoundParticles
from umlpsd_gpu.analyses.particles.particle_table import NAMES, ParticleTable
from umlpsd_gpu.analyses.particles.settings import ParticleSettings
from umlpsd_gpu.shapes.crops import cut_crops
from umlpsd_gpu.shapes.features import particle_features
from umlpsd_gpu.shapes.framing import frame_particles
from umlpsd_gpu.shapes.gpu import GpuPixelSums
from umlpsd_gpu.shapes.network import load_network, predict_shapes
from umlpsd_gpu.shapes.outline import Outlines, find_outlines
from umlpsd_gpu.shapes.pixel_engines import threaded_pixel_sums
from umlpsd_gpu.shapes.pixel_fit import fit_shapes
from umlpsd_gpu.shapes.shape_fits import ShapeFits

HARMONICS = range(2, 9)


@dataclass(frozen=True, eq=False)
class Measured:
    """The particles of one micrograph.

    Attributes
    ----------
    table : ParticleTable
    psf_px : float
        Standard deviation of the blur; NaN where no super-ellipses were fitted.
    """

    table: ParticleTable
    psf_px: float


def measure_particles(
    image: np.ndarray,
    found: FoundParticles,
    nm_per_px: float,
    settings: ParticleSettings,
    number: int = 1,
    device: str = "cpu",
) -> Measured:
    """Measure the particles of a micrograph.

    Parameters
    ----------
    image : ndarray of float32, shape (n_rows, n_columns)
    found : FoundParticles
    nm_per_px : float
    settings : ParticleSettings
    number : int, optional
        Number of the image, from 1.
    device : str, optional
        ``"cpu"`` or ``"gpu"``: where super-ellipses are fitted.

    Returns
    -------
    Measured
        With a row for every label, in rising order.
    """
    labels = found.labels
    outlines = find_outlines(cut_crops(image, labels))
    n = len(outlines.polygons)
    values = {name: np.full(n, np.nan) for name in NAMES}
    values |= particle_features(image, labels, nm_per_px, outlines)
    values["image"] = np.full(n, number)
    values["row_px"], values["column_px"] = outlines.centres.T
    values["weight"], values["contrast"] = found.weights, outlines.contrast
    values |= harmonics_of(outlines)
    if settings.shapes == "pixels":
        sums = GpuPixelSums() if device == "gpu" else threaded_pixel_sums
        fits = fit_shapes(image, labels, settings.psf_px, outlines=outlines, sums=sums)
        values |= _of_fits(fits, nm_per_px)
        outcomes, psf_px = tuple(map(str, fits.outcome)), float(fits.psf_px)
    else:
        values |= _of_network(image, labels, settings.shapes)
        outcomes, psf_px = ("",) * n, float("nan")
    kept = {name: np.asarray(values[name], dtype=np.float64) for name in NAMES}
    return Measured(ParticleTable(kept, outcomes, found.reasons), psf_px)


def harmonics_of(outlines: Outlines) -> dict[str, np.ndarray]:
    """Return sizes of the harmonics of the radii, over the mean radius.

    Parameters
    ----------
    outlines : Outlines

    Returns
    -------
    dict of str to ndarray, shape (n_particles,)
        ``harmonic_2`` to ``harmonic_8``.
    """
    spectra = np.abs(np.fft.rfft(outlines.radii, axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = 2 * spectra / spectra[:, :1]
    return {f"harmonic_{order}": relative[:, order] for order in HARMONICS}


def _of_fits(fits: ShapeFits, nm_per_px: float) -> dict[str, np.ndarray]:
    with np.errstate(over="ignore"):
        low, high = np.exp(fits.ln_p_interval.T)
        l_low, l_high = np.exp(fits.ln_l_interval.T)
    return {
        "d": fits.d,
        "p": fits.p,
        "p_low": low,
        "p_high": np.where(fits.p_is_lower_bound, np.inf, high),
        "l_ratio": fits.l_ratio,
        "l_low": l_low,
        "l_high": l_high,
        "radius_nm": fits.size_px * nm_per_px,
        "angle_deg": np.degrees(-fits.phase_rad),
        "runner_up_d": fits.runner_up_d,
        "runner_up_delta_chi2": fits.runner_up_delta_chi2,
        "chi2_per_px": fits.chi2_per_px,
        "jaccard": fits.jaccard,
    }


def _of_network(image: np.ndarray, labels: np.ndarray, name: str) -> Mapping[str, np.ndarray]:
    frames = frame_particles(image, labels)
    seen = predict_shapes(frames, load_network(name))
    return {"d": seen.d, "p": seen.p, "l_ratio": seen.l_ratio}
