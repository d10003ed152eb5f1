"""Leases on movies, made of files only: one holder at a time, and a late one can't commit.

Numbered tokens lie in the movie's state folder. Token n+1 is created exclusively, so that of many
claimants one gets it; the largest is never deleted, so that no number serves twice. Its holder
works in a private folder and touches the token now and then. A token that was not touched for its
term, or whose process is gone, may be followed by the next one.

The late holder is fenced off by a rename: a study is committed by renaming the private folder to
its place, and whoever takes over first renames that same folder to another name. Of two renames of
one name exactly one succeeds, on local and on network file systems; so a holder that was stopped
for hours either has committed before it was replaced, which its follower then sees, or never will.
A worker that goes on writing may make the folder anew under its old name; the seal that lies in the
folder since the claim tells it from that.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from umlpsd_gpu.batch.folder import DONE, BatchFolder
from umlpsd_gpu.batch.leases.process_identity import is_gone, this_process
from umlpsd_gpu.errors import UmlpsdError
from umlpsd_gpu.storage.json_files import create_json, write_json
from umlpsd_gpu.storage.result_folder import move_into_place, sync

TERM_S = 60.0  # longer than network file systems cache what a file was last touched [I]
BEATS_PER_TERM = 6
_TOKEN, _TAKEN, _SEAL = "token.", ".taken", "seal"


class LeaseLostError(UmlpsdError):
    """Another runner has taken the movie over; nothing of this attempt may be kept."""

    exit_code = 1


@dataclass(frozen=True)
class Token:
    """A claim on a movie.

    Attributes
    ----------
    number : int
    path : Path
    owner : dict
        Process, nonce and term; empty once released.
    touched : float
        When its holder last gave a sign of life, seconds by the clock of the file system.
    """

    number: int
    path: Path
    owner: dict[str, Any]
    touched: float

    def is_held(self, now: float) -> bool:
        """Say whether its holder may still be at work.

        Parameters
        ----------
        now : float
            Seconds by the clock of the file system; see `file_system_time`.
        """
        if not self.owner or is_gone(self.owner):
            return False
        return now - self.touched < float(self.owner.get("term_s", TERM_S))


@dataclass(frozen=True)
class Lease:
    """The right to work on a movie, and the private folder to do so.

    Attributes
    ----------
    folder : BatchFolder
    movie_id : str
    number : int
        Of the token; grows with every claim on the movie.
    work : Path
        The private folder; what it holds when committed becomes the result.
    interrupted : tuple of Token
        Earlier claims that ended without a word: their runners were killed or have stopped.
    """

    folder: BatchFolder
    movie_id: str
    number: int
    work: Path
    interrupted: tuple[Token, ...] = ()

    @property
    def token(self) -> Path:
        """Return the file that stands for this lease."""
        return _token_path(self.folder.state(self.movie_id), self.number)

    def is_current(self) -> bool:
        """Say whether nobody has taken the movie over."""
        numbers = _numbers(self.folder.state(self.movie_id))
        is_last = bool(numbers) and numbers[-1] == self.number
        return is_last and (self.work / _SEAL).exists()

    def beat(self) -> bool:
        """Give a sign of life; False where the lease is lost."""
        with suppress(FileNotFoundError):
            os.utime(self.token)
            return self.is_current()
        return False

    def commit(self, done: dict[str, Any]) -> None:
        """Make the private folder the movie's result, in one step; its worker has ended.

        Parameters
        ----------
        done : dict
            For done.json, the last file of the folder.

        Raises
        ------
        LeaseLostError
            If another runner has taken over.
        """
        result = self.folder.result(self.movie_id)
        try:
            # nobody makes the folder anew any more: from here on it is ours or gone
            (self.work / _SEAL).unlink()
            write_json(self.work / DONE, done)
            replaced = move_into_place(self.work, result)
        except FileNotFoundError as error:
            raise LeaseLostError(
                f"{self.movie_id}: another runner has taken the movie over; the late study was "
                "not kept"
            ) from error
        sync(self.folder.results)
        sync(self.folder.work)
        if replaced is not None:
            shutil.rmtree(replaced, ignore_errors=True)

    def release(self) -> None:
        """Delete what is left in the private folder, and let others have the movie."""
        shutil.rmtree(self.work, ignore_errors=True)
        # an empty token is a released one: cutting a file takes no room on a full disk
        with suppress(OSError):
            os.truncate(self.token, 0)


def claim(folder: BatchFolder, movie_id: str, term_s: float, now: float) -> Lease | None:
    """Take a lease; None where another runner has the movie.

    Parameters
    ----------
    folder : BatchFolder
    movie_id : str
    term_s : float
        Others may take over when there was no sign of life for so long, in seconds.
    now : float
        See `file_system_time`.

    Returns
    -------
    Lease or None
        Every earlier holder is fenced off; what one has committed before is in its place, so look
        whether the movie still needs work.
    """
    state = folder.state(movie_id)
    state.mkdir(parents=True, exist_ok=True)
    last = last_token(state)
    if last is not None and last.is_held(now):
        return None
    number = last.number + 1 if last is not None else 1
    nonce = secrets.token_hex(6)
    # the private folder is there before the claim: a follower must find what to rename
    work = folder.work / f"{movie_id}.{number}.{nonce}"
    work.mkdir()
    with suppress(FileNotFoundError):  # who was faster has cleaned up already
        (work / _SEAL).touch()
    path = _token_path(state, number)
    mine = create_json(path, {**this_process(), "term_s": term_s, "nonce": nonce})
    if mine and (_numbers(state)[-1] != number or not (work / _SEAL).exists()):
        # the number was free only because a follower has cleaned up
        path.unlink(missing_ok=True)
        mine = False
    if not mine:
        shutil.rmtree(work, ignore_errors=True)
        return None
    interrupted = tuple(_fence_off(folder, movie_id, number))
    _delete_abandoned(folder, movie_id, number, work)
    return Lease(folder, movie_id, number, work, interrupted)


def last_token(state: Path) -> Token | None:
    """Return the token that counts; None where nobody ever claimed the movie."""
    for number in reversed(_numbers(state)):
        token = _read(state, number)
        if token is not None:
            return token
    return None


def delete_left_over(folder: BatchFolder, now: float) -> None:
    """Delete private folders that killed runners have left and nobody will claim again."""
    for name in os.listdir(folder.work):
        movie_id, number = _parts(name)
        path = folder.work / name
        with suppress(OSError):
            if not movie_id or now - path.stat().st_mtime < TERM_S:
                continue
            last = last_token(folder.state(movie_id))
            if last is None or number < last.number or not last.is_held(now):
                _discard(path)
    for path in folder.results.glob(".*.replaced-*"):
        # where two names can't be swapped, an older result is set aside for a moment
        with suppress(OSError):
            if now - path.stat().st_ctime > TERM_S:
                shutil.rmtree(path)


def file_system_time(folder: BatchFolder) -> float:
    """Return the time by the clock that dates files, which may be another machine's."""
    probe = folder.root / "state" / f".clock.{os.getpid()}.{secrets.token_hex(4)}"
    try:
        with probe.open("xb") as file:
            return os.fstat(file.fileno()).st_mtime
    finally:
        probe.unlink(missing_ok=True)


