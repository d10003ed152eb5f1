"""The results of a batch, one row per input, read from its files."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from umlpsd_gpu.analyses.protocol import Column
from umlpsd_gpu.batch.entries import Entry, Manifest
from umlpsd_gpu.batch.folder import STUDY, BatchFolder
from umlpsd_gpu.batch.names import printable
from umlpsd_gpu.batch.status import MovieStatus, read_status
from umlpsd_gpu.storage.result_folder import read_summary

BEFORE = ("movie", "state", "verdict")
AFTER = ("seconds", "host", "n_attempts", "reason")


@dataclass(frozen=True)
class MovieRow:
    """What is known about an input.

    Attributes
    ----------
    name : str
        On one line.
    status : MovieStatus
    entry : Entry
    reason : str
        Why there is no result; empty if there is one.
    summary : dict
        summary.json of its result; empty if no result is up to date.
    report : str
        Link to its own report from a folder in OUT; empty without figures.
    """

    name: str
    status: MovieStatus
    entry: Entry
    reason: str = ""
    summary: dict[str, Any] = field(default_factory=dict)
    report: str = ""

    @property
    def verdict(self) -> str:
        """The verdict on the file, with the reason."""
        return ": ".join(filter(None, (self.entry.verdict, printable(self.entry.reason))))


def read_movie_rows(manifest: Manifest, folder: BatchFolder) -> list[MovieRow]:
    """Read one row per input, in the order of the manifest.

    Parameters
    ----------
    manifest : Manifest
    folder : BatchFolder

    Returns
    -------
    list of MovieRow
    """
    movies = read_status(folder.root).movies
    return [
        _make_row(folder, entry, status, str(manifest.path_of(entry)))
        for entry, status in zip(manifest.movies, movies, strict=True)
    ]


def write_movies_csv(rows: Sequence[MovieRow], columns: Sequence[Column], path: Path) -> None:
    """Write the rows as CSV, with the columns of the analysis between those of the batch.

    Parameters
    ----------
    rows : sequence of MovieRow
    columns : sequence of Column
        Of the analysis.
    path : Path
    """
    with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow((*BEFORE, *(column.name for column in columns), *AFTER))
        for row in rows:
            values = [column.value(row.entry.facts, row.summary) for column in columns]
            status = row.status
            table.writerow(
                [
                    *(row.name, status.state, row.verdict),
                    *values,
                    *(status.seconds, status.host, status.n_attempts, row.reason),
                ]
            )


def _make_row(folder: BatchFolder, entry: Entry, status: MovieStatus, path: str) -> MovieRow:
    name = printable(entry.name)
    study = folder.result(entry.id) / STUDY
    summary = read_summary(study) if status.state == "done" else None
    if summary is None:
        # the table shows the name already
        return MovieRow(name, status, entry, printable(status.reason.removeprefix(f"{path}: ")))
    has_report = (study / "report.html").is_file()
    link = f"../results/{quote(entry.id)}/{STUDY}/report.html" if has_report else ""
    return MovieRow(name, status, entry, "", summary, link)
