"""How components are told in reports, notes and summary.json; the same for all analyses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from umlpsd_gpu.factorisation.result import Factorisation, Uncertainty
from umlpsd_gpu.plotting.page_parts import number

# Headings of what `component_cells` returns, but for the share, whose name depends on the analysis
HEADINGS = ("Equal fits", "Purest", "Starts", "Halves")
# Median cosine with the components of other starts below which a component is not unique
LEAST_STABILITY = 0.9


def component_cells(factors: Factorisation, bounds: Uncertainty, component: int) -> tuple[str, ...]:
    """Return the cells of a component in the table of a report.

    Parameters
    ----------
    factors : Factorisation
    bounds : Uncertainty
    component : int
        From 0.

    Returns
    -------
    tuple of str
        Share, range of shares at an equal fit, purity, and stability over starts and halves.
    """
    least, largest = bounds.least_share[component], bounds.largest_share[component]
    return (
        f"{100 * factors.shares[component]:.1f} %",
        f"{100 * least:.0f} … {100 * largest:.0f} %",
        f"{100 * bounds.purity[component]:.0f} %",
        number(float(factors.stability[component]), 3),
        number(float(bounds.half_stability[component]), 3),
    )


def summarise_component(
    factors: Factorisation, bounds: Uncertainty, component: int
) -> dict[str, Any]:
    """Return a component as plain values for summary.json.

    Parameters
    ----------
    factors : Factorisation
    bounds : Uncertainty
    component : int
        From 0.

    Returns
    -------
    dict
    """
    return {
        "component": component + 1,
        "share": float(factors.shares[component]),
        "least_share": float(bounds.least_share[component]),
        "largest_share": float(bounds.largest_share[component]),
        "purity": float(bounds.purity[component]),
        "stability": float(factors.stability[component]),
        "half_stability": float(bounds.half_stability[component]),
    }


def convergence_row(factors: Factorisation) -> tuple[str, str, str]:
    """Return the row about convergence in the table of data of a report.

    Parameters
    ----------
    factors : Factorisation

    Returns
    -------
    (str, str, str)
        What, value, and what it means.
    """
    return (
        "convergence",
        f"KKT residual {factors.kkt_residual:.1e} after {factors.n_iterations} iterations",
        "0 at an optimum",
    )


def factor_notes(factors: Factorisation) -> Iterator[str]:
    """Yield what the user should know about a factorisation: convergence and uniqueness.

    Parameters
    ----------
    factors : Factorisation

    Yields
    ------
    str
        A sentence.
    """
    if not factors.is_converged:
        yield (
            f"The factorisation did not converge (KKT residual {factors.kkt_residual:.1e} after "
            f"{factors.n_iterations} iterations); its components are not final."
        )
    unstable = [n + 1 for n, value in enumerate(factors.stability) if value < LEAST_STABILITY]
    if unstable:
        names = ", ".join(map(str, unstable))
        yield (
            f"Other starts find other spectra in place of component {names} at nearly the same "
            "fit: it is not unique."
        )
