"""Leases on inputs, made of files only: one holder at a time, and a late holder can't commit.

The input's folder of claims contains numbered tokens. Token n+1 is created exclusively, so only one
of many claimants gets it; the largest token is never deleted, so no number is used twice. The
holder works in a private folder and touches its token regularly. The next token may be created when
the last one was not touched for its term, or when its process has ended.

A rename keeps late holders out: a result is committed by renaming the private folder to its final
name, and whoever takes over first renames that same folder to another name. Of two renames of one
name exactly one succeeds, on local and on network file systems. So a holder that was suspended for
hours either committed before it was replaced, and its successor sees the result, or it never will.
A worker that continues to write may create the folder again under its old name; that new folder
lacks the seal, a file which the claim puts into the private folder.
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
from umlpsd_gpu.batch.leases.process_identity import identify_this_process, is_gone
from umlpsd_gpu.errors import UmlpsdError
from umlpsd_gpu.storage.json_files import create_json, write_json
from umlpsd_gpu.storage.result_folder import move_into_place, sync

TERM_S = 60.0  # longer than network file systems cache the times of files [I]
BEATS_PER_TERM = 6
_TOKEN, _TAKEN, _SEAL = "token.", ".taken", "seal"


class LeaseLostError(UmlpsdError):
    """Another runner has taken over the input; nothing of this attempt may be kept."""

    exit_code = 1


@dataclass(frozen=True)
class Token:
    """A claim on an input.

    Attributes
    ----------
    number : int
    path : Path
    owner : dict
        Process, nonce and term; empty once released.
    touched : float
        When its holder last gave a sign of life: seconds by the clock of the file system.
    """

    number: int
    path: Path
    owner: dict[str, Any]
    touched: float

    def is_held(self, now: float) -> bool:
        """Return whether its holder may still be at work.

        Parameters
        ----------
        now : float
            Seconds by the clock of the file system; see `read_file_system_time`.

        Returns
        -------
        bool
        """
        if not self.owner or is_gone(self.owner):
            return False
        return now - self.touched < float(self.owner.get("term_s", TERM_S))


@dataclass(frozen=True)
class Lease:
    """The right to work on an input, and the private folder for this work.

    Attributes
    ----------
    folder : BatchFolder
    movie_id : str
    number : int
        Of the token; grows with every claim on the input.
    work : Path
        The private folder; a commit makes it the result.
    interrupted : tuple of Token
        Earlier claims that were not released: their runners were killed or suspended.
    """

    folder: BatchFolder
    movie_id: str
    number: int
    work: Path
    interrupted: tuple[Token, ...] = ()

    @property
    def token(self) -> Path:
        """The file that represents this lease."""
        return _get_token_path(self.folder.claims(self.movie_id), self.number)

    def is_current(self) -> bool:
        """Return whether nobody has taken over the input.

        Returns
        -------
        bool
        """
        numbers = _list_numbers(self.folder.claims(self.movie_id))
        is_last = bool(numbers) and numbers[-1] == self.number
        return is_last and (self.work / _SEAL).exists()

    def beat(self) -> bool:
        """Give a sign of life.

        Returns
        -------
        bool
            False if the lease is lost.
        """
        with suppress(FileNotFoundError):
            os.utime(self.token)
            return self.is_current()
        return False

    def commit(self, done: dict[str, Any]) -> None:
        """Make the private folder the input's result, atomically; its worker must have ended.

        Parameters
        ----------
        done : dict
            Values of done.json, the last file of the folder.

        Raises
        ------
        LeaseLostError
            If another runner has taken over.
        """
        result = self.folder.result(self.movie_id)
        try:
            # nobody creates the folder again from here on: it is ours, or gone
            (self.work / _SEAL).unlink()
            write_json(self.work / DONE, done)
            replaced = move_into_place(self.work, result)
        except FileNotFoundError as error:
            raise LeaseLostError(
                f"{self.movie_id}: another runner has taken over this input; the late result was "
                "not kept"
            ) from error
        sync(self.folder.results)
        sync(self.folder.work)
        if replaced is not None:
            shutil.rmtree(replaced, ignore_errors=True)

    def release(self) -> None:
        """Delete the private folder, and let others claim the input."""
        shutil.rmtree(self.work, ignore_errors=True)
        # an empty token is a released one: emptying a file works on a full disk too
        with suppress(OSError):
            os.truncate(self.token, 0)


def claim(folder: BatchFolder, movie_id: str, term_s: float, now: float) -> Lease | None:
    """Take a lease on an input, and prevent every earlier holder from committing.

    Parameters
    ----------
    folder : BatchFolder
    movie_id : str
    term_s : float
        Others may take over after this many seconds without a sign of life.
    now : float
        See `read_file_system_time`.

    Returns
    -------
    Lease or None
        None: another runner has the input. Check again whether the input still needs work: an
        earlier holder may have committed just before.
    """
    claims = folder.claims(movie_id)
    claims.mkdir(parents=True, exist_ok=True)
    last = read_last_token(claims)
    if last is not None and last.is_held(now):
        return None
    number = last.number + 1 if last is not None else 1
    nonce = secrets.token_hex(6)
    # the private folder exists before the claim: a successor must find it to rename it
    work = folder.work / f"{movie_id}.{number}.{nonce}"
    work.mkdir()
    with suppress(FileNotFoundError):  # a faster claimant has deleted it
        (work / _SEAL).touch()
    path = _get_token_path(claims, number)
    is_ours = create_json(path, {**identify_this_process(), "term_s": term_s, "nonce": nonce})
    if is_ours and (_list_numbers(claims)[-1] != number or not (work / _SEAL).exists()):
        # the number was free only because a successor has deleted its token
        path.unlink(missing_ok=True)
        is_ours = False
    if not is_ours:
        shutil.rmtree(work, ignore_errors=True)
        return None
    interrupted = tuple(_fence_off(folder, movie_id, number))
    _delete_abandoned(folder, movie_id, number, work)
    return Lease(folder, movie_id, number, work, interrupted)


def read_last_token(claims: Path) -> Token | None:
    """Read the token with the largest number, the only one that is valid.

    Parameters
    ----------
    claims : Path
        The input's folder of claims.

    Returns
    -------
    Token or None
        None if nobody has ever claimed the input.
    """
    for number in reversed(_list_numbers(claims)):
        token = _read_token(claims, number)
        if token is not None:
            return token
    return None


def delete_leftovers(folder: BatchFolder, now: float) -> None:
    """Delete private folders of killed runners, of inputs that nobody will claim again.

    Parameters
    ----------
    folder : BatchFolder
    now : float
        See `read_file_system_time`.
    """
    for name in os.listdir(folder.work):
        movie_id, number = _split_name(name)
        path = folder.work / name
        with suppress(OSError):
            if not movie_id or now - path.stat().st_mtime < TERM_S:
                continue
            last = read_last_token(folder.claims(movie_id))
            if last is None or number < last.number or not last.is_held(now):
                _discard(path)
    for path in folder.results.glob(".*.replaced-*"):
        # if two names can't be exchanged, an older result has this name for a moment
        with suppress(OSError):
            if now - path.stat().st_ctime > TERM_S:
                shutil.rmtree(path)


def read_file_system_time(folder: BatchFolder) -> float:
    """Return the time by the clock that dates files, which may be another machine's.

    Parameters
    ----------
    folder : BatchFolder

    Returns
    -------
    float
        In seconds since 1970.
    """
    probe = folder.root / "state" / f".clock.{os.getpid()}.{secrets.token_hex(4)}"
    try:
        with probe.open("xb") as file:
            return os.fstat(file.fileno()).st_mtime
    finally:
        probe.unlink(missing_ok=True)


def _get_token_path(claims: Path, number: int) -> Path:
    return claims / f"{_TOKEN}{number}"


def _list_numbers(claims: Path) -> list[int]:
    try:
        names = os.listdir(claims)
    except FileNotFoundError:
        return []
    ours = (name.removeprefix(_TOKEN) for name in names if name.startswith(_TOKEN))
    return sorted(int(digits) for digits in ours if digits.isdecimal())


def _read_token(claims: Path, number: int) -> Token | None:
    path = _get_token_path(claims, number)
    try:
        # opening a file makes a network file system forget what it has cached
        with path.open(encoding="ascii") as file:
            text, touched = file.read(), os.fstat(file.fileno()).st_mtime
    except FileNotFoundError:
        return None
    try:
        owner = json.loads(text) if text else {}
    except ValueError:
        # cut by a crash: treated as a token without a sign of life
        owner = {"nonce": "", "term_s": TERM_S}
    return Token(number, path, owner, touched)


def _fence_off(folder: BatchFolder, movie_id: str, number: int) -> Iterator[Token]:
    """Rename the private folders of earlier holders; yield tokens that were not released."""
    claims = folder.claims(movie_id)
    for earlier in (n for n in _list_numbers(claims) if n < number):
        token = _read_token(claims, earlier)
        if token is None:
            continue
        if token.owner:
            work = folder.work / f"{movie_id}.{earlier}.{token.owner['nonce']}"
            with suppress(FileNotFoundError):
                work.rename(work.with_name(work.name + _TAKEN))
            yield token
        token.path.unlink(missing_ok=True)


def _delete_abandoned(folder: BatchFolder, movie_id: str, number: int, mine: Path) -> None:
    """Delete private folders of this input that nobody can commit any more."""
    for name in os.listdir(folder.work):
        owner, its_number = _split_name(name)
        if owner == movie_id and its_number <= number and name != mine.name:
            with suppress(OSError):
                _discard(folder.work / name)


def _split_name(name: str) -> tuple[str, int]:
    """Return input and number of a private folder; an empty text if the name is another."""
    movie_id, _, number = name.removesuffix(_TAKEN).rpartition(".")[0].rpartition(".")
    return (movie_id, int(number)) if number.isdecimal() else ("", 0)


def _discard(work: Path) -> None:
    """Delete a private folder; rename it first, as its holder may only be late."""
    taken = work
    if not work.name.endswith(_TAKEN):
        taken = work.with_name(work.name + _TAKEN)
        work.rename(taken)
    shutil.rmtree(taken, ignore_errors=True)
