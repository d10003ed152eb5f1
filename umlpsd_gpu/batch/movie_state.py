"""How a movie stands, told from files alone; runners and ``batch status`` see the same."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from umlpsd_gpu.batch.attempts import Attempt, attempts_on, is_set_aside
from umlpsd_gpu.batch.entries import Entry, Manifest
from umlpsd_gpu.batch.folder import DONE, STUDY, BatchFolder
from umlpsd_gpu.batch.keys import BACKENDS, Backend, study_keys
from umlpsd_gpu.storage.json_files import read_json
from umlpsd_gpu.storage.result_folder import SUMMARY

DONE_FORMAT = "umlpsd batch result"
State = Literal["done", "failed", "set aside", "waiting"]


@dataclass(frozen=True)
class MovieState:
    """A movie's state.

    Attributes
    ----------
    state : {"done", "failed", "set aside", "waiting"}
        ``waiting`` includes movies that are being worked on.
    attempts : list of Attempt
        That gave no study, oldest first.
    result : dict or None
        done.json of the study that is there, be it up to date or not.
    """

    state: State
    attempts: list[Attempt]
    result: dict[str, Any] | None


@dataclass(frozen=True)
class Wanted:
    """The study that a movie is to get.

    Attributes
    ----------
    keys : dict of str to str
        Its key by class of device.
    backends : collection of str
        The classes whose studies will do.
    figures : bool
    """

    keys: dict[Backend, str]
    backends: Collection[Backend]
    figures: bool

    def is_met_by(self, result: dict[str, Any] | None) -> bool:
        """Say whether nothing is left to do."""
        has_same_files = result is not None and result.get("figures") == self.figures
        return has_same_files and self.is_same_study(result)

    def is_same_study(self, result: dict[str, Any] | None) -> bool:
        """Say whether the numbers are right, figures or not."""
        return result is not None and result.get("study_key") in {
            self.keys[backend] for backend in self.backends
        }


def wanted_of(manifest: Manifest, entry: Entry, device: str) -> Wanted:
    """Return what a movie is to get.

    Parameters
    ----------
    device : {"auto", "cpu", "gpu"}
        With ``auto`` a study of either class will do, wherever it was made.
    """
    keys = study_keys(entry.content, manifest.settings)
    backends = tuple(b for b in BACKENDS if device in ("auto", b))
    return Wanted(keys, backends, manifest.figures)


def state_of(
    folder: BatchFolder, entry: Entry, wanted: Wanted, seen: int = 0, retry: bool = False
) -> MovieState:
    """Look how a movie stands.

    Parameters
    ----------
    folder, entry, wanted
    seen : int
        Errors of attempts up to this number don't count: a new run tries the movie once more.
    retry : bool
        Processes that those attempts brought down don't count either.
    """
    place = folder.result(entry.id)
    result = read_json(place / DONE, DONE_FORMAT)
    if result is not None and not (place / STUDY / SUMMARY).is_file():
        result = None
    if wanted.is_met_by(result):
        return MovieState("done", [], result)
    attempts = attempts_on(folder.state(entry.id), set(wanted.keys.values()))
    new = [attempt for attempt in attempts if attempt.number > seen]
    state: State = "waiting"
    if is_set_aside(new if retry else attempts):
        state = "set aside"
    elif new and new[-1].kind == "failed":
        state = "failed"
    return MovieState(state, attempts, result)
