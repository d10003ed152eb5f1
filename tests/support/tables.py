"""Tables of traces as people export them, re-created in small."""

from pathlib import Path

import numpy as np

N_TRACES, N_FRAMES, DT_S = 12, 400, 0.05


def telegraph_counts(n_traces=N_TRACES, n_frames=N_FRAMES, seed=0):
    """Return counts of blinking dots, whole numbers from about 10 to 260."""
    rng = np.random.default_rng(seed)
    is_on = np.cumsum(rng.random((n_traces, n_frames)) < 0.05, axis=1) % 2 == 0
    return rng.poisson(20 + 200 * is_on)


VALUES = telegraph_counts()
TIME_S = DT_S * np.arange(N_FRAMES)
NAMES = [f"QD{i}" for i in range(1, N_TRACES + 1)]


def cells(
    time=TIME_S, values=VALUES, names=NAMES, heading="Time (s)", time_format="{:.3f}", form="{:.1f}"
):
    """Return the rows of a table with times first, as lists of text."""
    first = [[heading, *names]] if heading is not None else []
    rows = zip(time, values.T, strict=True)
    return first + [[time_format.format(t), *(form.format(v) for v in row)] for t, row in rows]


def write(path: Path, rows, separator=",", above="", below=""):
    """Write rows as text; return the path."""
    lines = "".join(separator.join(row) + "\n" for row in rows)
    path.write_text(above + lines + below, encoding="utf-8")
    return path


def write_cell(rows, row, column, text):
    """Return rows with another text in one cell."""
    changed = [list(line) for line in rows]
    changed[row][column] = text
    return changed
