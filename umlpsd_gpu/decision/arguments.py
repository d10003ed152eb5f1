"""Checks of what is given to the verb ``decide``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.kmeans.replication import Replication
from umlpsd_gpu.kmeans.result import Sweep


def require_sweeps(sweeps: Any, replications: Any, nulls: Any) -> None:
    """Check that sweeps and replications come in lists, and belong together.

    Parameters
    ----------
    sweeps : object
    replications : object
    nulls : object

    Raises
    ------
    SettingsError
    """
    _require_all(sweeps, Sweep, "sweeps")
    _require_all(replications, Replication, "replications")
    if len(sweeps) == 0:
        raise SettingsError("a decision needs at least one sweep, got none")
    counts = {sweep.scale: sweep.labels.shape[-1] for sweep in sweeps}
    if len({sweep.labels.shape[-1] for sweep in sweeps}) > 1:
        named = ", ".join(f"{n} at {scale}" for scale, n in counts.items())
        if len(counts) < len(sweeps):
            named = ", ".join(str(sweep.labels.shape[-1]) for sweep in sweeps)
        raise SettingsError(
            f"the sweeps of one decision must be of the same traces, got numbers of traces: {named}"
            "; sweep the same traces at every scale"
        )
    _require_same_k_values(sweeps)
    largest = max(counts.values())
    larger = [r for r in replications if r.n_drawn > largest // 2]
    if larger:
        raise SettingsError(
            f"the replication at {larger[0].scale} drew halves of {larger[0].n_drawn} traces, more "
            f"than half of the {largest} that were swept; replicate the traces of the sweeps"
        )
    if nulls is not None:
        _require_nulls(nulls)


def _require_same_k_values(sweeps: Sequence[Sweep]) -> None:
    """Refuse sweeps of different K: a scale that lacks the chosen K could not be judged."""
    first = sweeps[0]
    for other in sweeps[1:]:
        if not np.array_equal(first.k_values, other.k_values):
            named = [f"{name_k_values(s.k_values)} at {s.scale}" for s in (first, other)]
            raise SettingsError(
                f"the sweeps of one decision must try the same numbers of clusters, got K = "
                f"{' and K = '.join(named)}; sweep every scale over the same K"
            )


def name_k_values(k_values: np.ndarray) -> str:
    """Return the numbers of clusters of a sweep in words.

    Parameters
    ----------
    k_values : ndarray, shape (n_k,), int
        In rising order.

    Examples
    --------
    >>> import numpy as np
    >>> from umlpsd_gpu.decision.arguments import name_k_values
    >>> name_k_values(np.arange(1, 16)), name_k_values(np.array([2, 5]))
    ('1…15', '2, 5')
    """
    if k_values.size > 2 and (np.diff(k_values) == 1).all():
        return f"{k_values[0]}…{k_values[-1]}"
    return ", ".join(map(str, k_values.tolist()))


def check_neighbours(neighbours: Any, n_traces: int) -> np.ndarray:
    """Return pairs of neighbours as an array of whole numbers.

    Parameters
    ----------
    neighbours : array_like, shape (n_pairs, 2)
    n_traces : int

    Raises
    ------
    SettingsError
        If they are no pairs of traces.
    """
    pairs = np.asarray(neighbours)
    is_pairs = pairs.ndim == 2 and pairs.shape[1] == 2 and pairs.dtype.kind in "iu"
    if not is_pairs or (pairs.size and not 0 <= pairs.min() <= pairs.max() < n_traces):
        raise SettingsError(
            f"neighbours must be pairs of whole numbers from 0 to {n_traces - 1}, (n_pairs, 2), "
            f"got an array of {pairs.dtype} of shape {pairs.shape}"
        )
    return pairs


def _require_nulls(nulls: Any) -> None:
    if not isinstance(nulls, Mapping):
        raise SettingsError(
            "nulls must be a dict of lists of sweeps by scale, such as {'W80': [...]}, got "
            f"{type(nulls).__name__}"
        )
    for scale, swept in nulls.items():
        _require_all(swept, Sweep, f"nulls['{scale}']")


def _require_all(given: Any, kind: type, name: str) -> None:
    """Refuse what is no sequence of a kind, and a single one with the list to write."""
    if isinstance(given, kind):
        raise SettingsError(
            f"{name} must be a list, got one {kind.__name__}; write it in brackets: [{name[:-1]}]"
        )
    is_list = isinstance(given, Sequence) and not isinstance(given, str | bytes)
    others = [part for part in given if not isinstance(part, kind)] if is_list else [given]
    if others:
        raise SettingsError(
            f"{name} must be a list of {kind.__name__} objects, got {type(others[0]).__name__}"
            f"{' in it' if is_list else ''}"
        )
