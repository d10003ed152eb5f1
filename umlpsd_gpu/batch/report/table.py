"""What a batch has found, a row a movie, read from its files."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from umlpsd_gpu.batch.entries import Entry, Manifest
from umlpsd_gpu.batch.folder import STUDY, BatchFolder
from umlpsd_gpu.batch.names import printable
from umlpsd_gpu.batch.status import MovieStatus, read_status
from umlpsd_gpu.storage.result_folder import read_summary

MOVIES_CSV_COLUMNS = (
    "movie",
    "state",
    "verdict",
    "n_frames",
    "dt_s",
    "n_traces",
    "n_clustered",
    "k_opt",
    "scale",
    "confidence",
    "confidence_low",
    "confidence_high",
    "n_traces_by_cluster",
    "beta_mean_by_cluster",
    "beta_stderr_by_cluster",
    "seconds",
    "host",
    "n_attempts",
    "reason",
)


@dataclass(frozen=True)
class ClusterRow:
    """A cluster of a movie.

    Attributes
    ----------
    cluster, n_traces : int
    beta_mean, beta_stderr : float or None
    """

    cluster: int
    n_traces: int
    beta_mean: float | None
    beta_stderr: float | None


@dataclass(frozen=True)
class MovieRow:
    """What is known of a movie.

    Attributes
    ----------
    name : str
        On one line.
    status : MovieStatus
    entry : Entry
    reason : str
        Why there is no study; empty where there is one.
    summary : dict
        summary.json of its study; empty where there is none that is up to date.
    clusters : tuple of ClusterRow
    report : str
        Where its own report is, as a link from a folder in OUT; empty without figures.
    """

    name: str
    status: MovieStatus
    entry: Entry
    reason: str = ""
    summary: dict[str, Any] = field(default_factory=dict)
    clusters: tuple[ClusterRow, ...] = ()
    report: str = ""

    @property
    def verdict(self) -> str:
        """Return the verdict on the file, with the reason."""
        return ": ".join(filter(None, (self.entry.verdict, printable(self.entry.reason))))


def archive_rows(manifest: Manifest, folder: BatchFolder) -> list[MovieRow]:
    """Return a row a movie, in the order of the manifest."""
    movies = read_status(folder.root).movies
    return [
        _row(folder, entry, status, str(manifest.path_of(entry)))
        for entry, status in zip(manifest.movies, movies, strict=True)
    ]


def write_movies_csv(rows: Sequence[MovieRow], path: Path) -> None:
    """Write the rows as a table; several clusters of a movie are separated by semicolons."""
    with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(MOVIES_CSV_COLUMNS)
        table.writerows(_values(row) for row in rows)


def _row(folder: BatchFolder, entry: Entry, status: MovieStatus, path: str) -> MovieRow:
    name = printable(entry.name)
    study = folder.result(entry.id) / STUDY
    summary = read_summary(study) if status.state == "done" else None
    if summary is None:
        # the path is beside the reason anyway
        return MovieRow(name, status, entry, printable(status.reason.removeprefix(f"{path}: ")))
    clusters = tuple(
        ClusterRow(c["cluster"], c["n_traces"], c["beta_mean"], c["beta_stderr"])
        for c in summary["clusters"]
    )
    has_report = (study / "report.html").is_file()
    link = f"../results/{quote(entry.id)}/{STUDY}/report.html" if has_report else ""
    return MovieRow(name, status, entry, "", summary, clusters, link)


def _values(row: MovieRow) -> list[Any]:
    entry, found = row.entry, row.summary
    low, high = found.get("confidence_ci95", (None, None))
    return [
        *(row.name, row.status.state, row.verdict, entry.n_frames),
        *(found.get("dt_s", entry.dt_s), found.get("n_traces"), found.get("n_clustered")),
        *(found.get("k_opt"), found.get("scale"), found.get("confidence"), low, high),
        ";".join(str(c.n_traces) for c in row.clusters),
        ";".join(_text(c.beta_mean) for c in row.clusters),
        ";".join(_text(c.beta_stderr) for c in row.clusters),
        *(row.status.seconds, row.status.host, row.status.n_attempts, row.reason),
    ]


def _text(value: float | None) -> str:
    return "" if value is None else repr(value)
