"""How factorisations, their uncertainty and the decision on their number are stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from umlpsd_gpu.factorisation.result import Factorisation, RankDecision, Uncertainty
from umlpsd_gpu.storage.field import Field

MAPS, COMPONENTS = "n_samples, k", "k, n_features"

# In decision/curves/* the star is the number of the curve, from 1
DECISION_FIELDS = (
    Field("decision/k", "", "1", "Number of components; NaN: not decided", "perhaps number"),
    Field("decision/probability", "", "1", "That it is right", "number"),
    Field("decision/reason", "", "", "Why", "text"),
    Field("decision/rules", "n_rules", "", "Criteria", "texts"),
    Field("decision/estimates", "n_rules", "1", "Number of components by each"),
    Field("decision/names", "n_curves", "", "Values by number of components", "texts"),
    Field("decision/*/values", "n_values", "1", "One of these, in their order"),
)
FACTOR_FIELDS = (
    Field("factors/components", COMPONENTS, "1", "Each sums to 1", compressed=True),
    Field("factors/maps", MAPS, "counts", "In units of the data", compressed=True),
    Field("factors/loss", "", "", "What was minimised last", "text"),
    Field("factors/objective", "", "1", "Its value", "number"),
    Field("factors/relative_error", "", "1", "Norm of the residual by that of the data", "number"),
    Field("factors/kkt_residual", "", "1", "Violation of the conditions of an optimum", "number"),
    Field("factors/n_iterations", "", "1", "Iterations", "number"),
    Field("factors/is_converged", "", "1", "Whether the violation is small enough", "number"),
    Field("factors/restart_objectives", "n_restarts", "1", "Objective of each start"),
    Field("factors/stability", "k", "1", "Median cosine with the match in other starts"),
)
UNCERTAINTY_FIELDS = (
    Field("uncertainty/component_errors", COMPONENTS, "1", "Standard errors", compressed=True),
    Field("uncertainty/map_errors", MAPS, "counts", "Standard errors", compressed=True),
    Field("uncertainty/half_stability", "k", "1", "Median cosine with random halves"),
    Field("uncertainty/least_share", "k", "1", "Least share at an equal fit"),
    Field("uncertainty/largest_share", "k", "1", "Largest share at an equal fit"),
    Field("uncertainty/lowest_components", COMPONENTS, "1", "At an equal fit", compressed=True),
    Field("uncertainty/highest_components", COMPONENTS, "1", "At an equal fit", compressed=True),
    Field("uncertainty/purity", "k", "1", "Share in the purest 1 % of the samples"),
)


def decision_groups(decision: RankDecision) -> dict[str, Mapping[str, Any]]:
    """Return the stored values of a decision by group.

    Parameters
    ----------
    decision : RankDecision

    Returns
    -------
    dict
    """
    return {
        "decision": {
            "k": decision.k,
            "probability": decision.probability,
            "reason": decision.reason,
            "rules": tuple(decision.estimates),
            "estimates": np.array(list(decision.estimates.values()), dtype=np.int64),
            "names": tuple(decision.curves),
        },
        **{
            f"decision/{number}": {"values": np.asarray(values, dtype=np.float64)}
            for number, values in enumerate(decision.curves.values(), start=1)
        },
    }


def decision_from(values: Callable[[str], dict[str, Any]]) -> RankDecision:
    """Return a stored decision.

    Parameters
    ----------
    values : callable
        Returns the stored values of a group.

    Returns
    -------
    RankDecision
    """
    stored = values("decision")
    numbers = stored["estimates"].tolist()
    return RankDecision(
        k=None if stored["k"] is None else int(stored["k"]),
        probability=float(stored["probability"]),
        reason=stored["reason"],
        estimates=dict(zip(stored["rules"], numbers, strict=True)),
        curves={
            name: values(f"decision/{number}")["values"]
            for number, name in enumerate(stored["names"], start=1)
        },
    )


def factors_group(factors: Factorisation) -> Mapping[str, Any]:
    """Return the stored values of a factorisation.

    Parameters
    ----------
    factors : Factorisation

    Returns
    -------
    mapping
    """
    return vars(factors)


def factors_from(stored: Mapping[str, Any]) -> Factorisation:
    """Return a stored factorisation.

    Parameters
    ----------
    stored : mapping
        Values of its group.

    Returns
    -------
    Factorisation
    """
    numbers = {
        "n_iterations": int(stored["n_iterations"]),
        "is_converged": bool(stored["is_converged"]),
    }
    return Factorisation(**{**stored, **numbers})


def uncertainty_group(uncertainty: Uncertainty) -> Mapping[str, Any]:
    """Return the stored values of an uncertainty.

    Parameters
    ----------
    uncertainty : Uncertainty

    Returns
    -------
    mapping
    """
    return vars(uncertainty)


def uncertainty_from(stored: Mapping[str, Any]) -> Uncertainty:
    """Return a stored uncertainty.

    Parameters
    ----------
    stored : mapping
        Values of its group.

    Returns
    -------
    Uncertainty
    """
    return Uncertainty(**stored)
