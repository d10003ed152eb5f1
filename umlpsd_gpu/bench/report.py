"""The benchmark as Markdown with JSON and figures, and as tables for the terminal."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from umlpsd_gpu.bench.claim import PAPER, SCALES
from umlpsd_gpu.bench.compare import Comparison
from umlpsd_gpu.bench.machine import file_name
from umlpsd_gpu.bench.page import NOT_QUOTED, claim_cells, format_gain, markdown, verdict_sentences
from umlpsd_gpu.bench.result import BenchResult, as_dict, engine_gains
from umlpsd_gpu.errors import OutputError

TERMINAL_COLUMNS = ("raw", "WL6", "W80", "raw/W80", "WL6/W80")


def terminal_lines(result: BenchResult) -> list[str]:
    """Return the claim, the gains of engines, and the verdict, for a terminal of 80 columns.

    Parameters
    ----------
    result : BenchResult

    Returns
    -------
    list of str
    """
    lines = ["Seconds for 14 K × 100 epochs", _columns("", TERMINAL_COLUMNS)]
    before = ""
    for who, metric, *numbers, epochs, agrees in claim_cells(result.claim):
        if who != before:
            run = "" if who == PAPER else f" ({epochs} epochs run)"
            lines.append(f"{who}{run}{', DISAGREES' if 'no' in agrees else ''}")
        lines.append(_columns(f"  {metric}", [n.replace(NOT_QUOTED, "–") for n in numbers]))
        before = who
    lines += ["", "Times faster, all three metrics", _columns("", SCALES)]
    for slow, fast, times in engine_gains(result.claim):
        lines.append(f"{_short(fast)} than {_short(slow)}")
        lines.append(_columns("", [format_gain(t) for t in times.values()]))
    return [*lines, "", *verdict_sentences(result)]


def _columns(first: str, cells: Sequence[str]) -> str:
    return f"{first:<14}" + "".join(f"{cell:>12}" for cell in cells)


def _short(who: str) -> str:
    """Return the part of a name before a comma."""
    return who.partition(",")[0]


def write_bench(
    result: BenchResult, folder: str | Path, comparison: Comparison | None = None
) -> Path:
    """Write ``<machine>.md``, ``.json`` and the figures, each of them atomically.

    Files of an earlier benchmark of the same machine are replaced; others are not changed.

    Parameters
    ----------
    result : BenchResult
    folder : str or Path
    comparison : Comparison, optional
        With an older benchmark.

    Returns
    -------
    Path
        The Markdown file.

    Raises
    ------
    OutputError
        If the folder can't be created or written.
    """
    from umlpsd_gpu.bench.figures import draw_bench

    figures = draw_bench(result)
    name = file_name(result.machine)
    target = Path(folder)
    data = json.dumps(as_dict(result), indent=1, ensure_ascii=False, allow_nan=False)
    files = {
        f"{name}_{figure.name}.{kind}": getattr(figure, kind)
        for figure in figures
        for kind in ("png", "svg")
    }
    files[f"{name}.json"] = (data + "\n").encode()
    captions = [(f"{name}_{f.name}.png", f.title, f.caption) for f in figures]
    files[f"{name}.md"] = markdown(result, captions, comparison).encode()
    try:
        target.mkdir(parents=True, exist_ok=True)
        for file, content in files.items():
            _replace(target / file, content)
    except OSError as error:
        raise OutputError(
            f"the benchmark can't be written to {folder}: {error.strerror or error}; choose "
            "another folder"
        ) from error
    return target / f"{name}.md"


def check_writable(folder: str | Path) -> None:
    """Check that a folder can be written, before measurements that take minutes.

    Parameters
    ----------
    folder : str or Path
        Created if it does not exist.

    Raises
    ------
    OutputError
        If it can't be created or written.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder} can't be created ({error.strerror}); choose another folder with --out"
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{folder} can't be written; choose another folder with --out")


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.partial")
    temporary.write_bytes(content)
    temporary.replace(path)
