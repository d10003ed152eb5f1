"""Standard errors of a composition from those of intensities, through the matrix correction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from umlpsd_gpu.xrays.elements import atomic_masses
from umlpsd_gpu.xrays.matrix_correction import Correction

Floats = NDArray[np.float64]

_STEP = 0.01  # relative, of an intensity


@dataclass(frozen=True)
class FractionErrors:
    """Fractions by atoms, and standard errors.

    Attributes
    ----------
    atomic_fractions : ndarray, shape (n_elements,)
    mass, atomic : ndarray, shape (n_elements,)
        By counting statistics and the model together.
    mass_counting, atomic_counting : ndarray, shape (n_elements,)
        By counting statistics alone.
    """

    atomic_fractions: Floats
    mass: Floats
    atomic: Floats
    mass_counting: Floats
    atomic_counting: Floats


def propagate(
    correction: Correction,
    intensities: Floats,
    fractions: Floats,
    counting: Floats,
    systematic: Floats,
) -> FractionErrors:
    """Propagate relative covariances of intensities to the fractions, to first order.

    Parameters
    ----------
    correction : Correction
    intensities : ndarray, shape (n_families,)
    fractions : ndarray, shape (n_elements,)
        Mass fractions that belong to them.
    counting, systematic : ndarray, shape (n_families, n_families)
        Relative covariances by counting statistics, and by the model.
    """
    n = intensities.size
    by_mass = np.zeros((fractions.size, n))
    by_atoms = np.zeros((fractions.size, n))
    atomic = _atomic(correction, fractions)
    largest = float(np.max(intensities))
    steps = np.where(intensities > 0, _STEP * intensities, 1e-6 * largest)
    for place in range(n):
        moved = intensities.copy()
        moved[place] += steps[place]
        changed = correction.solve(moved)
        # an element without counts has a relative error that its smallest intensity stands for
        scale = max(float(intensities[place]), 1e-9) / steps[place]
        by_mass[:, place] = (changed - fractions) * scale
        by_atoms[:, place] = (_atomic(correction, changed) - atomic) * scale
    both = counting + systematic
    return FractionErrors(
        atomic_fractions=atomic,
        mass=_spread(by_mass, both),
        atomic=_spread(by_atoms, both),
        mass_counting=_spread(by_mass, counting),
        atomic_counting=_spread(by_atoms, counting),
    )


def _atomic(correction: Correction, fractions: Floats) -> Floats:
    moles = fractions / atomic_masses(correction.z)
    return np.asarray(moles / moles.sum(), np.float64)


def _spread(jacobian: Floats, covariance: Floats) -> Floats:
    variances = np.einsum("ij,jk,ik->i", jacobian, covariance, jacobian)
    return np.asarray(np.sqrt(np.maximum(variances, 0)), np.float64)
