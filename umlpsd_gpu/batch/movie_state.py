"""The state of an input, read from files only; runners and ``batch status`` see the same."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from umlpsd_gpu.batch.attempts import Attempt, is_set_aside, read_attempts
from umlpsd_gpu.batch.entries import Entry, Manifest
from umlpsd_gpu.batch.folder import DONE, STUDY, BatchFolder
from umlpsd_gpu.batch.keys import BACKENDS, Backend, make_result_keys
from umlpsd_gpu.storage.json_files import read_json
from umlpsd_gpu.storage.result_folder import SUMMARY

DONE_FORMAT = "umlpsd batch result"
State = Literal["done", "failed", "set aside", "waiting"]


@dataclass(frozen=True)
class MovieState:
    """The state of an input.

    Attributes
    ----------
    state : {"done", "failed", "set aside", "waiting"}
        ``waiting`` includes inputs that are being worked on.
    attempts : list of Attempt
        Those that gave no result, oldest first.
    result : dict or None
        done.json of the stored result, which may be out of date.
    """

    state: State
    attempts: list[Attempt]
    result: dict[str, Any] | None


@dataclass(frozen=True)
class RequiredResult:
    """The result that an input is to get.

    Attributes
    ----------
    keys : dict of str to str
        Class of device → key of the result.
    backends : collection of str
        The classes of device whose results are accepted.
    figures : bool
    """

    keys: dict[Backend, str]
    backends: Collection[Backend]
    figures: bool

    def is_met_by(self, result: dict[str, Any] | None) -> bool:
        """Return whether nothing is left to do.

        Parameters
        ----------
        result : dict or None
            done.json.

        Returns
        -------
        bool
        """
        has_same_files = result is not None and result.get("figures") == self.figures
        return has_same_files and self.has_same_numbers(result)

    def has_same_numbers(self, result: dict[str, Any] | None) -> bool:
        """Return whether a result is up to date, with or without figures.

        Parameters
        ----------
        result : dict or None
            done.json.

        Returns
        -------
        bool
        """
        return result is not None and result.get("study_key") in {
            self.keys[backend] for backend in self.backends
        }


def find_required_result(manifest: Manifest, entry: Entry, device: str) -> RequiredResult:
    """Return the result that an input is to get.

    Parameters
    ----------
    manifest : Manifest
    entry : Entry
    device : {"auto", "cpu", "gpu"}
        ``auto`` accepts results of both classes of device, wherever they were made.

    Returns
    -------
    RequiredResult
    """
    keys = make_result_keys(entry.content, manifest.settings)
    backends = tuple(b for b in BACKENDS if device in ("auto", b))
    return RequiredResult(keys, backends, manifest.figures)


def read_movie_state(
    folder: BatchFolder,
    entry: Entry,
    required: RequiredResult,
    seen: int = 0,
    retry: bool = False,
) -> MovieState:
    """Read the state of an input.

    Parameters
    ----------
    folder : BatchFolder
    entry : Entry
    required : RequiredResult
    seen : int
        Errors of attempts up to this number don't count: a new run tries the input once more.
    retry : bool
        Processes that ended in those attempts don't count either.

    Returns
    -------
    MovieState
    """
    place = folder.result(entry.id)
    result = read_json(place / DONE, DONE_FORMAT)
    if result is not None and not (place / STUDY / SUMMARY).is_file():
        result = None
    if required.is_met_by(result):
        return MovieState("done", [], result)
    attempts = read_attempts(folder.claims(entry.id), set(required.keys.values()))
    new = [attempt for attempt in attempts if attempt.number > seen]
    state: State = "waiting"
    if is_set_aside(new if retry else attempts):
        state = "set aside"
    elif new and new[-1].kind == "failed":
        state = "failed"
    return MovieState(state, attempts, result)
