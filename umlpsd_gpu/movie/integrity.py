"""Whether a movie is complete: announced frames against the bytes on disk."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.movie.movie import Verdict
from umlpsd_gpu.movie.page_reader import NOWHERE
from umlpsd_gpu.movie.page_table import PageTable

_N_NAMED = 5


def judge(
    table: PageTable, pages: Array, n_declared: int, absence: str, is_counted: bool = True
) -> Verdict:
    """Judge the frames of a movie: each must be present, complete, and like the first.

    Parameters
    ----------
    table : PageTable
    pages : ndarray, shape (n_looked_at,)
        Page of each leading frame, -1 where it is missing.
    n_declared : int
        Frames that the metadata announce.
    absence : str
        Why a frame may be missing, for the message.
    is_counted : bool
        Whether ``n_declared`` is exact; otherwise it is a lower bound.

    Returns
    -------
    Verdict
    """
    present = pages >= 0
    complete = present & (table.stop[pages] <= table.file_sizes[table.file[pages]])
    contents = [kind.content for kind in table.kinds]
    same = np.array([contents.index(content) for content in contents])[table.kind[pages]]
    alike = same == same[0] if len(pages) else present
    n_apart = _count_apart(table, pages)
    sound = complete & alike
    sound[n_apart:] = False
    n_sound = len(pages) if sound.all() else int(np.argmin(sound))
    if n_sound == n_declared:
        lost_descriptions = table.break_reason and (table.ifd[pages] == NOWHERE).any()
        if not lost_descriptions:
            return Verdict("whole", n_declared, n_sound)
        reason = f"the pixels of all {n_sound} frames are complete, but {table.break_reason}"
        return Verdict("truncated", n_declared, n_sound, reason)
    if n_sound == n_apart < len(pages) and complete[n_sound] and alike[n_sound]:
        reason = (
            f"{n_sound} of {n_declared} frames are sound: frame {n_sound} is said to be where the "
            "bytes of another frame are"
        )
        return Verdict("mixed", n_declared, n_sound, reason)
    if n_sound < len(pages) and complete[n_sound]:
        odd, first = table.kind_of(pages[n_sound]), table.kind_of(pages[0])
        reason = (
            f"{n_sound} of {n_declared} frames are sound: frame {n_sound} is {odd} where the first "
            f"is {first}"
        )
        return Verdict("mixed", n_declared, n_sound, reason)
    if n_sound < len(pages) and present[n_sound]:
        file = table.paths[table.file[pages[n_sound]]].name
        absence = f"{file} ends inside frame {n_sound}"
    elif (table.ifd[pages[:n_sound]] == NOWHERE).any():
        # a description that is missing after the pixels says nothing about the pixels
        file = table.paths[0].name
        absence = f"{file} ends before frame {n_sound} is complete"
    total = f"{n_declared}" if is_counted else f"{n_declared} or more"
    frames = "frame" if n_sound == 1 else "frames"
    reason = f"it contains {n_sound} complete {frames} of {total}: {absence}"
    return Verdict("truncated", n_declared, n_sound, reason)


def _count_apart(table: PageTable, pages: Array) -> int:
    """Return how many leading frames share no bytes with each other, where these are pixels."""
    raw = np.flatnonzero((pages >= 0) & (table.start[pages] >= 0))
    file, start, stop = (values[pages[raw]] for values in (table.file, table.start, table.stop))
    order = np.lexsort((raw, start, file))
    file, start, stop = file[order], start[order], stop[order]
    shares = (file[1:] == file[:-1]) & (start[1:] < stop[:-1])
    later = np.maximum(raw[order][1:], raw[order][:-1])[shares]
    return int(later.min(initial=len(pages)))


def find_holes(pages: Array) -> Array:
    """Return the frames that are missing between others.

    Parameters
    ----------
    pages : ndarray of int
        Page of each frame, -1 where it is missing.
    """
    held = np.flatnonzero(pages >= 0)
    if not len(held):
        return held
    missing = np.flatnonzero(pages < 0)
    holes: Array = missing[(missing > held[0]) & (missing < held[-1])]
    return holes


def name_holes(holes: Array) -> str:
    """Return missing frames in words, with their verb: ``"frames 12 and 40 are"``.

    Parameters
    ----------
    holes : ndarray of int
    """
    if len(holes) == 1:
        return f"frame {holes[0]} is"
    more = f" and {len(holes) - _N_NAMED} more" if len(holes) > _N_NAMED else ""
    return f"frames {', '.join(map(str, holes[:_N_NAMED].tolist()))}{more} are"
