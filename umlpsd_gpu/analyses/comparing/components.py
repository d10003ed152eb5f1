"""How the components of two factorisations correspond: by the pixels where each is the largest."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from umlpsd_gpu.analyses.comparing.comparison import Agreement, Difference
from umlpsd_gpu.factorisation.result import Factorisation

NOTE = (
    "Components are matched by the pixels in which they are the largest; errors of both are "
    "taken as independent, so that intervals of two studies of one recording are too wide."
)


def dominant_components(factors: Factorisation) -> np.ndarray:
    """Return the component with the largest share of each pixel.

    Parameters
    ----------
    factors : Factorisation

    Returns
    -------
    ndarray of int, shape (n_samples,)
        From 1; 0 where all maps are 0.
    """
    largest: np.ndarray = factors.maps.argmax(axis=1) + 1
    largest[factors.maps.max(axis=1) <= 0] = 0
    return largest


def share_differences(
    first: Factorisation, second: Factorisation, agreement: Agreement
) -> Iterator[Difference]:
    """Yield the differences of the shares of matched components.

    Parameters
    ----------
    first, second : Factorisation
    agreement : Agreement
        Of `dominant_components`.

    Yields
    ------
    Difference
    """
    for match in agreement.matches:
        one, other = first.shares[match.first - 1], second.shares[match.second - 1]
        name = f"share of component {_both(match.first, match.second)}"
        yield Difference(name, one, other, other - one, clusters=(match.first, match.second))


def difference_of_measured(
    name: str, first: tuple[float, float], second: tuple[float, float], clusters: tuple[int, int]
) -> Difference:
    """Return the difference of two values with independent standard errors.

    Parameters
    ----------
    name : str
        Of the quantity, without the component.
    first, second : tuple of float
        Value and standard error.
    clusters : tuple of int
        Component of the first and of the second result.

    Returns
    -------
    Difference
    """
    change, width = second[0] - first[0], 1.96 * float(np.hypot(first[1], second[1]))
    return Difference(
        f"{name} of component {_both(*clusters)}",
        first[0],
        second[0],
        change,
        change - width,
        change + width,
        clusters=clusters,
    )


def _both(first: int, second: int) -> str:
    return str(first) if first == second else f"{first} → {second}"
