"""Follow a recording to its end, then analyse the finished movie as ``umlpsd run`` does."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.analyses.registry import get_analysis
from umlpsd_gpu.clustering.device import device_of
from umlpsd_gpu.compute.context import Progress, report_nothing
from umlpsd_gpu.errors import OutputError, UmlpsdError
from umlpsd_gpu.live.decisions import describe
from umlpsd_gpu.live.engine import Engine
from umlpsd_gpu.live.lock import FolderLock
from umlpsd_gpu.live.log import LiveLog
from umlpsd_gpu.live.settings import LiveSettings
from umlpsd_gpu.live.snapshot import Snapshot, State
from umlpsd_gpu.live.source import Arrival, FrameSource
from umlpsd_gpu.live.stop import CleanStop
from umlpsd_gpu.live.waiting import Waiting
from umlpsd_gpu.report.run_and_write import run_and_write
from umlpsd_gpu.storage.result_folder import check_output

STUDY = "study"
# Frames are asked for so often, and analysed for so long at a time
POLL_S, WORK_S = 0.1, 0.25
STALLED_S, STALLED_FRAMES = 5.0, 10


class Page(Protocol):
    """What shows snapshots in a browser."""

    def publish(self, snapshot: Snapshot) -> None:
        """Show a snapshot.

        Parameters
        ----------
        snapshot : Snapshot
        """
        ...


def _ignore(said: object) -> None:
    return


@dataclass
class _Listeners:
    """Who is told of every snapshot; what can't be written is said once and does no harm."""

    log: LiveLog
    page: Page | None
    tell: Callable[[Snapshot], None]
    warn: Callable[[str], None]
    _said: str = field(default="", init=False)

    def publish(self, snapshot: Snapshot) -> None:
        try:
            self.log.write(snapshot)
            self._said = ""
        except OutputError as error:
            if str(error) != self._said:
                self.warn(str(error))
            self._said = str(error)
        if self.page is not None:
            self.page.publish(snapshot)
        self.tell(snapshot)


def run_live(
    source: FrameSource,
    out: str | Path,
    settings: Settings | None = None,
    live: LiveSettings | None = None,
    page: Page | None = None,
    tell: Callable[[Snapshot], None] = _ignore,
    warn: Callable[[str], None] = _ignore,
    progress: Progress = report_nothing,
    *,
    n_frames: int | None = None,
    overwrite: bool = False,
) -> Study:
    """Follow a recording, and analyse the finished movie.

    The final study is that of ``umlpsd run`` for the same movie and settings, bit for bit.

    Parameters
    ----------
    source : FrameSource
        Is closed at the end.
    out : path
        Folder for live.jsonl, emitters.json and the study. A run that was killed goes on in it.
    settings : Settings, optional
        Of the final study.
    live : LiveSettings, optional
        How the recording is followed.
    page : Page, optional
        Shows every snapshot.
    tell : callable
        Takes every snapshot.
    warn : callable
        Takes sentences about what can't be written; the analysis goes on.
    progress : callable
        Called with (step, done, total) during the final study.
    n_frames : int, optional
        The recording ends with so many frames. By default it ends if the source says so, or no
        frame came for ``live.idle_s``.
    overwrite : bool
        Whether a study in the folder is replaced.

    Returns
    -------
    Study
        Of the finished movie, as written to the folder ``study``.

    Raises
    ------
    OutputInUseError
        If another live run writes to the folder, or it holds a study or another movie's run.
    OutputError
        If the folder can't be written.
    MovieError, TracesError
        If the recording can't be analysed, or was lost.
    DeviceError
        If the chosen device is missing, or its memory is too small.
    KeyboardInterrupt
        At the second Ctrl-C. After the first one the movie so far is analysed.
    """
    settings, live, out = settings or Settings(), live or LiveSettings(), Path(out)
    try:
        device_of(settings)  # a missing one is told before the first frame
        with FolderLock(out):
            check_output(out / STUDY, overwrite)
            log = LiveLog(out)
            listeners = _Listeners(log, page, tell, warn)
            engine = Engine(settings, live, out, warn)
            try:
                ended = _Follower(source, engine, live, listeners, n_frames).follow()
                return _finish(source, engine, settings, out, listeners, ended, progress, overwrite)
            finally:
                engine.close()
                log.close()
    finally:
        source.close()


