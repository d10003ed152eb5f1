"""The latest snapshot, serialised once for all who look at it."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.live.page.colours import ClusterColours
from umlpsd_gpu.live.page.picture_json import image_of, places_of
from umlpsd_gpu.live.page.plain import to_json
from umlpsd_gpu.live.page.state_json import shown_traces, state_of
from umlpsd_gpu.live.page.study_json import study_of
from umlpsd_gpu.live.page.trace_json import trace_of
from umlpsd_gpu.live.snapshot import Decided, Snapshot

# the mean image changes with every frame, but not visibly
IMAGE_EVERY_S = 3.0
# quick; higher levels make answers a few per cent smaller
GZIP_LEVEL = 3
# answers about emitters that are kept for other viewers until the next snapshot
MOST_KEPT = 64


@dataclass(frozen=True)
class Answer:
    """JSON in both forms that a browser may ask for.

    Attributes
    ----------
    plain, zipped : bytes
    """

    plain: bytes
    zipped: bytes

    @classmethod
    def of(cls, plain: bytes) -> Answer:
        """Compress an answer.

        Parameters
        ----------
        plain : bytes

        Returns
        -------
        Answer
        """
        return cls(plain, gzip.compress(plain, GZIP_LEVEL, mtime=0))


class Part:
    """A part of the answers that is sent again only when it has changed."""

    def __init__(self) -> None:
        """Start with nothing, as version 0."""
        self.version = 0
        self.content = b"null"

    def change_to(self, content: bytes) -> None:
        """Take a new content, unless it is the old one.

        Parameters
        ----------
        content : bytes
        """
        if content != self.content:
            self.version += 1
            self.content = content


class Board:
    """Holds the latest snapshot of a run and the answers about it; used by one thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start without a snapshot.

        Parameters
        ----------
        clock : callable
            Returns seconds.
        """
        self.snapshot: Snapshot | None = None
        self._clock = clock
        self._state = b"null"
        self._study, self._picture = Part(), Part()
        self._colours = ClusterColours()
        self._shown_decision: tuple[object, int, Decided | None] = (None, 0, None)
        self._places: dict[str, Any] = places_of(None)
        self._image: dict[str, Any] | None = None
        self._shown_image: Array | None = None
        self._image_time_s = -float("inf")
        self._answers: dict[object, Answer] = {}

    @property
    def number(self) -> int:
        """Number of the latest snapshot; 0 before the first."""
        return 0 if self.snapshot is None else self.snapshot.number

    def show(self, snapshot: Snapshot) -> None:
        """Take a new snapshot in the place of the old one.

        Parameters
        ----------
        snapshot : Snapshot
        """
        self._answers.clear()
        self.snapshot = snapshot
        self._state = to_json(state_of(snapshot))
        self._show_study(snapshot)
        self._show_picture(snapshot)

    def _show_study(self, snapshot: Snapshot) -> None:
        study, history = snapshot.study, snapshot.history
        decision = study, len(history), history[-1] if history else None
        if study is None or decision == self._shown_decision:
            return
        dt_s = study.traces.dt_s if snapshot.dt_s is None else snapshot.dt_s
        self._study.change_to(to_json(study_of(study, history, dt_s, self._colours)))
        self._shown_decision = decision

    def _show_picture(self, snapshot: Snapshot) -> None:
        places = places_of(shown_traces(snapshot))
        is_over = snapshot.state in ("finished", "failed")
        is_due = is_over or self._clock() - self._image_time_s >= IMAGE_EVERY_S
        image = snapshot.mean_image
        if image is not self._shown_image and (is_due or self._image is None):
            self._image, self._shown_image = image_of(image), image
            self._image_time_s = self._clock()
        elif places == self._places:
            return
        self._places = places
        self._picture.change_to(to_json(places | {"image": self._image}))

    def state(self, study: int, picture: int) -> Answer:
        """Return the latest snapshot for a viewer.

        Parameters
        ----------
        study, picture : int
            Versions that the viewer has.

        Returns
        -------
        Answer
            ``state``, ``versions`` and those of ``study`` and ``picture`` that are new to it.
        """
        has = study == self._study.version, picture == self._picture.version
        return self._kept(has, lambda: self._state_without(*has))

    def _state_without(self, has_study: bool, has_picture: bool) -> bytes:
        versions = {"study": self._study.version, "picture": self._picture.version}
        parts = [b'{"state":' + self._state, b'"versions":' + to_json(versions)]
        if not has_study:
            parts.append(b'"study":' + self._study.content)
        if not has_picture:
            parts.append(b'"picture":' + self._picture.content)
        return b",".join(parts) + b"}"

    def trace(self, name: str, n_columns: int, last_s: float | None) -> Answer:
        """Return one emitter.

        Parameters
        ----------
        name : str
        n_columns : int
        last_s : float or None
            As `trace_of` takes them.

        Returns
        -------
        Answer

        Raises
        ------
        TracesError
            If there is no such emitter, or no snapshot.
        SettingsError
            If a number is not allowed.
        """
        snapshot = self.snapshot or Snapshot(0, "waiting", "", 0, 0, None, 0.0)
        return self._kept(
            (name, n_columns, last_s),
            lambda: to_json(trace_of(snapshot, name, n_columns, last_s)),
        )

    def _kept(self, key: object, make: Callable[[], bytes]) -> Answer:
        """Return an answer that was made before for the same snapshot, or make it."""
        if key not in self._answers:
            answer = Answer.of(make())
            if len(self._answers) >= MOST_KEPT:
                self._answers.clear()
            self._answers[key] = answer
        return self._answers[key]
