"""Decisions on K during a recording, and whether the data are enough."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.analyses.blinking.fitting_scales import select_scales
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.analyses.blinking.workflow import analyse
from umlpsd_gpu.clustering.device import device_of
from umlpsd_gpu.compute.context import Context
from umlpsd_gpu.decision.result import LEAST_CONFIDENCE
from umlpsd_gpu.errors import SettingsError, TracesError
from umlpsd_gpu.live.settings import LiveSettings
from umlpsd_gpu.live.snapshot import Decided
from umlpsd_gpu.traces.traces import Traces

FEWEST_TRACES = 3
# A decision begins this time after the last one began, and not before half of the time is free
SHORTEST_PAUSE_S, LEAST_FREE_SHARE = 3.0, 0.5
FEWEST_DECISIONS = 3  # that agree before the data are called enough


@dataclass(frozen=True)
class Outcome:
    """What the background thread found about K.

    Attributes
    ----------
    study : Study
    n_frames : int
        Frames that it is made from.
    """

    study: Study
    n_frames: int


def quick_settings(settings: Settings, live: LiveSettings) -> Settings:
    """Return the settings of a decision during the recording, on one thread of a CPU.

    Parameters
    ----------
    settings : Settings
        Of the final study.
    live : LiveSettings
    """
    return settings.with_values(
        {
            "preprocess.scales": live.scales,
            "sweep.k_max": min(live.k_max, settings.sweep.k_max),
            "sweep.n_epochs": min(live.n_epochs, settings.sweep.n_epochs),
            "decision.n_resamples": min(live.n_resamples, settings.decision.n_resamples),
            "n_threads": 1,
        }
    )


def decide_on(
    traces: Traces, n_frames: int, settings: Settings, check: Callable[..., None]
) -> Outcome:
    """Analyse the traces so far.

    Parameters
    ----------
    traces : Traces
    n_frames : int
        Frames that they are made from.
    settings : Settings
        From `quick_settings`.
    check : callable
        Called from time to time.

    Returns
    -------
    Outcome

    Raises
    ------
    TracesError
        If the traces are too few or too short.
    DeviceError
        If the chosen device is missing, or its memory is too small.
    """
    try:
        select_scales(traces.n_frames, settings)
    except SettingsError as error:
        raise TracesError(f"{n_frames:,} frames are too few for a decision yet") from error
    context = Context(device_of(settings), check)
    return Outcome(analyse(traces, settings, context), n_frames)


def describe(study: Study, n_frames: int) -> Decided:
    """Return what is remembered of a decision.

    Parameters
    ----------
    study : Study
    n_frames : int
        Frames that it is made from.
    """
    k = int(study.decision.k_opt)
    sizes = np.bincount(study.labels, minlength=k + 1)[1:]
    return Decided(
        n_frames=n_frames,
        k=k,
        confidence=float(study.decision.confidence),
        sizes=tuple(sizes.tolist()),
        betas=tuple(study.clusters.beta_mean.tolist()),
        beta_errors=tuple(study.clusters.beta_stderr.tolist()),
    )


class Decisions:
    """All decisions of a live run.

    Parameters
    ----------
    enough_s : float
        The data are enough if K has not changed for this time of the recording, in seconds.

    Attributes
    ----------
    study : Study or None
        The latest.
    history : tuple of Decided
    """

    def __init__(self, enough_s: float) -> None:
        self._enough_s = enough_s
        self.study: Study | None = None
        self.history: tuple[Decided, ...] = ()
        self._started, self._took_s, self._is_deciding = -np.inf, 0.0, False
        self._tried_at = 0

    def is_due(self, n_traces: int, n_frames: int) -> bool:
        """Return whether it is time for the next decision.

        Parameters
        ----------
        n_traces, n_frames : int
            So far.
        """
        pause_s = max(SHORTEST_PAUSE_S, self._took_s / LEAST_FREE_SHARE)
        is_time = time.monotonic() - self._started >= pause_s
        return n_traces >= FEWEST_TRACES and n_frames > self._tried_at and is_time

    def begin(self, n_frames: int) -> None:
        """Note that a decision begins.

        Parameters
        ----------
        n_frames : int
            Frames that it is made from.
        """
        self._tried_at = n_frames
        self._started, self._is_deciding = time.monotonic(), True

    def end(self) -> None:
        """Note that the decision, if there is one, has ended, with or without an outcome."""
        if self._is_deciding:
            self._took_s, self._is_deciding = time.monotonic() - self._started, False

    def add(self, outcome: Outcome) -> None:
        """Remember a decision.

        Parameters
        ----------
        outcome : Outcome
        """
        self.study = outcome.study
        self.history = (*self.history, describe(outcome.study, outcome.n_frames))

    def hint(self, dt_s: float) -> str:
        """Return a sentence if the data are enough, else "".

        Parameters
        ----------
        dt_s : float
            Frame interval in seconds.
        """
        if not self.history:
            return ""
        last, since, n_alike = self.history[-1], self.history[-1].n_frames, 0
        for decided in reversed(self.history):
            if decided.k != last.k or decided.confidence < LEAST_CONFIDENCE:
                break
            since, n_alike = decided.n_frames, n_alike + 1
        stable_s = (last.n_frames - since) * dt_s
        if n_alike < FEWEST_DECISIONS or stable_s < self._enough_s:
            return ""
        return (
            f"enough data: the decision, K = {last.k} with a probability of "
            f"{100 * last.confidence:.0f} %, has not changed for {stable_s:.0f} s"
        )
