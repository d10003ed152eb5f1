"""Profiles of all scales → the evidence for each K, as the consensus weighs it.

Every kind of number enters as it is and relative to other K's: to the largest, to the next K, to
the one before, and to the largest after it. The true K is mostly the *last* one whose clusters are
well separated; no single number shows that alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.decision.profiles import Profile

# Separations enter by their logarithm, smaller ones as this
LEAST_LOGGED = 0.3
# Kinds that are also read at the scale of largest separation, and as the largest over scales
AT_BEST_SCALE = ("smallest silhouette", "stability", "separation")
AT_BEST_SCALE_WITH_NULLS = ("excess silhouette", "excess separation", "gap gain")
LARGEST = ("smallest silhouette", "least separation")
LARGEST_WITH_NULLS = ("excess silhouette", "excess separation", "gap gain")


@dataclass(frozen=True)
class Evidence:
    """The evidence for each K ≥ 2.

    Attributes
    ----------
    k_values : ndarray, shape (n_k,), int
        2, 3, …: all but the last K of the profiles, since each is compared with the next.
    names : tuple of str
        Pieces of evidence.
    values : ndarray, shape (n_k, n_names)
    """

    k_values: np.ndarray
    names: tuple[str, ...]
    values: np.ndarray


def evidence_of(
    profiles: Sequence[Profile],
    nulls: Sequence[Profile] | None,
    agreement: np.ndarray,
    n_traces: int,
) -> Evidence:
    """Collect the evidence of all scales.

    Parameters
    ----------
    profiles : sequence of Profile
        One for each scale, over the same K = 1, 2, …, at least up to 3.
    nulls : sequence of Profile or None
        Mean profiles of surrogates at the same scales; None where none were swept.
    agreement : ndarray, shape (n_k,)
        Mean adjusted Rand index between the scales' best partitions.
    n_traces : int
        Size of the ensemble.

    Returns
    -------
    Evidence
    """
    by_scale = [
        _kinds(profile, nulls[i] if nulls is not None else None)
        for i, profile in enumerate(profiles)
    ]
    last = len(agreement) - 1
    columns: dict[str, np.ndarray] = {}

    def add(name: str, profile: np.ndarray) -> None:
        for form, values in _forms(profile[1:last]).items():
            columns[f"{name}{form}"] = values

    for name in by_scale[0]:
        add(f"mean {name}", np.mean([kinds[name] for kinds in by_scale], axis=0))
    add("agreement of scales", agreement)
    best = by_scale[int(np.argmax([np.max(k["separation"][1:]) for k in by_scale]))]
    with_nulls = nulls is not None
    for name in AT_BEST_SCALE + (AT_BEST_SCALE_WITH_NULLS if with_nulls else ()):
        add(f"best scale's {name}", best[name])
    for name in LARGEST + (LARGEST_WITH_NULLS if with_nulls else ()):
        add(f"largest {name}", np.max([kinds[name] for kinds in by_scale], axis=0))
    k_values = np.arange(2, last + 1)
    columns["K"] = k_values.astype(float)
    columns["log traces for a cluster"] = np.log(n_traces / k_values)
    return Evidence(k_values, tuple(columns), np.stack(list(columns.values()), axis=1))


def _kinds(profile: Profile, null: Profile | None) -> dict[str, np.ndarray]:
    """Return the kinds of numbers of one scale; (n_k,) each."""
    kinds = {
        "silhouette": profile.silhouette,
        "best silhouette": profile.best_silhouette,
        "smallest silhouette": profile.smallest_silhouette,
        "misclassified": profile.misclassified,
        "stability": profile.stability,
        "separation": _log(profile.separation),
        "least separation": _log(profile.least_separation),
        "fall": profile.silhouette - np.append(profile.silhouette[1:], np.nan),
        "gain": -np.diff(profile.log_ssd, prepend=np.nan),
        "smallest size": profile.log_smallest_size,
        "nestedness": profile.nestedness,
        "least nestedness": profile.least_nestedness,
    }
    if null is not None:
        gap = null.log_ssd - profile.log_ssd
        kinds |= {
            "excess silhouette": profile.best_silhouette - null.best_silhouette,
            "excess smallest": profile.smallest_silhouette - null.smallest_silhouette,
            "excess separation": _signed_log(profile.separation - null.separation),
            "excess least separation": _signed_log(
                profile.least_separation - null.least_separation
            ),
            "gap gain": np.diff(gap, prepend=np.nan),
        }
    return {name: np.nan_to_num(values) for name, values in kinds.items()}


def _forms(values: np.ndarray) -> dict[str, np.ndarray]:
    """Return a profile over K = 2, 3, … as it is and compared with other K's."""
    following = np.append(values[1:], values[-1])
    before = np.append(values[0], values[:-1])
    largest_after = np.maximum.accumulate(following[::-1])[::-1]
    return {
        "": values,
        " below the largest": values - values.max(),
        " above the next": values - following,
        " above the one before": values - before,
        " above the largest after": values - largest_after,
    }


def _log(separation: np.ndarray) -> np.ndarray:
    logarithm: np.ndarray = np.log(np.maximum(separation, LEAST_LOGGED))
    return logarithm


def _signed_log(values: np.ndarray) -> np.ndarray:
    signed: np.ndarray = np.sign(values) * np.log1p(np.abs(values))
    return signed
