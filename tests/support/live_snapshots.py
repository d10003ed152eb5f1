"""Snapshots as a live engine gives them: real studies of simulated traces that grow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from umlpsd_gpu import run_study
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.live.snapshot import Alarm, Decided, Snapshot
from umlpsd_gpu.simulate.traces import simulate_traces
from umlpsd_gpu.traces.traces import Traces

NAME = "film.tif"
DT_S = 0.03
N_OF_CLASS, N_FRAMES = 16, 3000
N_ROWS, N_COLS = 96, 128
SEED = 4  # K changes from 1 to 3 to 2
QUICK = {"scales": ("W10", "W20", "W40"), "k_max": 6, "n_epochs": 10, "n_resamples": 10}
DECISIONS = (600, 1000, 1500, 2000)
ALARMS = (
    Alarm("drift", 1200, "the image has moved by 2.4 px since the first frame"),
    Alarm("bleaching", 1500, "the mean intensity has fallen by 38 % since the first 300 frames"),
)  # fmt: skip


@cache
def whole_traces(name: str = NAME) -> Traces:
    """Return simulated traces with places in an image; the classes are mixed."""
    mix = {"PEB": N_OF_CLASS, "TSB": N_OF_CLASS, "PBB": N_OF_CLASS}
    simulated = simulate_traces(mix, N_FRAMES, DT_S, seed=SEED).traces
    n = simulated.n_traces
    rng = np.random.default_rng(0)
    # on a jittered grid, so that a click is near one emitter only
    grid = np.stack(np.divmod(np.arange(n), 8), axis=1) * [15.0, 15.5] + [9.0, 9.0]
    rows, cols = (grid + rng.uniform(-2, 2, grid.shape)).T
    mixed = simulated.values[rng.permutation(n)]
    ids = tuple(f"{name}:{i}" for i in range(n))
    return Traces(mixed, DT_S, rows, cols, (name,) * n, ids)


def traces_at(n_frames: int, name: str = NAME) -> Traces:
    """Return the first frames of the traces."""
    whole = whole_traces(name)
    return replace(whole, values=whole.values[:, :n_frames])


@cache
def study_at(n_frames: int, name: str = NAME) -> Study:
    """Return the study of the first frames, by the light settings of a live run."""
    if name != NAME:
        return replace(study_at(n_frames), traces=traces_at(n_frames, name))
    return run_study(traces_at(n_frames), **QUICK)


def decided(study: Study) -> Decided:
    """Return a study's decision as the history holds it."""
    clusters = study.clusters
    k = int(study.labels.max())
    return Decided(
        n_frames=study.traces.n_frames,
        k=study.decision.k_opt,
        confidence=study.decision.confidence,
        sizes=tuple(np.bincount(study.labels, minlength=k + 1)[1:].tolist()),
        betas=tuple(clusters.beta_mean.tolist()),
        beta_errors=tuple(clusters.beta_stderr.tolist()),
    )


@cache
def mean_image() -> np.ndarray:
    """Return an image with a spot at each emitter."""
    whole = whole_traces()
    y, x = np.mgrid[:N_ROWS, :N_COLS]
    image = np.random.default_rng(1).normal(20, 1.5, (N_ROWS, N_COLS))
    for row, col, counts in zip(whole.rows, whole.cols, whole.values.mean(axis=1), strict=True):
        image += 0.3 * counts * np.exp(-((y - row) ** 2 + (x - col) ** 2) / (2 * 1.4**2))
    return image


def snapshot(
    number: int,
    n_frames: int,
    decisions: Sequence[int] = DECISIONS,
    name: str = NAME,
    **changes: Any,
) -> Snapshot:
    """Return the snapshot after some frames, with the decisions up to then."""
    past = [study_at(n, name) for n in decisions if n <= n_frames]
    has_emitters = n_frames >= 300
    made = Snapshot(
        number=number,
        state="recording" if n_frames else "waiting",
        name=name,
        n_frames=n_frames,
        n_arrived=n_frames + (12 if n_frames else 0),
        dt_s=DT_S if n_frames else None,
        lag_s=0.4 if n_frames else 0.0,
        mean_image=mean_image() if n_frames else None,
        traces=traces_at(n_frames, name) if has_emitters else None,
        study=past[-1] if past else None,
        history=tuple(map(decided, past)),
    )
    return replace(made, **changes)
