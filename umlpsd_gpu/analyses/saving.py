"""Save and load result folders of all analyses."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from umlpsd_gpu.analyses.protocol import Analysis
from umlpsd_gpu.analyses.registry import DEFAULT, get_analysis
from umlpsd_gpu.errors import UmlpsdError
from umlpsd_gpu.storage.hdf5 import digest_of, read_hdf5, write_hdf5
from umlpsd_gpu.storage.result_folder import FORMAT, SUMMARY, files_in, read_summary, write_whole

FORMAT_VERSION = 3
DATA, SETTINGS = "study.h5", "settings.toml"


def save_result(
    result: Any,
    folder: str | Path,
    overwrite: bool = False,
    extras: Callable[[Path], None] | None = None,
) -> Path:
    """Write a result folder atomically.

    Parameters
    ----------
    result : Result
    folder : path
        Missing or empty; with ``overwrite`` also a result folder, which is replaced.
    overwrite : bool
        Whether an existing result is replaced.
    extras : callable, optional
        Takes the temporary folder (Path) and writes further files into it.

    Returns
    -------
    Path
        The folder, absolute.

    Raises
    ------
    OutputError
        If the folder can't be written, holds other files, or the disk is full.
    """
    analysis = get_analysis(result.analysis)

    def fill(partial: Path) -> None:
        attributes = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "analysis": analysis.name,
            "umlpsd_version": result.versions.get("umlpsd_gpu", "unknown"),
        }
        write_hdf5(partial / DATA, analysis.fields.stored(result), attributes)
        analysis.write_tables(result, partial)
        (partial / SETTINGS).write_text(result.settings.to_toml(), encoding="utf-8")
        if extras is not None:
            extras(partial)
        summary = summary_of(result) | {"files": files_in(partial)}
        text = json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False)
        (partial / SUMMARY).write_text(text + "\n", encoding="utf-8", errors="replace")

    return write_whole(folder, fill, overwrite)


def load_result(folder: str | Path, result_type: Callable[..., Any]) -> Any:
    """Load the result of a folder: arrays, settings and notes are as they were saved.

    Parameters
    ----------
    folder : path
    result_type : type
        Its attribute ``analysis`` names the analysis; it is called with the attributes of the
        result.

    Returns
    -------
    Result
        An object of that type.

    Raises
    ------
    UmlpsdError
        If the folder holds no result of that analysis, or a damaged one, or one of another format
        version.
    """
    folder, name = Path(folder), str(getattr(result_type, "analysis", ""))
    summary = read_summary(folder)
    if summary is None:
        raise UmlpsdError(
            f"{folder} is no study folder: it holds no {SUMMARY} of a study; "
            "give the folder that 'umlpsd run --out' wrote"
        )
    found = summary.get("analysis", DEFAULT)
    if found != name:
        raise UmlpsdError(
            f"{folder} holds a result of the analysis '{found}', not of '{name}'; "
            "give another folder"
        )
    analysis = get_analysis(name)
    try:
        attributes = read_hdf5(folder / DATA, analysis.fields, (FORMAT, FORMAT_VERSION))
        result = result_type(
            **attributes,
            settings=analysis.settings.from_toml(folder / SETTINGS),
            notes=tuple(summary["notes"]),
            timings_s=summary["timings_s"],
            device=summary["device"],
            versions=summary["versions"],
        )
        intact = digest_of_result(result, analysis) == summary["digest"]
    except (UmlpsdError, OSError, RuntimeError, LookupError, ValueError, TypeError) as error:
        raise UmlpsdError(
            f"the study in {folder} is damaged and can't be read ({error}); run it again"
        ) from error
    if not intact:
        raise UmlpsdError(
            f"the study in {folder} was changed after it was written: {DATA} and {SETTINGS} "
            f"do not fit the digest in {SUMMARY}; restore them or run it again"
        )
    return result


def load_any(folder: str | Path) -> Any:
    """Load a result folder of any analysis.

    Parameters
    ----------
    folder : path

    Returns
    -------
    Result

    Raises
    ------
    UmlpsdError
        If the folder holds no result, or a damaged one.
    """
    summary = read_summary(Path(folder))
    name = DEFAULT if summary is None else str(summary.get("analysis", DEFAULT))
    return load_result(folder, get_analysis(name).result_type())


def summary_of(result: Any) -> dict[str, Any]:
    """Return the content of summary.json: plain values, None in place of NaN.

    Parameters
    ----------
    result : Result

    Returns
    -------
    dict
    """
    analysis = get_analysis(result.analysis)
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "analysis": analysis.name,
        **analysis.summary(result),
        "notes": list(result.notes),
        "timings_s": {step: _finite_or_none(seconds) for step, seconds in result.timings_s.items()},
        "device": result.device,
        "versions": result.versions,
        "seed": result.settings.sweep.seed,
        "digest": digest_of_result(result, analysis),
    }


def digest_of_result(result: Any, analysis: Analysis[Any, Any] | None = None) -> str:
    """Return the SHA-256 of all data in study.h5 and of the settings that can change them.

    Equal digests mean equal results; device, threads and chunk size don't enter.

    Parameters
    ----------
    result : Result
    analysis : Analysis, optional
        That of the result, if it is known.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    analysis = analysis or get_analysis(result.analysis)
    return digest_of(analysis.fields.stored(result), result.settings.with_effect())


def _finite_or_none(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
