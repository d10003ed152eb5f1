"""Colours that stay with the members of a cluster, whatever number the cluster gets.

Clusters are numbered by size, and K may change, so that a number is no identity. A *colour number*
is: 1, 2, … as in `umlpsd_gpu.plotting.style.cluster_colour`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from umlpsd_gpu.analyses.blinking.compare import NEAR_EMITTER_PX, items_of
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.comparing.common_items import match_items
from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.live.snapshot import Decided
from umlpsd_gpu.traces.traces import Traces

# an unknown β is as far from all others
UNKNOWN_BETA = 1e3


class ClusterColours:
    """Colour numbers of the clusters of one run, decision by decision."""

    def __init__(self) -> None:
        """Start without a decision."""
        self._study: Study | None = None
        self._colours: tuple[int, ...] = ()
        self._of_decisions: dict[int, tuple[int, ...]] = {}

    def follow(self, study: Study, history: Sequence[Decided] = ()) -> tuple[int, ...]:
        """Return the colour numbers of a study's clusters.

        Parameters
        ----------
        study : Study
            The next one of the run, or the same one again.
        history : sequence of Decided
            All decisions, the oldest first; the colours of the last one are remembered if it is
            that of the study.

        Returns
        -------
        tuple of int
            Of the clusters 1, 2, …
        """
        if study is not self._study:
            self._colours = self._next_colours(study)
            self._study = study
        sizes = tuple(np.bincount(study.labels, minlength=len(self._colours) + 1)[1:].tolist())
        if history and tuple(history[-1].sizes) == sizes:
            self._of_decisions[history[-1].n_frames] = self._colours
        return self._colours

    def _next_colours(self, study: Study) -> tuple[int, ...]:
        n_clusters = int(study.labels.max(initial=0))
        if self._study is None or not self._colours:
            return tuple(range(1, n_clusters + 1))
        here, before = same_emitters(study.traces, self._study.traces)
        new, old = study.labels[here], self._study.labels[before]
        shared = np.zeros((n_clusters, max(self._colours)))
        of_old = np.array([0, *self._colours])
        both = (new > 0) & (old > 0)
        np.add.at(shared, (new[both] - 1, of_old[old[both]] - 1), 1)
        return _assign(shared)

    def of_history(self, history: Sequence[Decided]) -> list[tuple[int, ...]]:
        """Return the colour numbers of all decisions.

        A decision that was never followed (of an interrupted run, say) has no members to match:
        its clusters get the colours of those of the next decision with the nearest ⟨β⟩.

        Parameters
        ----------
        history : sequence of Decided
            The oldest first.

        Returns
        -------
        list of tuple of int
            One tuple for each decision.
        """
        found: list[tuple[int, ...]] = []
        later: tuple[Array, tuple[int, ...]] | None = None
        for decided in reversed(history):
            betas = np.array(decided.betas, dtype=np.float64)
            colours = self._of_decisions.get(decided.n_frames, ())
            if len(colours) != betas.size:
                colours = _by_beta(betas, later)
            found.append(colours)
            later = betas, colours
        return found[::-1]


def same_emitters(one: Traces, other: Traces) -> tuple[Array, Array]:
    """Return which emitters two sets of traces have in common.

    Parameters
    ----------
    one, other : Traces

    Returns
    -------
    in_one, in_other : ndarray, shape (n_common,), int
        By their place where it is known (each other's nearest within 2 px), else by name; as in
        `umlpsd compare`.
    """
    first, second = (items_of(each, np.zeros(each.n_traces, np.int64)) for each in (one, other))
    common = match_items(first, second, NEAR_EMITTER_PX)
    return common.first, common.second


def _assign(shared: Array) -> tuple[int, ...]:
    """Return colours so that the most members keep theirs; clusters without any get free ones."""
    rows, columns = linear_sum_assignment(shared, maximize=True)
    colours = np.zeros(len(shared), dtype=np.int64)
    is_kept = shared[rows, columns] > 0
    colours[rows[is_kept]] = columns[is_kept] + 1
    return _with_free_colours(colours)


def _by_beta(betas: Array, later: tuple[Array, tuple[int, ...]] | None) -> tuple[int, ...]:
    colours = np.zeros(betas.size, dtype=np.int64)
    if later is not None and betas.size and later[0].size:
        pair = [np.nan_to_num(values, nan=UNKNOWN_BETA) for values in (betas, later[0])]
        rows, columns = linear_sum_assignment(np.abs(pair[0][:, None] - pair[1][None, :]))
        colours[rows] = np.array(later[1])[columns]
    return _with_free_colours(colours)


def _with_free_colours(colours: Array) -> tuple[int, ...]:
    free = (number for number in range(1, 2 * colours.size + 1 + int(colours.max(initial=0)))
            if number not in colours)  # fmt: skip
    return tuple(int(colour) or next(free) for colour in colours)
