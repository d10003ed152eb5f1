"""How whole a movie is: what is announced against what lies on disk."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.movie.movie import Verdict
from umlpsd_gpu.movie.page_table import PageTable
from umlpsd_gpu.movie.pages import NOWHERE


def judge(table: PageTable, pages: np.ndarray, n_declared: int, absence: str) -> Verdict:
    """Judge the frames of a movie: each must be there, complete, and like the first.

    Parameters
    ----------
    table : PageTable
    pages : ndarray, shape (n_looked_at,)
        Page of each leading frame, -1 where none holds it.
    n_declared : int
        Frames that the metadata announce.
    absence : str
        Why a frame may be missing, in words.
    """
    present = pages >= 0
    complete = present & (table.stop[pages] <= table.file_sizes[table.file[pages]])
    reference = table.kind[pages[0]] if len(pages) else 0
    alike = table.kind[pages] == reference
    sound = complete & alike
    n_sound = len(pages) if sound.all() else int(np.argmin(sound))
    if n_sound == n_declared:
        lost_descriptions = table.break_reason and (table.ifd[pages] == NOWHERE).any()
        if not lost_descriptions:
            return Verdict("whole", n_declared, n_sound)
        reason = f"the pixels of all {n_sound} frames are there, but {table.break_reason}"
        return Verdict("truncated", n_declared, n_sound, reason)
    counted = f"{n_sound} of {n_declared} frames are sound"
    if n_sound < len(pages) and complete[n_sound]:
        odd, first = table.kind_of(pages[n_sound]), table.kind_of(pages[0])
        reason = f"{counted}: frame {n_sound} is {odd} where the first is {first}"
        return Verdict("mixed", n_declared, n_sound, reason)
    if n_sound < len(pages) and present[n_sound]:
        file = table.paths[table.file[pages[n_sound]]].name
        absence = f"{file} ends inside frame {n_sound}"
    return Verdict("truncated", n_declared, n_sound, f"{counted}: {absence}")