@dataclass
class _Follower:
    """Analyses frames as they arrive, until there are no more."""

    source: FrameSource
    engine: Engine
    live: LiveSettings
    listeners: _Listeners
    n_frames: int | None
    waiting: Waiting = field(default_factory=Waiting)

    def follow(self) -> str:
        """Return why the recording has ended, in a sentence."""
        next_update = time.monotonic()
        with CleanStop() as stop:
            while True:
                begin = time.monotonic()
                arrival = self._look()
                ended = self._find_end(arrival, stop.is_asked)
                if ended or time.monotonic() >= next_update:
                    next_update = time.monotonic() + self.live.update_s
                    self.publish(self._state(arrival), arrival.reason)
                if ended:
                    return ended
                if self.engine.n_frames == self.waiting.n_arrived:
                    pause_s = min(POLL_S, self.live.update_s / 2)
                    time.sleep(max(0.0, begin + pause_s - time.monotonic()))

    def _look(self) -> Arrival:
        try:
            arrival = self.source.poll()
            if arrival.movie is not None:
                self.waiting.arrive(arrival.movie.n_frames)
                self.engine.take(arrival.movie, time.monotonic() + WORK_S)
                self.waiting.analyse(self.engine.n_frames)
            if arrival.state == "lost":
                raise UmlpsdError(arrival.reason)
        except UmlpsdError as error:
            self.publish("failed", str(error))
            raise
        return arrival

    def publish(self, state: State, message: str) -> None:
        waiting = self.waiting
        self.listeners.publish(
            self.engine.snapshot(state, waiting.n_arrived, waiting.lag_s, message)
        )

    def _state(self, arrival: Arrival) -> Literal["waiting", "recording", "stalled"]:
        if arrival.movie is None:
            return "waiting"
        dt_s = arrival.movie.dt_s or 0.0
        is_stalled = self.waiting.idle_s > max(STALLED_S, STALLED_FRAMES * dt_s)
        return "stalled" if is_stalled and arrival.state != "finished" else "recording"

    def _find_end(self, arrival: Arrival, is_asked: bool) -> str:
        if arrival.movie is None:
            if arrival.state == "finished" or is_asked:
                reason = arrival.reason or "the recording ended before its second frame"
                self.publish("failed", reason)
                raise UmlpsdError(f"{reason}; there is nothing to analyse")
            return ""
        if is_asked:
            return "stopped with Ctrl-C"
        if self.engine.n_frames < self.waiting.n_arrived:
            return ""
        if arrival.state == "finished":
            return arrival.reason or "the recorder has ended the movie"
        if self.n_frames is not None and self.engine.n_frames >= self.n_frames:
            return f"{self.n_frames:,} frames are recorded"
        if self.waiting.idle_s >= self.live.idle_s:
            return f"no frame came for {self.live.idle_s:g} s"
        return ""


def _finish(
    source: FrameSource,
    engine: Engine,
    settings: Settings,
    out: Path,
    listeners: _Listeners,
    ended: str,
    progress: Progress,
    overwrite: bool,
) -> Study:
    """Analyse the finished movie from its files, as if there had been no live run."""
    n_frames = engine.n_frames
    listeners.publish(engine.snapshot("finishing", n_frames, message=ended))
    engine.close()
    analysis = get_analysis("blinking")
    names = source.inputs()
    source.close()
    try:
        opened = analysis.open(names, settings)
        study: Study
        study, written = run_and_write(analysis, opened, settings, out / STUDY, overwrite, progress)
    except UmlpsdError as error:
        listeners.publish(engine.snapshot("failed", n_frames, message=str(error)))
        raise
    done = engine.snapshot("finished", n_frames, message=f"{ended}; the study is in {written}")
    listeners.publish(_with_final(done, study, engine))
    return study


def _with_final(snapshot: Snapshot, study: Study, engine: Engine) -> Snapshot:
    """Return a snapshot of the final study, whose emitters keep the names of the live run."""
    named = replace(study.traces, ids=engine.name_like(study.traces))
    return replace(
        snapshot,
        mean_image=study.movies[0].mean_image,
        traces=named,
        study=replace(study, traces=named),
        hint="",
        history=(*snapshot.history, describe(study, snapshot.n_frames)),
    )
