"""Where to start the fit of a super-ellipse: a dictionary of radial profiles, compared by FFT."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import fft

from umlpsd_gpu.shapes.family import N_PARAMETERS, radii_and_slopes
from umlpsd_gpu.shapes.outline import Outlines, centroid, polygon_radii

LARGEST_D = 7
P_OF_DICTIONARY = (0.55, 0.7, 0.85, 1.0, 1.25, 1.6, 2.2, 2.8, 3.6, 5.0, 8.0, 20.0)
L_OF_DICTIONARY = (1.0, 1.12, 1.3, 1.55, 1.85, 2.2, 2.7, 3.4)
# A curve with p near 1 and another with large p can look alike, with their corners elsewhere: both
# sides of 2 get a start
FIRST_LARGE_P = 6
N_BRANCHES = 2
N_PROFILE = 64
# Particles at a time, to bound memory
CHUNK = 64


@dataclass(frozen=True)
class Starts:
    """Where to start, for each particle, each d and both branches of p.

    Attributes
    ----------
    parameters : ndarray of float64, shape (n, 7, 2, 6)
        See `umlpsd_gpu.shapes.family`; the second branch has p above 2.
    misfit : ndarray of float64, shape (n, 7, 2)
        Root mean square of ln r minus that of the dictionary.
    """

    parameters: np.ndarray
    misfit: np.ndarray


@dataclass(frozen=True)
class _Dictionary:
    """Profiles ln r around the centroid of each area, of mean 0."""

    spectra: np.ndarray  # conjugated
    power: np.ndarray
    ln_scale: np.ndarray  # mean ln r for unit size
    offsets: np.ndarray  # of the curve's own centre from the centroid: row, column, unit size
    ln_p: np.ndarray
    ln_l: np.ndarray


def find_starts(outlines: Outlines) -> Starts:
    """Find the entries of the dictionary that are most like each outline.

    Parameters
    ----------
    outlines : Outlines

    Returns
    -------
    Starts
    """
    n = len(outlines.radii)
    parameters = np.empty((n, LARGEST_D, N_BRANCHES, N_PARAMETERS))
    misfit = np.empty((n, LARGEST_D, N_BRANCHES))
    step = outlines.radii.shape[1] // N_PROFILE
    # pairs of neighbours are averaged, centred on the kept angle
    ln_r = np.log(np.maximum(outlines.radii, 0.3))
    kept = 0.5 * ln_r + 0.25 * (np.roll(ln_r, 1, axis=1) + np.roll(ln_r, -1, axis=1))
    profiles = kept[:, ::step].astype(np.float32)
    for first in range(0, n, CHUNK):
        part = slice(first, first + CHUNK)
        for d in range(1, LARGEST_D + 1):
            found = _best_of_d(profiles[part], outlines.centres[part], d)
            parameters[part, d - 1], misfit[part, d - 1] = found
    return Starts(parameters, misfit)


def _best_of_d(profiles: np.ndarray, centres: np.ndarray, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Return parameters (n, 2, 6) and misfits (n, 2)."""
    dictionary = _dictionary(d)
    ln_scale = profiles.mean(axis=1)
    centred = profiles - ln_scale[:, None]
    spectra = fft.rfft(centred, axis=1)
    joint = fft.irfft(spectra[:, None] * dictionary.spectra, N_PROFILE, axis=2)
    # of a d-fold profile, d shifts are the same
    joint = joint[:, :, : max(1, -(-N_PROFILE // d))]
    shift = joint.argmax(axis=2)
    best = np.take_along_axis(joint, shift[..., None], axis=2)[..., 0]
    power = np.square(centred).sum(axis=1)
    squares = (power[:, None] + dictionary.power - 2 * best) / N_PROFILE
    is_large = dictionary.ln_p >= np.log(P_OF_DICTIONARY[FIRST_LARGE_P])
    rows = np.arange(len(profiles))
    parameters = np.empty((len(profiles), N_BRANCHES, N_PARAMETERS))
    misfit = np.empty((len(profiles), N_BRANCHES))
    for branch in range(N_BRANCHES):
        entry = np.where(is_large == bool(branch), squares, np.inf).argmin(axis=1)
        misfit[:, branch] = np.sqrt(np.maximum(squares[rows, entry], 0))
        turn = shift[rows, entry] * (2 * np.pi / N_PROFILE)
        ln_size = ln_scale - dictionary.ln_scale[entry]
        row, column = dictionary.offsets[entry].T * np.exp(ln_size)
        cosine, sine = np.cos(turn), np.sin(turn)
        parameters[:, branch] = np.stack(
            [
                centres[:, 0] + row * cosine + column * sine,
                centres[:, 1] + column * cosine - row * sine,
                ln_size,
                dictionary.ln_p[entry],
                dictionary.ln_l[entry],
                -turn,
            ],
            axis=1,
        )
    return parameters, misfit


@cache
def _dictionary(d: int) -> _Dictionary:
    """Return the profiles of one d."""
    ln_p, ln_l = (
        each.ravel() for each in np.meshgrid(np.log(P_OF_DICTIONARY), np.log(L_OF_DICTIONARY))
    )
    angles = np.linspace(0, 2 * np.pi, 12 * N_PROFILE + 1)
    ln_radius = radii_and_slopes(0.5 * d * angles, ln_p[:, None], ln_l[:, None])[0]
    radius = np.exp(ln_radius)
    offsets = np.zeros((len(ln_p), 2))
    profiles = np.empty((len(ln_p), N_PROFILE))
    for number, row in enumerate(radius):
        polygon = np.stack([row * np.sin(angles), row * np.cos(angles)], axis=1)
        # around the centroid, as outlines are; only for d = 1 is it another point
        middle = centroid(polygon) if d == 1 else np.zeros(2)
        offsets[number] = -middle
        profiles[number] = polygon_radii(polygon - middle, N_PROFILE)[0]
    ln_r = np.log(np.maximum(profiles, 1e-3))
    ln_scale = ln_r.mean(axis=1)
    centred = (ln_r - ln_scale[:, None]).astype(np.float32)
    return _Dictionary(
        spectra=fft.rfft(centred, axis=1).conj(),
        power=np.square(centred).sum(axis=1),
        ln_scale=ln_scale,
        offsets=offsets,
        ln_p=ln_p,
        ln_l=ln_l,
    )
