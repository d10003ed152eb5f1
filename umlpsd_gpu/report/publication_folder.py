"""The figures of a result for a journal, written as a folder of vector files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from umlpsd_gpu.analyses.registry import get_analysis
from umlpsd_gpu.analyses.saving import digest_of_result
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.storage.result_folder import FolderKind, check_output, files_in, write_whole

FIGURES = FolderKind("folder of figures", "figures.json", "umlpsd figures")


def write_publication_figures(
    result: Any,
    folder: str | Path,
    journal: str = "nature",
    formats: Sequence[str] = ("pdf", "svg"),
    overwrite: bool = False,
) -> Path:
    """Draw the figures of a result at the widths of a journal and write them atomically.

    Parameters
    ----------
    result : Result
    folder : path
        Missing or empty; with ``overwrite`` also an earlier folder of figures, which is replaced.
    journal : str
        A key of `umlpsd_gpu.plotting.publication.JOURNALS`.
    formats : sequence of {"pdf", "svg"}
    overwrite : bool

    Returns
    -------
    Path
        The folder, absolute, with the figures and ``figures.json``: captions and widths.

    Raises
    ------
    SettingsError
        If the journal or a format is not known, or there is no format.
    OutputError
        If the folder can't be written, or contains something else.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from umlpsd_gpu import run_study, write_publication_figures
    >>> from umlpsd_gpu.simulate.traces import simulate_traces
    >>> traces = simulate_traces({"PEB": 6, "PBB": 6}, n_frames=600).traces
    >>> study = run_study(traces, scales=["W20"], k_max=3, n_epochs=10)
    >>> with TemporaryDirectory() as folder:
    ...     written = write_publication_figures(study, f"{folder}/figures", formats=["svg"])
    ...     sorted(path.name for path in written.glob("*.svg"))
    ['figure_1.svg', 'figure_2.svg', 'figure_3.svg']
    """
    # matplotlib takes half a second to import
    from umlpsd_gpu.plotting.publication import (
        FORMATS,
        MM_PER_INCH,
        get_journal,
        publication_style,
        render_vector,
    )

    chosen, analysis = get_journal(journal), get_analysis(result.analysis)
    if not formats:
        raise SettingsError(f"no format was given; choose from {', '.join(FORMATS)}")
    check_output(folder, overwrite, FIGURES)
    drawn: dict[str, bytes] = {}
    told = []
    with publication_style(chosen):
        for plan in analysis.publication_figures(result, chosen):
            for file_format in dict.fromkeys(formats):
                # a figure that was saved in one format differs by rounding in the next
                figure = plan.draw(result)
                drawn[f"{plan.name}.{file_format}"] = render_vector(figure, file_format)
            size_mm = [round(float(MM_PER_INCH * side), 1) for side in figure.get_size_inches()]
            told.append(
                {
                    "name": plan.name,
                    "title": plan.title,
                    "caption": plan.caption,
                    "width_mm": size_mm[0],
                    "height_mm": size_mm[1],
                }
            )

    def fill(partial: Path) -> None:
        for name, content in drawn.items():
            (partial / name).write_bytes(content)
        values = {
            "format": FIGURES.format,
            "journal": journal,
            "digest": digest_of_result(result, analysis),
            "figures": told,
            "files": files_in(partial, FIGURES),
        }
        text = json.dumps(values, indent=2, ensure_ascii=False)
        (partial / FIGURES.summary).write_text(text + "\n", encoding="utf-8", errors="replace")

    return write_whole(folder, fill, overwrite, FIGURES)
