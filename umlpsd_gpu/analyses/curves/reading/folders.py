"""A folder with one file for each curve → one recording."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from umlpsd_gpu.analyses.curves.curve_map import CurveMap, Origin
from umlpsd_gpu.analyses.curves.reading.common_axis import to_common_axis
from umlpsd_gpu.analyses.curves.reading.errors import CurvesError
from umlpsd_gpu.analyses.curves.reading.places import places_of
from umlpsd_gpu.analyses.curves.reading.recording import Recording
from umlpsd_gpu.analyses.curves.settings import CurvesSettings


def read_files(
    files: Sequence[Path],
    place: Path,
    settings: CurvesSettings,
    read_one: Callable[[Path], CurveMap],
) -> CurveMap:
    """Read files with the curves of one map.

    Parameters
    ----------
    files : sequence of Path
        In the order of the curves.
    place : Path
        Their folder or the pattern, for messages.
    settings : CurvesSettings
    read_one : callable
        Reads one file.

    Returns
    -------
    CurveMap

    Raises
    ------
    CurvesError
        If the files have different sweeps, lengths or bias axes, or one is a map itself.
    """
    parts = [read_one(path) for path in files]
    first = parts[0]
    for path, part in zip(files, parts, strict=True):
        if part.shape is not None:
            raise CurvesError(
                path,
                "it is a map itself, so it can't be one of several files with single curves; give "
                "it alone",
            )
        if part.n_points != first.n_points:
            raise CurvesError(
                place,
                f"the curves have unequal lengths: {files[0].name} has {first.n_points} points, "
                f"{path.name} {part.n_points}; give curves of equal length",
            )
        if list(part.current) != list(first.current):
            raise CurvesError(
                place,
                f"{files[0].name} has the sweeps {' and '.join(first.current)}, {path.name} "
                f"{' and '.join(part.current)}; give files with the same sweeps",
            )
    return _join(parts, place, settings, tuple(files))


def _join(
    parts: Sequence[CurveMap], place: Path, settings: CurvesSettings, files: tuple[Path, ...]
) -> CurveMap:
    first = parts[0]
    n_each = [part.n_curves for part in parts]
    axes = np.repeat(np.stack([part.bias for part in parts]), n_each, axis=0)

    def joined(name: str, kind: str) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
        return to_common_axis(axes, np.concatenate([getattr(p, kind)[name] for p in parts]), place)

    common = [name for name in first.lock_in if all(name in part.lock_in for part in parts)]
    current = {sweep: joined(sweep, "current") for sweep in first.current}
    bias, _, notes = next(iter(current.values()))
    placed = places_of(
        Recording(
            bias=bias,
            current=next(iter(current.values()))[1],
            positions=_all_known([part.positions for part in parts]),
            origins={**first.origins, "curves": Origin(f"{len(files)} files", place.name)},
        ),
        settings,
        place,
    )
    return replace(
        first,
        bias=bias,
        current={sweep: values for sweep, (_, values, _) in current.items()},
        lock_in={name: joined(name, "lock_in")[1] for name in common},
        shape=placed.shape,
        positions=placed.positions,
        height=_all_known([part.height for part in parts]),
        origins=placed.origins,
        notes=tuple(dict.fromkeys([*(note for part in parts for note in part.notes), *notes])),
        paths=files,
    )


def _all_known(values: Sequence[np.ndarray | None]) -> np.ndarray | None:
    known = [value for value in values if value is not None]
    return np.concatenate(known) if len(known) == len(values) else None
