"""A map of curves before it is read: what its header says, and how to read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from umlpsd_gpu.analyses.curves.curve_map import CurveMap, Origin
from umlpsd_gpu.analyses.curves.reading.nanonis_grid import open_grid, read_grid
from umlpsd_gpu.analyses.curves.reading.read import list_files, read_map
from umlpsd_gpu.analyses.curves.reading.recording import to_curve_map
from umlpsd_gpu.analyses.curves.settings import CurvesSettings


@dataclass(frozen=True, eq=False)
class CurveSource:
    """A map of curves that is read when it is analysed.

    Attributes
    ----------
    place : Path
        What was named.
    files : tuple of Path
    settings : CurvesSettings
    n_curves, n_recorded, n_points : int
    shape : (n_rows, n_cols) or None
    bias_range_v : (float, float)
    sweeps : tuple of str
    lock_in : tuple of str
    has_positions, has_height : bool
    origins : mapping of str to Origin
    notes : tuple of str
    """

    place: Path
    files: tuple[Path, ...]
    settings: CurvesSettings
    n_curves: int
    n_recorded: int
    n_points: int
    shape: tuple[int, int] | None
    bias_range_v: tuple[float, float]
    sweeps: tuple[str, ...]
    lock_in: tuple[str, ...]
    has_positions: bool
    has_height: bool
    origins: Mapping[str, Origin]
    notes: tuple[str, ...]

    @classmethod
    def of(
        cls, curves: CurveMap, place: Path, files: Sequence[Path], settings: CurvesSettings
    ) -> CurveSource:
        """Keep what is known of a map, but not its curves.

        Parameters
        ----------
        curves : CurveMap
        place : Path
        files : sequence of Path
        settings : CurvesSettings

        Returns
        -------
        CurveSource
        """
        return cls(
            place,
            tuple(files),
            settings,
            curves.n_curves,
            int(np.count_nonzero(curves.is_recorded)),
            curves.n_points,
            curves.shape,
            (float(curves.bias[0]), float(curves.bias[-1])),
            tuple(curves.current),
            tuple(curves.lock_in),
            curves.positions is not None,
            curves.height is not None,
            curves.origins,
            curves.notes,
        )

    def read(self) -> CurveMap:
        """Read the curves.

        Returns
        -------
        CurveMap

        Raises
        ------
        CurvesError
            If the file changed, or its values are no curves.
        """
        return read_map(self.place, self.files, self.settings)


def open_source(names: Sequence[str], settings: CurvesSettings) -> CurveSource:
    """Open a map of curves.

    Of a Nanonis grid only the header and the first pixel are read; other files are read once to
    see that they can be, and not kept.

    Parameters
    ----------
    names : sequence of str
        A file; or a folder, a pattern or several files with the curves of one map.
    settings : CurvesSettings

    Returns
    -------
    CurveSource

    Raises
    ------
    SettingsError
        If there is no such file.
    CurvesError
        If it can't be read with these settings.
    """
    place, files = list_files(names)
    if len(files) == 1 and files[0].suffix.lower() == ".3ds" and settings.topography is None:
        return _open_grid(files[0], settings)
    return CurveSource.of(read_map(place, files, settings), place, files, settings)


def _open_grid(path: Path, settings: CurvesSettings) -> CurveSource:
    grid = open_grid(path)
    first = replace(grid, shape=(1, 1), n_recorded=min(grid.n_recorded, 1))
    found = CurveSource.of(to_curve_map(read_grid(first, settings), path), path, [path], settings)
    notes = () if grid.n_recorded == grid.n_pixels else (grid.stop_note(grid.n_recorded),)
    return replace(
        found,
        n_curves=grid.n_pixels,
        n_recorded=grid.n_recorded,
        shape=grid.shape,
        notes=notes,
    )
