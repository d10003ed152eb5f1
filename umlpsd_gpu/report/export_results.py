"""Write results in the formats of other programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from umlpsd_gpu.analyses.registry import get_analysis
from umlpsd_gpu.analyses.saving import load_any
from umlpsd_gpu.compute.context import report_nothing
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.exports.columnar import ColumnarFiles
from umlpsd_gpu.exports.formats import BY_STUDY, FIGURES, FORMATS, JOINED
from umlpsd_gpu.exports.names import file_name
from umlpsd_gpu.storage.result_folder import (
    SUMMARY,
    FolderKind,
    check_output,
    files_in,
    read_summary,
    write_whole,
)

EXPORT = FolderKind("data export", "export.json", "umlpsd export")
# names that users give to single files
FILE_SUFFIXES = frozenset({".mat", ".csv", ".parquet", ".zip", ".tif", ".tiff", ".txt", ".zarr"})


def export_results(
    sources: Sequence[str | Path],
    formats: Sequence[str],
    folder: str | Path | None = None,
    overwrite: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> Path:
    """Write studies in the formats of other programs, into a new folder.

    Parameters
    ----------
    sources : sequence of path
        Study folders, or folders that contain study folders.
    formats : sequence of str
        Of ``csv``, ``parquet``, ``mat``, ``mat5``, ``imagej-rois``, ``imagej-maps``, ``ome-zarr``,
        ``origin``, ``figures``.
    folder : path, optional
        Missing or empty; with ``overwrite`` also an earlier export, which is replaced. Default:
        the name of the first source with ``_export``, next to it.
    overwrite : bool
    progress : callable, optional
        Called with ``("export", n_done, n_studies)``.

    Returns
    -------
    Path
        The folder, absolute, with a subfolder for each format.

    Raises
    ------
    SettingsError
        If there is no study or no such format, or a package or a larger format is needed.
    UmlpsdError
        If a study is damaged.
    OutputError
        If the folder can't be written, holds other files, or the disk is full.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from umlpsd_gpu import Settings, export_results, run_study
    >>> from umlpsd_gpu.simulate.traces import simulate_traces
    >>> traces = simulate_traces({"PEB": 10, "PBB": 10}, n_frames=1000).traces
    >>> quick = {"preprocess.scales": ["W20"], "sweep.k_max": 4, "sweep.n_epochs": 10}
    >>> study = run_study(traces, Settings().with_values(quick))
    >>> with TemporaryDirectory() as folder:
    ...     saved = study.save(f"{folder}/study")
    ...     written = export_results([saved], ["mat"], f"{folder}/export")
    ...     sorted(path.name for path in written.rglob("*.*"))
    ['export.json', 'study.mat']
    """
    chosen = _check_formats(formats)
    studies = _name_studies(sources)
    target = _choose_target(sources, folder)
    check_output(target, overwrite, EXPORT)
    report = progress or report_nothing

    def fill(partial: Path) -> None:
        _write_all(partial, studies, chosen, report)
        summary = {"format": EXPORT.format, "formats": chosen, "studies": sorted(studies)}
        summary["files"] = files_in(partial, EXPORT)
        text = json.dumps(summary, indent=2, ensure_ascii=True) + "\n"
        (partial / EXPORT.summary).write_text(text, encoding="ascii")

    return write_whole(target, fill, overwrite, EXPORT)


def _check_formats(formats: Sequence[str]) -> list[str]:
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        given = f"there is no format '{unknown[0]}'" if unknown else "no format was given"
        raise SettingsError(f"{given}; choose from {', '.join(FORMATS)}")
    return list(dict.fromkeys(formats))


def _choose_target(sources: Sequence[str | Path], folder: str | Path | None) -> Path:
    if folder is None:
        first = Path(sources[0]).resolve()
        return first.with_name(f"{first.name}_export")
    if Path(folder).suffix.lower() in FILE_SUFFIXES:
        raise SettingsError(
            f"the output {folder} has the name of a file, but an export is a folder of files; give "
            f"the name of a folder, as {Path(folder).with_suffix('').name}_export"
        )
    return Path(folder)


def _name_studies(sources: Sequence[str | Path]) -> dict[str, Path]:
    """Return study folders by a name that is unique among them."""
    if not sources:
        raise SettingsError("no study was given; give at least one study folder")
    found: dict[str, Path] = {}
    for source in map(Path, sources):
        studies = [source] if read_summary(source) is not None else sorted(_studies_below(source))
        if not studies:
            raise SettingsError(
                f"{source} is no study folder and contains none; give the folder that "
                "'umlpsd run --out' or 'umlpsd batch' wrote"
            )
        for study in studies:
            below = (
                study.relative_to(source).as_posix() if study != source else study.resolve().name
            )
            found[file_name(below.replace("/", "_"), found)] = study
    return found


def _studies_below(folder: Path) -> Iterator[Path]:
    for summary in folder.rglob(SUMMARY):
        # folders with a dot in front are unfinished
        is_hidden = any(part.startswith(".") for part in summary.relative_to(folder).parts)
        if not is_hidden and read_summary(summary.parent) is not None:
            yield summary.parent


def _write_all(
    partial: Path,
    studies: dict[str, Path],
    formats: Sequence[str],
    report: Callable[[str, int, int], None],
) -> None:
    report("export", 0, len(studies))
    is_alone = len(studies) == 1
    for name in formats:
        (partial / name).mkdir()
    with ExitStack() as stack:
        joined = [
            ColumnarFiles(partial / name, JOINED[name], not is_alone)
            for name in formats
            if name in JOINED
        ]
        for files in joined:
            stack.callback(files.close)
        for done, (study, place) in enumerate(studies.items(), start=1):
            result = load_any(place)
            contents = replace(get_analysis(result.analysis).contents(result), name=study)
            for files in joined:
                files.add(contents)
            for name in formats:
                folder = partial / name if is_alone else partial / name / study
                folder.mkdir(exist_ok=True)
                if name in BY_STUDY:
                    BY_STUDY[name].write(contents, folder)
                elif name == FIGURES:
                    _write_figures(result, folder)
                elif not is_alone:
                    folder.rmdir()
            report("export", done, len(studies))


def _write_figures(result: Any, folder: Path) -> None:
    """Write the figures of the report, and the numbers that each of them shows."""
    from umlpsd_gpu.plotting.figure_data import write_figure_data
    from umlpsd_gpu.plotting.style import house_style, render

    with house_style():
        for plan in get_analysis(result.analysis).figures(result):
            figure = plan.draw(result)
            png, svg = render(figure)
            (folder / f"{plan.name}.png").write_bytes(png)
            (folder / f"{plan.name}.svg").write_bytes(svg)
            write_figure_data(figure, folder, plan.name)
