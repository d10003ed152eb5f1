"""Components and maps, the decision on their number, and how certain they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Factorisation:
    """A non-negative matrix as a sum of K components: data ≈ maps @ components.

    In canonical form: each component sums to 1, so that maps are in the units of the data, and
    components are sorted by their total, largest first.

    Attributes
    ----------
    components : ndarray, shape (k, n_features)
        Non-negative.
    maps : ndarray, shape (n_samples, k)
        Non-negative.
    loss : {"frobenius", "poisson", "itakura_saito"}
        What was minimised last.
    objective : float
        Its value: half the sum of squares; or the divergence.
    relative_error : float
        Norm of the residual by the norm of the data.
    kkt_residual : float
        Largest violation of the conditions of an optimum, relative to the gradient at zero.
    n_iterations : int
    is_converged : bool
        Whether the residual above fell below the tolerance.
    restart_objectives : ndarray, shape (n_restarts,)
    stability : ndarray, shape (k,)
        Median over the restarts of the cosine with the matched component of the best one.
    """

    components: Floats
    maps: Floats
    loss: str
    objective: float
    relative_error: float
    kkt_residual: float
    n_iterations: int
    is_converged: bool
    restart_objectives: Floats
    stability: Floats

    @property
    def k(self) -> int:
        """Number of components; int."""
        return int(self.components.shape[0])

    @property
    def shares(self) -> Floats:
        """Share of each component in the total of all maps; ndarray of shape (k,)."""
        totals = self.maps.sum(axis=0)
        shares: Floats = totals / totals.sum()
        return shares


@dataclass(frozen=True)
class RankDecision:
    """The number of components, and why.

    Attributes
    ----------
    k : int or None
        None where it can't be decided.
    probability : float
        That the number is right, 0…1.
    reason : str
        One sentence.
    estimates : mapping of str to int
        Number by each criterion.
    curves : mapping of str to ndarray
        Value of each criterion for each number of components, from 1 on.
    """

    k: int | None
    probability: float
    reason: str
    estimates: Mapping[str, int] = field(default_factory=dict)
    curves: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True)
class Uncertainty:
    """How certain the components of a factorisation are.

    Attributes
    ----------
    component_errors : ndarray, shape (k, n_features)
        Standard deviation over resamples.
    map_errors : ndarray, shape (n_samples, k)
    half_stability : ndarray, shape (k,)
        Median cosine with the matched component of random halves of the samples.
    least_share, largest_share : ndarray, shape (k,)
        Range of each component's share of the total among factorisations that fit as well.
    lowest_components, highest_components : ndarray, shape (k, n_features)
        Range of each element of a component among the same factorisations.
    purity : ndarray, shape (k,)
        Share of the component in the purest 1 % of the samples.
    """

    component_errors: Floats
    map_errors: Floats
    half_stability: Floats
    least_share: Floats
    largest_share: Floats
    lowest_components: Floats
    highest_components: Floats
    purity: Floats
