"""What every source of a live run gives: the movie as far as it has been recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from umlpsd_gpu.movie.movie import Movie


@dataclass(frozen=True)
class Arrival:
    """What has been recorded so far.

    Attributes
    ----------
    movie : Movie or None
        All complete frames so far, readable in any order; ``n_frames`` never falls. None before
        the second frame.
    state : {"waiting", "recording", "finished", "lost"}
        ``waiting``: no frame yet. ``finished``: the recorder said that no more frames come.
        ``lost``: no more can come, because the file vanished, was truncated or was replaced.
    reason : str
        Where it is not obvious, one sentence for the user; else empty.
    """

    movie: Movie | None
    state: Literal["waiting", "recording", "finished", "lost"]
    reason: str = ""


class FrameSource(Protocol):
    """A movie that is being recorded."""

    def poll(self) -> Arrival:
        """Return at once what has been recorded so far.

        Raises
        ------
        MovieError
            If what is recorded is no movie that can be analysed.
        """
        ...

    def inputs(self) -> list[str]:
        """Return what ``umlpsd run`` is given to analyse the finished movie."""
        ...

    def close(self) -> None:
        """Let go of files and connections; what was recorded stays readable."""
        ...