def _token_path(state: Path, number: int) -> Path:
    return state / f"{_TOKEN}{number}"


def _numbers(state: Path) -> list[int]:
    try:
        names = os.listdir(state)
    except FileNotFoundError:
        return []
    ours = (name.removeprefix(_TOKEN) for name in names if name.startswith(_TOKEN))
    return sorted(int(digits) for digits in ours if digits.isdecimal())


def _read(state: Path, number: int) -> Token | None:
    path = _token_path(state, number)
    try:
        # opening asks a network file system for what is true now
        with path.open(encoding="ascii") as file:
            text, touched = file.read(), os.fstat(file.fileno()).st_mtime
    except FileNotFoundError:
        return None
    try:
        owner = json.loads(text) if text else {}
    except ValueError:
        # cut by a crash: as good as a token without a sign of life
        owner = {"nonce": "", "term_s": TERM_S}
    return Token(number, path, owner, touched)


def _fence_off(folder: BatchFolder, movie_id: str, number: int) -> Iterator[Token]:
    """Rename the private folders of earlier holders; yield the tokens that were not released."""
    state = folder.state(movie_id)
    for earlier in (n for n in _numbers(state) if n < number):
        token = _read(state, earlier)
        if token is None:
            continue
        if token.owner:
            work = folder.work / f"{movie_id}.{earlier}.{token.owner['nonce']}"
            with suppress(FileNotFoundError):
                work.rename(work.with_name(work.name + _TAKEN))
            yield token
        token.path.unlink(missing_ok=True)


def _delete_abandoned(folder: BatchFolder, movie_id: str, number: int, mine: Path) -> None:
    """Delete private folders of this movie that nobody can commit any more."""
    for name in os.listdir(folder.work):
        owner, its_number = _parts(name)
        if owner == movie_id and its_number <= number and name != mine.name:
            with suppress(OSError):
                _discard(folder.work / name)


def _parts(name: str) -> tuple[str, int]:
    """Return movie and number of a private folder; an empty text where it is none of ours."""
    movie_id, _, number = name.removesuffix(_TAKEN).rpartition(".")[0].rpartition(".")
    return (movie_id, int(number)) if number.isdecimal() else ("", 0)


def _discard(work: Path) -> None:
    """Delete a private folder; renamed first, as its holder may be late, not gone."""
    taken = work
    if not work.name.endswith(_TAKEN):
        taken = work.with_name(work.name + _TAKEN)
        work.rename(taken)
    shutil.rmtree(taken, ignore_errors=True)
