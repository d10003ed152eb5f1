"""``batch report``: one page, a table and figures of a whole archive."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from umlpsd_gpu.batch.entries import Manifest
from umlpsd_gpu.batch.folder import BatchFolder
from umlpsd_gpu.batch.manifest import read_manifest
from umlpsd_gpu.batch.report.table import MovieRow, archive_rows, write_movies_csv
from umlpsd_gpu.plotting.style import DrawnFigure
from umlpsd_gpu.storage.json_files import refuse_links
from umlpsd_gpu.storage.result_folder import FolderKind, files_in, write_whole

ARCHIVE_REPORT = FolderKind("archive report", "archive.json", "umlpsd archive report")
STATES = ("done", "running", "waiting", "failed", "set aside")


def report_archive(out: str | Path) -> Path:
    """Write ``report`` in the folder of a batch, whole or not at all; an older one is replaced.

    It may be written at any time, also while movies are worked on.

    Parameters
    ----------
    out : path
        Folder of the batch.

    Returns
    -------
    Path
        The folder, with ``report.html``, ``movies.csv``, ``archive.json`` and ``figures/``.

    Raises
    ------
    SettingsError
        If there is no batch.
    OutputError
        If the folder can't be written, or holds something else.
    """
    from umlpsd_gpu.batch.report.figures import draw_archive

    folder, manifest = BatchFolder.at(out), read_manifest(out)
    rows = archive_rows(manifest, folder)
    figures = draw_archive(rows)
    html = render_archive(rows, manifest, figures)

    def fill(partial: Path) -> None:
        write_movies_csv(rows, partial / "movies.csv")
        (partial / "report.html").write_text(html, encoding="utf-8", errors="replace")
        (partial / "figures").mkdir()
        for figure in figures:
            (partial / f"figures/{figure.name}.png").write_bytes(figure.png)
            (partial / f"figures/{figure.name}.svg").write_bytes(figure.svg)
        values = {
            "format": ARCHIVE_REPORT.format,
            "umlpsd_version": manifest.umlpsd_version,
            "counts": counts_of(rows),
            "k_opt": dict(sorted(k_counts(rows).items())),
            "files": files_in(partial, ARCHIVE_REPORT),
        }
        (partial / ARCHIVE_REPORT.summary).write_text(json.dumps(values, indent=2) + "\n")

    place = refuse_links(folder.root, folder.root / "report")
    return write_whole(place, fill, overwrite=True, kind=ARCHIVE_REPORT)


def render_archive(
    rows: Sequence[MovieRow], manifest: Manifest, figures: Sequence[DrawnFigure]
) -> str:
    """Return the page; every name is escaped, nothing is loaded from anywhere."""
    from matplotlib.colors import to_hex

    from umlpsd_gpu.plotting.style import cluster_colour
    from umlpsd_gpu.report.page import page_templates

    templates = page_templates()
    templates.filters["swatch"] = lambda cluster: to_hex(cluster_colour(cluster))
    found = [row for row in rows if row.summary]
    return templates.get_template("archive.html.jinja").render(
        rows=rows,
        found=found,
        missing=[row for row in rows if row.status.state in ("failed", "set aside")],
        manifest=manifest,
        figures=figures,
        headline=headline(rows),
        sentence=sentence(rows),
        counts=counts_of(rows),
        n_traces=sum(row.summary["n_traces"] for row in found),
        time_spent=time_words(sum(row.status.seconds or 0.0 for row in found)),
        gigabytes=sum(row.entry.n_bytes for row in rows) / 1e9,
    )


def counts_of(rows: Sequence[MovieRow]) -> dict[str, int]:
    """Return the number of movies in each state."""
    return {state: sum(row.status.state == state for row in rows) for state in STATES}


def k_counts(rows: Sequence[MovieRow]) -> Counter[int]:
    """Return how often each number of clusters was found."""
    return Counter(row.summary["k_opt"] for row in rows if row.summary)


def time_words(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    for unit, name in ((3600.0, "h"), (60.0, "min")):
        if seconds >= 1.5 * unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds:.3g} s"


def headline(rows: Sequence[MovieRow]) -> str:
    """Say how far the archive is analysed."""
    counts = counts_of(rows)
    words = f"{counts['done']} of {len(rows)} movies analysed"
    n_missing = counts["failed"] + counts["set aside"]
    return f"{words}, {n_missing} failed" if n_missing else words


def sentence(rows: Sequence[MovieRow]) -> str:
    """Say how many clusters were found, and how surely."""
    found = k_counts(rows)
    if not found:
        return "No study is finished yet."
    parts = [f"K = {k} in {n}" for k, n in sorted(found.items())]
    sure = [row for row in rows if row.summary and (row.summary["confidence"] or 0) >= 0.9]
    return f"{', '.join(parts)}; {len(sure)} of the decisions have a confidence of 0.9 or more."
