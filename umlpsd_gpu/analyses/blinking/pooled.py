"""Pool the traces of many studies into one ensemble; they are read in blocks of rows."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.analyses.protocol import StoredResult
from umlpsd_gpu.analyses.saving import DATA
from umlpsd_gpu.errors import UmlpsdError
from umlpsd_gpu.storage.blocks import give_back, row_blocks, spool
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


@dataclass(frozen=True)
class _Part:
    """The header of a study of the archive.

    Attributes
    ----------
    name : str
        Name of the movie within the archive.
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


def pooled_traces(parts: Sequence[StoredResult], settings: Settings | None = None) -> Traces:
    """Read the raw traces of studies into one ensemble.

    Parameters
    ----------
    parts : sequence of StoredResult
    settings : Settings, optional
        Used are ``traces.unequal_lengths``, and ``traces.memory_mb``, above which the values are
        kept in a temporary file.

    Returns
    -------
    Traces
        ``source`` is the movie of each trace; repeated identities are numbered.

    Raises
    ------
    TracesError
        If frame intervals or lengths differ.
    OutputError
        If the temporary folder is full.
    UmlpsdError
        If a study can't be read.
    """
    return _pool([_read_header(stored) for stored in parts], settings)


def pooled_size(parts: Sequence[StoredResult], settings: Settings) -> tuple[int, float]:
    """Return the size of pooled studies.

    Parameters
    ----------
    parts : sequence of StoredResult
    settings : Settings

    Returns
    -------
    n_traces : int
    matrix_mb : float
        Size of the largest scale that is swept, in MB.

    Raises
    ------
    UmlpsdError
        If a study can't be read.
    """
    read = [_read_header(stored) for stored in parts]
    n_traces, n_frames = sum(part.n_traces for part in read), max(part.n_frames for part in read)
    # larger scales are skipped if the ensemble is in a file
    return n_traces, min(8e-6 * n_traces * n_frames, settings.traces.memory_mb)


def _pool(parts: Sequence[_Part], settings: Settings | None) -> Traces:
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
    for part, place in zip(parts, _slices(parts), strict=True):
        about = _read_traces(part, values[place])
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


def write_classes(study: Study, folder: Path) -> None:
    """Write classes.csv: size and exponent of every cluster in every movie.

    Parameters
    ----------
    study : Study
        Of pooled traces.
    folder : Path
        An existing folder.
    """
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


def _read_header(stored: StoredResult) -> _Part:
    import h5py

    name, path = stored.name, stored.folder / DATA

    try:
        with h5py.File(path, "r") as file:
            n_traces, n_frames = file["traces/values"].shape
            return _Part(name, path, n_traces, n_frames, float(file["traces/dt_s"][()]))
    except (OSError, KeyError, ValueError) as error:
        raise _unreadable(path, error) from error


def _read_traces(part: _Part, values: np.ndarray) -> dict[str, Any]:
    """Read the traces of a study into ``values``, in blocks of rows; return their metadata."""
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
        raise _unreadable(part.file, error) from error


def _slices(parts: Sequence[_Part]) -> list[slice]:
    ends = np.cumsum([part.n_traces for part in parts]).tolist()
    return [slice(end - part.n_traces, end) for part, end in zip(parts, ends, strict=True)]


def _in_memory(n_rows: int, n_cols: int, dtype: Any) -> np.ndarray:
    return np.empty((n_rows, n_cols), dtype)


def _unreadable(path: Path, error: Exception) -> UmlpsdError:
    return UmlpsdError(
        f"{path} can't be read ({error}); delete the folder of that result and run the batch again"
    )
