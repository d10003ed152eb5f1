"""What is known at one moment of a live run: the page, the terminal and live.jsonl show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.traces.traces import Traces

State = Literal["waiting", "recording", "stalled", "finishing", "finished", "failed"]


@dataclass(frozen=True)
class Decided:
    """One decision of the past.

    Attributes
    ----------
    n_frames : int
        Frames that it is made from.
    k : int
    confidence : float
        Probability that K is right, 0…1.
    sizes : tuple of int
        Traces in each cluster.
    betas, beta_errors : tuple of float
        Mean exponent of each cluster and its standard error.
    """

    n_frames: int
    k: int
    confidence: float
    sizes: tuple[int, ...]
    betas: tuple[float, ...]
    beta_errors: tuple[float, ...]


@dataclass(frozen=True)
class Alarm:
    """Something that an experimenter should look at now.

    Attributes
    ----------
    kind : {"drift", "bleaching", "focus", "frames"}
    since_frame : int
    text : str
        One sentence with numbers and units.
    """

    kind: Literal["drift", "bleaching", "focus", "frames"]
    since_frame: int
    text: str


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What is known at one moment; nothing in it changes later.

    Attributes
    ----------
    number : int
        Counts the snapshots of a run from 1.
    state : str
    name : str
        Of the movie.
    n_frames : int
        Frames analysed; ``n_frames * dt_s`` is the time of the movie.
    n_arrived : int
        Frames recorded.
    dt_s : float or None
        Frame interval in seconds; None before the first frames.
    lag_s : float
        How long the last analysed frame had been waiting, in seconds.
    mean_image : ndarray, shape (n_rows, n_cols), or None
        Mean of the frames so far, in counts.
    traces : Traces or None
        Of all emitters (or pixels) so far. ``ids`` never change. Where the movie is longer than
        ``live.max_samples``, neighbouring frames are averaged and ``dt_s`` is a multiple.
    study : Study or None
        The latest decision, of the traces of its time; emitters by ``study.traces.ids``.
    history : tuple of Decided
        All decisions, oldest first.
    alarms : tuple of Alarm
        Those that hold now.
    hint : str
        "enough data: …" once the decision has been stable; else empty.
    message : str
        Why it is stalled, finished or failed, or what keeps from a decision; else empty.
    """

    number: int
    state: State
    name: str
    n_frames: int
    n_arrived: int
    dt_s: float | None
    lag_s: float
    mean_image: Array | None = None
    traces: Traces | None = None
    study: Study | None = None
    history: tuple[Decided, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    hint: str = ""
    message: str = ""
