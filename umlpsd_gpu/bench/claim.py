"""The paper's "20-to-30-fold": the gain from smoothing, separate from the gain from an engine.

The paper timed 14 K × 100 epochs on 204 traces (raw, WL6 and W = 80) and found 20 to 30 times less
with smoothing. This comes from fewer samples in MATLAB, not from a GPU. Here the same protocol is
timed together with a scikit-learn loop that shares partitions, and with our engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

import numpy as np

from umlpsd_gpu.bench.agreement import (
    Agreement,
    Reference,
    compare_protocol,
    compare_sweep,
)
from umlpsd_gpu.bench.paper_protocol import ALL, METRICS, Labelled, ProtocolRun
from umlpsd_gpu.bench.timing import Measurement, Progress, time_call
from umlpsd_gpu.kmeans.result import Sweep

SCALES = ("raw", "WL6", "W80")
N_EPOCHS = 100
PAPER = "paper, MATLAB"
# seconds of the paper's timing table, in the order of SCALES [P]
PAPER_SECONDS = {
    "SS": (550.0, 460.0, 16.0),
    "CH": (970.0, 580.0, 28.0),
    "SSD": (190.0, 157.0, 8.0),
    ALL: (1710.0, 1197.0, 52.0),
}

Run = ProtocolRun | Sweep


@dataclass(frozen=True)
class Contender:
    """One implementation of the sweep.

    Attributes
    ----------
    name : str
    run : callable
        ``run(values, n_epochs, seed)`` returns a `ProtocolRun`, which contains its own times, or a
        `Sweep`, with all metrics at once.
    n_epochs : dict of str to int
        Epochs per round, by scale; times are converted to `N_EPOCHS`.
    n_repeats : int
        Repeats per round; their median counts.
    n_rounds : int, optional
        Fewer rounds than the others, for contenders that take minutes.
    ours : bool
        Whether it is this package.
    more : callable, optional
        ``more(values, seed)`` returns SSD and labels of further epochs, which are not timed, if
        those of the rounds are too few for a comparison.
    """

    name: str
    run: Callable[[np.ndarray, int, int], Run]
    n_epochs: Mapping[str, int]
    n_repeats: int = 1
    n_rounds: int | None = None
    ours: bool = False
    more: Callable[[np.ndarray, int], ProtocolRun] | None = None


@dataclass(frozen=True)
class Row:
    """Times of one contender for one metric, converted to `N_EPOCHS` epochs.

    Attributes
    ----------
    who, metric : str
    seconds : dict of str to Measurement
        By scale.
    epochs_run : dict of str to int
        By scale, over all rounds.
    """

    who: str
    metric: str
    seconds: dict[str, Measurement]
    epochs_run: dict[str, int]

    def saved_by_smoothing(self, scale: str) -> float:
        """Return the time at a scale divided by that at W80.

        Parameters
        ----------
        scale : str

        Returns
        -------
        float
        """
        return self.seconds[scale].ratio_to(self.seconds["W80"])


@dataclass(frozen=True)
class ClaimTable:
    """All rows, and whether the results of each contender agree with the reference's.

    Attributes
    ----------
    rows : tuple of Row
    agreement : dict of str to dict of str to Agreement
        By contender and scale.
    missing : dict of str to str
        Contenders that are not available here, and why.
    n_traces, n_frames : int
    """

    rows: tuple[Row, ...]
    agreement: dict[str, dict[str, Agreement]]
    missing: dict[str, str]
    n_traces: int
    n_frames: int

    def agrees(self, who: str) -> bool:
        """Return whether the results of a contender agree at all scales.

        Parameters
        ----------
        who : str

        Returns
        -------
        bool
        """
        return all(found.agrees for found in self.agreement[who].values())

    @property
    def worst_spread(self) -> float:
        """Return the largest ratio of the longest to the shortest round of the same work."""
        return max(m.high / m.low for row in self.rows for m in row.seconds.values())

    def row(self, who: str, metric: str = ALL) -> Row | None:
        """Return a row, or None if there is none.

        Parameters
        ----------
        who, metric : str

        Returns
        -------
        Row or None
        """
        return next((r for r in self.rows if (r.who, r.metric) == (who, metric)), None)

    def quoted(self, who: str, metric: str = ALL) -> Row | None:
        """Return a row whose results agree, otherwise None.

        Parameters
        ----------
        who, metric : str

        Returns
        -------
        Row or None
        """
        row = self.row(who, metric)
        return row if row is not None and self.agrees(who) else None

    def faster(self, slow: str, fast: str, scale: str) -> float:
        """Return the ratio of the times of two contenders for all three metrics.

        Parameters
        ----------
        slow, fast : str
        scale : str

        Returns
        -------
        float
            NaN if either is missing or disagrees.
        """
        rows = self.quoted(slow), self.quoted(fast)
        if rows[0] is None or rows[1] is None:
            return float("nan")
        return rows[0].seconds[scale].ratio_to(rows[1].seconds[scale])


@dataclass
class _Collected:
    seconds: dict[tuple[str, str, str], list[float]] = field(default_factory=dict)
    runs: dict[tuple[str, str], list[Run]] = field(default_factory=dict)
    epochs: dict[tuple[str, str], int] = field(default_factory=dict)


def claim_table(
    values: Mapping[str, np.ndarray],
    contenders: Sequence[Contender],
    n_rounds: int,
    k_max: int,
    seed: int,
    report: Progress,
    missing: Mapping[str, str] | None = None,
) -> ClaimTable:
    """Time all contenders in turn at all scales, round after round, and check their results.

    Parameters
    ----------
    values : mapping of str to ndarray, shape (n_traces, n_samples)
        The smoothed and scaled ensemble, by smoothing scale.
    contenders : sequence of Contender
    n_rounds : int
        Each with other seeds; times are medians over rounds.
    k_max, seed : int
    report : callable
        Called with (step, n_done, n_total).
    missing : mapping of str to str, optional
        Contenders that are not available, and why.

    Returns
    -------
    ClaimTable
    """
    plan = [
        (number, scale, one)
        for number in range(n_rounds)
        for scale in values
        for one in contenders
        if number < (one.n_rounds or n_rounds)
    ]
    _warm_up(values, contenders)
    found = _Collected()
    for done, (number, scale, one) in enumerate(plan):
        report("claim", done, len(plan))
        _run_round(found, one, values[scale], scale, seed + number)
    report("claim", len(plan), len(plan))
    n_traces, n_frames = values["raw"].shape
    return ClaimTable(
        rows=tuple(row for one in contenders for row in _rows(one, found, values)),
        agreement=_agreements(values, contenders, found, k_max, seed, report),
        missing=dict(missing or {}),
        n_traces=n_traces,
        n_frames=n_frames,
    )


def _warm_up(values: Mapping[str, np.ndarray], contenders: Sequence[Contender]) -> None:
    """Import, allocate and start threads with a few short traces; compile the kernels of a GPU."""
    few = np.ascontiguousarray(values["W80"][:, :50])
    for one in contenders:
        one.run(few, 1, 0)
        if one.ours:
            one.run(values["W80"], 1, 0)


def _run_round(
    found: _Collected, one: Contender, values: np.ndarray, scale: str, seed: int
) -> None:
    n_epochs = one.n_epochs[scale]
    repeats = [time_call(lambda: one.run(values, n_epochs, seed)) for _ in range(one.n_repeats)]
    # a sweep calculates all metrics at once, so that it has only the time for all
    seconds = [
        run.seconds if isinstance(run, ProtocolRun) else {ALL: wall} for wall, run in repeats
    ]
    for metric in seconds[0]:
        spent = float(np.median([of_repeat[metric] for of_repeat in seconds]))
        found.seconds.setdefault((one.name, metric, scale), []).append(spent * N_EPOCHS / n_epochs)
    # repeats in a round, and later rounds of a sweep, give the same result: keep one
    run = repeats[0][1]
    runs = found.runs.setdefault((one.name, scale), [])
    if isinstance(run, ProtocolRun) or not runs:
        runs.append(run)
    key = one.name, scale
    found.epochs[key] = found.epochs.get(key, 0) + n_epochs * one.n_repeats


def _rows(one: Contender, found: _Collected, values: Mapping[str, np.ndarray]) -> list[Row]:
    rows = []
    for metric in (*METRICS, ALL):
        if (one.name, metric, "W80") not in found.seconds:
            continue
        seconds = {
            scale: Measurement(tuple(found.seconds[one.name, metric, scale]), one.ours)
            for scale in values
        }
        epochs = {scale: found.epochs[one.name, scale] for scale in values}
        rows.append(Row(one.name, metric, seconds, epochs))
    return rows


def _agreements(
    values: Mapping[str, np.ndarray],
    contenders: Sequence[Contender],
    found: _Collected,
    k_max: int,
    seed: int,
    report: Progress,
) -> dict[str, dict[str, Agreement]]:
    agreements: dict[str, dict[str, Agreement]] = {one.name: {} for one in contenders}
    for done, scale in enumerate(values):
        report("agreement", done, len(values))
        reference_of = cache(partial(Reference.of, values[scale], k_max, seed))
        for one in contenders:
            runs = found.runs[one.name, scale]
            if one.more:
                # principal coordinates are shorter than the traces and have the same distances
                runs = [*runs, one.more(reference_of(None).values, seed + len(runs))]
            agreements[one.name][scale] = _agreement(runs, reference_of)
    report("agreement", len(values), len(values))
    return agreements


def _agreement(runs: list[Any], reference_of: Callable[[int | None], Reference]) -> Agreement:
    if isinstance(runs[0], Sweep):
        return compare_sweep(runs[0], reference_of(None))
    pooled = _pool_runs(runs)
    return compare_protocol(pooled, reference_of(pooled.candidates))


def _pool_runs(runs: list[ProtocolRun]) -> ProtocolRun:
    """Combine the epochs of all rounds."""
    pooled = {}
    for metric, first in runs[0].found.items():
        parts = [run.found[metric] for run in runs if metric in run.found]
        labels = np.concatenate([part.labels for part in parts], axis=1)
        metrics = np.concatenate([part.values for part in parts], axis=1)
        pooled[metric] = Labelled(first.k_values, labels, metrics)
    return replace(runs[0], n_epochs=sum(run.n_epochs for run in runs), found=pooled)
