"""One ensemble over a whole archive: the traces of all finished studies, read in blocks of rows."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.batch.folder import STUDY, BatchFolder
from umlpsd_gpu.batch.launchers.dask_cluster import DaskOptions
from umlpsd_gpu.batch.manifest import read_manifest
from umlpsd_gpu.batch.movie_state import standing_of, wanted_of
from umlpsd_gpu.errors import SettingsError, UmlpsdError
from umlpsd_gpu.traces.blocks import give_back, row_blocks, spool
from umlpsd_gpu.traces.pool import common_length, unique_ids
from umlpsd_gpu.traces.traces import Traces

CLASSES_CSV = "classes.csv"
CLASSES_COLUMNS = (
    "movie",
    "cluster",
    "n_traces",
    "percent_of_movie",
    "n_beta",
    "beta_mean",
    "beta_stderr",
)
ON_GPUS = "The sweeps ran on GPUs of Dask's workers, everything else on the CPU."


@dataclass(frozen=True)
class Part:
    """A finished study of the archive, as far as its header tells.

    Attributes
    ----------
    name : str
        Of the movie, within the archive.
    file : Path
        Its study.h5.
    n_traces, n_frames : int
    dt_s : float
    """

    name: str
    file: Path
    n_traces: int
    n_frames: int
    dt_s: float


def finished_parts(out: str | Path) -> list[Part]:
    """Return the finished studies of a batch, in the order of its manifest.

    Studies that are out of date are left out.

    Raises
    ------
    SettingsError
        If none is finished.
    UmlpsdError
        If one can't be read.
    """
    folder, manifest = BatchFolder.at(out), read_manifest(out)
    device = manifest.settings.device
    parts = [
        _part(entry.name, folder.result(entry.id) / STUDY / "study.h5")
        for entry in manifest.movies
        if standing_of(folder, entry, wanted_of(manifest, entry, device)).state == "done"
    ]
    if not parts:
        raise SettingsError(
            f"no study of {folder.root} is finished; 'umlpsd batch run {out}' makes them"
        )
    return parts


def pooled_traces(parts: Sequence[Part], settings: Settings | None = None) -> Traces:
    """Read the raw traces of studies into one ensemble.

    Parameters
    ----------
    parts : sequence of Part
    settings : Settings, optional
        Of ``traces``: ``unequal_lengths``, and ``memory_mb``, beyond which the values lie in a
        temporary file.

    Returns
    -------
    Traces
        ``source`` names the movie of each trace; equal identities are numbered.

    Raises
    ------
    TracesError
        If frame intervals or lengths differ.
    OutputError
        If the temporary folder has no room.
    UmlpsdError
        If a study can't be read.
    """
    chosen = (settings or Settings()).traces
    n_frames = common_length(
        [part.name for part in parts],
        [part.dt_s for part in parts],
        [part.n_frames for part in parts],
        chosen.unequal_lengths,
    )
    n_traces = sum(part.n_traces for part in parts)
    is_large = n_traces * n_frames * 8 > chosen.memory_mb * 1e6
    values = (spool if is_large else _in_memory)(n_traces, n_frames, np.float64)
    rows, cols = np.full((2, n_traces), np.nan)
    ids: list[str] = []
    history: dict[str, None] = {}
    for part, place in zip(parts, _places(parts), strict=True):
        about = _read(part, values[place])
        rows[place], cols[place] = about["rows"], about["cols"]
        ids += about["ids"]
        history |= dict.fromkeys(about["history"])
    step = f"pooled from the studies of {len(parts)} movies"
    if any(part.n_frames > n_frames for part in parts):
        step += f", cut to {n_frames} frames"
    return Traces(
        values=values,
        dt_s=parts[0].dt_s,
        rows=rows,
        cols=cols,
        source=tuple(part.name for part in parts for _ in range(part.n_traces)),
        ids=unique_ids(ids),
        history=(*history, step),
    )


def pool_batch(
    out: str | Path,
    pooled: str | Path,
    settings: Settings | None = None,
    overwrite: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
    cluster: DaskOptions | None = None,
    n_workers: int | None = None,
) -> Study:
    """Analyse all traces of an archive as one ensemble and write a study folder.

    Parameters
    ----------
    out : path
        Folder of the batch.
    pooled : path
        Study folder to make; ``classes.csv`` in it tells the clusters movie by movie.
    settings : Settings, optional
        By default those of the manifest.
    overwrite : bool
        Replace a study that is there.
    progress : callable, optional
        Told (step, done, total).
    cluster : DaskOptions, optional
        Dask's workers sweep, each on ``settings.device``; the rest is done here on the CPU. Same
        bits as without, as long as that device is the CPU.
    n_workers : int, optional
        Processes of a cluster on this machine. Default: one a core as far as memory goes.

    Raises
    ------
    UmlpsdError
        As `finished_parts`, `pooled_traces`, `umlpsd_gpu.run_study` and
        `umlpsd_gpu.batch.launchers.dask_sweeps.dask_sweeps`.
    """
    from umlpsd_gpu.analyses.blinking.workflow import run_study
    from umlpsd_gpu.report.write_report import write_report
    from umlpsd_gpu.storage.result_folder import check_output

    check_output(pooled, overwrite)
    settings = settings or read_manifest(out).settings
    parts = finished_parts(out)
    if cluster is None:
        study = run_study(pooled_traces(parts, settings), settings, progress)
    else:
        study = _swept_on_dask(out, parts, settings, progress, cluster, n_workers)
    write_report(study, pooled, overwrite, progress, lambda folder: write_classes(study, folder))
    return study


def _swept_on_dask(
    out: str | Path,
    parts: Sequence[Part],
    settings: Settings,
    progress: Callable[[str, int, int], None] | None,
    cluster: DaskOptions,
    n_workers: int | None,
) -> Study:
    from umlpsd_gpu.analyses.blinking.workflow import run_study
    from umlpsd_gpu.batch.launchers.dask_sweeps import dask_sweeps

    shape = sum(part.n_traces for part in parts), max(part.n_frames for part in parts)
    # first the cluster: what is wrong with it should not be told after hours of reading, and jobs
    # may wait in their queue meanwhile
    with dask_sweeps(out, shape, settings, cluster, n_workers) as sweeps:
        study = run_study(pooled_traces(parts, settings), settings, progress, sweeps)
    return replace(study, notes=(*study.notes, ON_GPUS)) if sweeps.device == "gpu" else study


def write_classes(study: Study, folder: Path) -> None:
    """Write size and exponent of every cluster in every movie."""
    with (folder / CLASSES_CSV).open("w", encoding="utf-8", errors="replace", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(CLASSES_COLUMNS)
        source = np.array(study.traces.source)
        for movie in dict.fromkeys(study.traces.source):
            labels, beta = study.labels[source == movie], study.fit.beta[source == movie]
            for cluster in study.clusters.clusters:
                table.writerow([movie, *_class_row(int(cluster), labels, beta)])


def _class_row(cluster: int, labels: np.ndarray, beta: np.ndarray) -> list[Any]:
    members = beta[labels == cluster]
    known = members[np.isfinite(members)]
    mean = repr(float(known.mean())) if known.size else ""
    stderr = repr(float(known.std(ddof=1) / np.sqrt(known.size))) if known.size > 1 else ""
    n_clustered = max(1, np.count_nonzero(labels))
    percent = f"{100 * members.size / n_clustered:.2f}"
    return [cluster, members.size, percent, known.size, mean, stderr]


def _part(name: str, path: Path) -> Part:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            n_traces, n_frames = file["traces/values"].shape
            return Part(name, path, n_traces, n_frames, float(file["traces/dt_s"][()]))
    except (OSError, KeyError, ValueError) as error:
        raise _damaged(path, error) from error


def _read(part: Part, values: np.ndarray) -> dict[str, Any]:
    """Read a study's values into their place, a block of rows at a time; return the rest."""
    import h5py

    try:
        with h5py.File(part.file, "r") as file:
            stored = file["traces/values"]
            for rows in row_blocks(values):
                values[rows] = stored[rows, : values.shape[1]]
                give_back(values[rows])
            about = {name: file[f"traces/{name}"] for name in ("rows", "cols")}
            texts = {name: file[f"traces/{name}"].asstr() for name in ("ids", "history")}
            return {name: stored[()].tolist() for name, stored in {**about, **texts}.items()}
    except (OSError, KeyError, ValueError) as error:
        raise _damaged(part.file, error) from error


def _places(parts: Sequence[Part]) -> list[slice]:
    ends = np.cumsum([part.n_traces for part in parts]).tolist()
    return [slice(end - part.n_traces, end) for part, end in zip(parts, ends, strict=True)]


def _in_memory(n_rows: int, n_cols: int, dtype: Any) -> np.ndarray:
    return np.empty((n_rows, n_cols), dtype)


def _damaged(path: Path, error: Exception) -> UmlpsdError:
    return UmlpsdError(
        f"{path} can't be read ({error}); delete the folder of that result and run the batch again"
    )
