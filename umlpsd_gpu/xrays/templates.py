"""What each family of lines, the background and pile-up add to the channels of a spectrum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from umlpsd_gpu.xrays.continuum import continuum
from umlpsd_gpu.xrays.detector import Detector
from umlpsd_gpu.xrays.emission import specific_emission
from umlpsd_gpu.xrays.families import Family
from umlpsd_gpu.xrays.material import Material
from umlpsd_gpu.xrays.response import broadened, counted_lines
from umlpsd_gpu.xrays.samples import BULK, Sample
from umlpsd_gpu.xrays.spectrum import EnergyAxis

Floats = NDArray[np.float64]

_N_KNOTS = 5  # the calculated continuum is right to 10 %; more knots follow the tails of peaks
_NOISE_KEV = 0.2  # below, channels count the noise of the electronics


@dataclass(frozen=True)
class Scene:
    """What is known of a measurement before its lines are fitted.

    Attributes
    ----------
    of : Material
        A guess, which decides ratios within families and the shape of the continuum.
    beam_kev, take_off_deg : float
    detector : Detector
    sample : Bulk, Film or Foil
    low_kev, high_kev : float
        The range that is fitted.
    shapes : mapping of Family to ndarray, shape (n_channels,)
        Measured peaks of one count, which replace calculated ones.
    """

    of: Material
    beam_kev: float
    take_off_deg: float
    detector: Detector
    sample: Sample = BULK
    low_kev: float = 0.22
    high_kev: float = 40.0
    shapes: Mapping[Family, Floats] = field(default_factory=dict)


def emitted_photons(families: Sequence[Family], scene: Scene) -> list[Floats]:
    """Return the photons of each family's lines, for a mass fraction of 1 of its element.

    Parameters
    ----------
    families : sequence of Family
    scene : Scene
    """
    # all lines at once: how electrons slow down and what excites others depends on the material
    lines = tuple(line for family in families for line in family.lines)
    photons = specific_emission(scene.of, lines, scene.beam_kev, scene.take_off_deg, scene.sample)
    ends = np.cumsum([len(family.lines) for family in families], dtype=np.int64)
    return [
        photons[end - len(family.lines) : end] for family, end in zip(families, ends, strict=True)
    ]


def line_templates(
    axis: EnergyAxis,
    families: Sequence[Family],
    scene: Scene,
    emitted: Sequence[Floats] | None = None,
) -> tuple[Floats, Floats]:
    """Return a spectrum of one count for each family, and the counts per unit of mass fraction.

    Parameters
    ----------
    axis : EnergyAxis
    families : sequence of Family
    scene : Scene
    emitted : sequence of ndarray, optional
        What `emitted_photons` gives, where it is known already.

    Returns
    -------
    templates : ndarray, shape (n_families, n_channels)
        Each sums to 1 over an axis that holds all of its lines.
    per_photon : ndarray, shape (n_families,)
    """
    templates = np.zeros((len(families), axis.n_channels))
    per_photon = np.zeros(len(families))
    emitted = emitted_photons(families, scene) if emitted is None else emitted
    for n, (family, photons) in enumerate(zip(families, emitted, strict=True)):
        energies = np.array([line.energy_kev for line in family.lines])
        per_photon[n] = float(photons @ scene.detector.efficiency(energies))
        if family in scene.shapes:
            templates[n] = scene.shapes[family]
        elif per_photon[n] > 0:
            share = photons / per_photon[n]
            templates[n] = counted_lines(axis, scene.detector, family.lines, share)
    return templates, per_photon


def background_templates(axis: EnergyAxis, scene: Scene, inside: NDArray[np.bool_]) -> Floats:
    """Return the calculated continuum, cut into overlapping hats on a logarithmic axis.

    Parameters
    ----------
    axis : EnergyAxis
    scene : Scene
    inside : ndarray of bool, shape (n_channels,)
        The range that is fitted.

    Returns
    -------
    ndarray, shape (n_hats, n_channels)
        They sum to the continuum that the detector counts, with its largest value in the range 1.
    """
    energies = axis.energies_kev
    shape = continuum(scene.of, energies, scene.beam_kev, scene.take_off_deg, scene.sample)
    counted = np.zeros(energies.size)
    positive = energies > 0.05
    counted[positive] = shape[positive] * scene.detector.efficiency(energies[positive])
    counted = broadened(axis, scene.detector, counted)
    top = float(counted[inside].max())
    counted = counted / top if top > 0 else inside.astype(np.float64)
    logarithms = np.log(np.maximum(energies, 1e-3))
    ends = logarithms[inside]
    knots = np.linspace(float(ends[0]), float(ends[-1]), _N_KNOTS)
    hats = np.stack([np.interp(logarithms, knots, row) for row in np.eye(_N_KNOTS)])
    return np.asarray(hats * counted, np.float64)


def pile_up_template(counts: Floats, axis: EnergyAxis) -> Floats:
    """Return the spectrum of pairs of photons that are counted as one, with their summed energy.

    Parameters
    ----------
    counts : ndarray, shape (n_channels,)
        The measured spectrum.
    axis : EnergyAxis

    Returns
    -------
    ndarray, shape (1, n_channels)
        It sums to 1 or less, or to 0 for a spectrum without counts.
    """
    energies = axis.energies_kev
    single = np.where(energies > _NOISE_KEV, np.maximum(counts, 0), 0.0)
    total = single.sum()
    if total <= 0:
        return np.zeros((1, axis.n_channels))
    pairs = np.maximum(fftconvolve(single / total, single / total), 0)
    summed = 2 * axis.offset_kev + axis.step_kev * np.arange(pairs.size)
    return np.asarray(np.interp(energies, summed, pairs, left=0, right=0)[None], np.float64)
