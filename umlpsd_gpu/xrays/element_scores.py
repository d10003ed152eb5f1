"""How certain it is that a spectrum shows the lines of one more element.

Counts of its lines are compared with counting statistics, with errors in the shapes of stronger
lines, and with errors of the continuum. The latter don't fade with more counts: a spectrum of
several phases has a continuum with other absorption than any single composition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from umlpsd_gpu.xrays.line_fit import LineFit
from umlpsd_gpu.xrays.spectrum import EnergyAxis
from umlpsd_gpu.xrays.templates import Scene

Floats = NDArray[np.float64]

_SMALLEST_NEW_SHARE = 1e-3  # of a template; what remains after the other elements is rounding below
_SHAPES_KNOWN_TO = 0.08  # of the counts of other lines at the same energies
_SOFT_SHAPES_KNOWN_TO = 0.3  # where all lines of an element are below 1 keV
_NEAR_KEV, _TAILS_KNOWN_TO, _SOFT_TAILS_KNOWN_TO = 0.3, 0.02, 0.1  # of counts as near as this
# The continuum is known to this share of itself, with errors that are alike over this distance; it
# holds where a fit is worse than counting statistics allow, in full from the second value on
_CONTINUUM_KNOWN_TO, _ALIKE_KEV, _WORSE_FROM, _WORSE_AT = 0.04, 0.1, 1.1, 1.3


@dataclass(frozen=True)
class Search:
    """A spectrum, and the lines of each candidate in it.

    Attributes
    ----------
    counts : ndarray, shape (n_channels,)
    axis : EnergyAxis
    scene : Scene
    templates : mapping of int to ndarray, shape (n_channels,)
        By atomic number; each sums to 1.
    is_soft : mapping of int to bool
        Whether all lines of an element are below 1 keV.
    """

    counts: Floats
    axis: EnergyAxis
    scene: Scene
    templates: Mapping[int, Floats]
    is_soft: Mapping[int, bool]


@dataclass(frozen=True)
class State:
    """A fit of some elements, ready to be compared with one more.

    Attributes
    ----------
    fit : LineFit
    inside : ndarray of bool, shape (n_channels,)
        The range that is fitted.
    weights : ndarray, shape (n_inside,)
        Square roots.
    residual : ndarray, shape (n_inside,)
        Weighted.
    explained : ndarray, shape (n_parts, n_inside)
        Orthonormal rows that span what is fitted, weighted.
    in_lines : ndarray, shape (n_inside,)
        Counts of the fitted lines.
    misfit : float
        Mean square of the residual, weighted by the measured counts.
    """

    fit: LineFit
    inside: NDArray[np.bool_]
    weights: Floats
    residual: Floats
    explained: Floats
    in_lines: Floats
    misfit: float


@dataclass(frozen=True)
class Score:
    """How many standard errors of an element's lines a residual shows; 0 for too few.

    Attributes
    ----------
    by_counts : float
        Standard errors of counting statistics.
    in_all : float
        With those of the continuum.
    """

    by_counts: float = 0.0
    in_all: float = 0.0


def score_element(search: Search, state: State, z: int) -> Score:
    """Score an element by what a fit of others leaves.

    Parameters
    ----------
    search : Search
    state : State
        A fit without the element.
    z : int
        Atomic number.

    Returns
    -------
    Score
    """
    template = search.templates[z][state.inside]
    weighted = template * state.weights
    own = weighted - state.explained.T @ (state.explained @ weighted)
    norm = float(np.linalg.norm(own))
    if norm == 0 or norm < _SMALLEST_NEW_SHARE * float(np.linalg.norm(weighted)):
        return Score()
    counts = float(own @ state.residual) / norm**2
    if counts < _fewest_counts(search, state, template, z):
        return Score()
    error = float(np.sqrt(max(state.fit.reduced_chi2, 1.0))) / norm
    of_continuum = _continuum_error(search, state, own, counts)
    return Score(counts / error, counts / float(np.hypot(error, of_continuum)))


def _continuum_error(search: Search, state: State, own: Floats, counts: float) -> float:
    """Return the error of an element's counts by errors of the continuum.

    These are alike over a short distance: a peak that is as wide sums them, and counting statistics
    would take them for significant however small they are.
    """
    rest = state.residual - counts * own
    worse = float(rest @ rest) / max(rest.size - state.explained.shape[0], 1)
    share = float(np.clip((worse - _WORSE_FROM) / (_WORSE_AT - _WORSE_FROM), 0, 1))
    if share == 0:
        return 0.0
    background = state.fit.background[state.inside]
    moved = own * state.weights * background / float(own @ own)
    width = _ALIKE_KEV / search.axis.step_kev
    # x ρ x with ρ = exp(-d² / 2 width²), whose square root is a Gaussian filter
    filtered = gaussian_filter1d(moved, width / np.sqrt(2), mode="constant")
    variance = float(filtered @ filtered) * np.sqrt(2 * np.pi) * width
    return share * _CONTINUUM_KNOWN_TO * float(np.sqrt(variance))


def _fewest_counts(search: Search, state: State, template: Floats, z: int) -> float:
    """Return what errors in the shapes of stronger lines can look like, at and near its peaks."""
    overlapped = float(template @ state.in_lines) / float(template @ template)
    known_to = _SOFT_SHAPES_KNOWN_TO if search.is_soft[z] else _SHAPES_KNOWN_TO
    energies = search.axis.energies_kev[state.inside]
    is_near = np.abs(energies - energies[np.argmax(template)]) < _NEAR_KEV
    nearby = float(state.in_lines[is_near].sum()) / max(float(template[is_near].sum()), 1e-9)
    tails = _SOFT_TAILS_KNOWN_TO if search.is_soft[z] else _TAILS_KNOWN_TO
    return max(known_to * overlapped, tails * nearby)
