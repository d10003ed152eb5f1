"""``batch report``: a page, a table and figures of a whole archive."""

from __future__ import annotations

import json
from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from math import isfinite
from pathlib import Path

from markupsafe import Markup
from matplotlib.colors import to_hex

from umlpsd_gpu.analyses.protocol import BatchRow, Column
from umlpsd_gpu.batch.entries import Manifest
from umlpsd_gpu.batch.folder import BatchFolder
from umlpsd_gpu.batch.manifest import read_manifest
from umlpsd_gpu.batch.report.outlying import (
    FEWEST,
    RULE,
    group_failures,
    list_outlying,
    spreads_of,
)
from umlpsd_gpu.batch.report.table import MovieRow, read_movie_rows, write_movies_csv
from umlpsd_gpu.batch.status import STATES
from umlpsd_gpu.plotting.page_parts import number
from umlpsd_gpu.plotting.style import DrawnFigure, cluster_colour
from umlpsd_gpu.storage.json_files import refuse_links
from umlpsd_gpu.storage.result_folder import FolderKind, files_in, write_whole

# Numbers of clusters with a colour of their own; K is decided up to 10
MOST_COLOURS = 16
ARCHIVE_REPORT = FolderKind("archive report", "archive.json", "umlpsd archive report")


def write_batch_report(out: str | Path) -> Path:
    """Write the folder ``report`` of a batch atomically; an older one is replaced.

    This may be done at any time, also while inputs are being analysed.

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
        If the folder can't be written, or contains something else.
    """
    from umlpsd_gpu.batch.report.distributions import distribution_plans
    from umlpsd_gpu.plotting.figures import draw_figures, write_figures

    folder, manifest = BatchFolder.at(out), read_manifest(out)
    rows, analysis = read_movie_rows(manifest, folder), manifest.analysis
    finished = [BatchRow(row.name, row.summary, row.status.seconds) for row in rows if row.summary]
    with_result = [row for row in rows if row.summary]
    spreads = spreads_of(with_result, analysis.batch_columns())
    plans = [*distribution_plans(with_result, spreads, analysis.inputs)]
    if finished:
        plans += analysis.batch_figures(finished)
    figures = draw_figures(plans, finished)
    html = render_batch_page(rows, manifest, figures)

    def fill(partial: Path) -> None:
        write_movies_csv(rows, analysis.batch_columns(), partial / "movies.csv")
        (partial / "report.html").write_text(html, encoding="utf-8", errors="replace")
        write_figures(figures, partial)
        values = {
            "format": ARCHIVE_REPORT.format,
            "umlpsd_version": manifest.umlpsd_version,
            "counts": count_states(rows),
            "k_opt": dict(sorted(count_k(rows).items())),
            "files": files_in(partial, ARCHIVE_REPORT),
        }
        (partial / ARCHIVE_REPORT.summary).write_text(json.dumps(values, indent=2) + "\n")

    place = refuse_links(folder.root, folder.root / "report")
    return write_whole(place, fill, overwrite=True, kind=ARCHIVE_REPORT)


def render_batch_page(
    rows: Sequence[MovieRow], manifest: Manifest, figures: Sequence[DrawnFigure]
) -> str:
    """Write the page as one text; names are escaped, and nothing is loaded from elsewhere.

    Parameters
    ----------
    rows : sequence of MovieRow
    manifest : Manifest
    figures : sequence of DrawnFigure

    Returns
    -------
    str
        HTML.
    """
    from umlpsd_gpu.plotting.page_parts import page_templates

    analysis = manifest.analysis
    finished = [row for row in rows if row.summary]
    columns = [column for column in analysis.batch_columns() if column.heading]
    templates = page_templates("umlpsd_gpu.batch.report")
    script = templates.get_template("table.js").render()
    spreads = spreads_of(finished, analysis.batch_columns())
    outlying = list_outlying(finished, spreads)
    return templates.get_template("archive.html.jinja").render(
        rows=rows,
        cells={row.name: [format_cell(column, row) for column in columns] for row in finished},
        columns=columns,
        analysis=analysis,
        failures=group_failures(rows),
        spreads=spreads,
        outlying=outlying,
        outlying_names={each.row.name for each in outlying},
        is_judged=any(isfinite(spread.low) for spread in spreads),
        fewest=FEWEST,
        rule=RULE,
        script=Markup(script),
        script_hash=f"sha256-{b64encode(sha256(script.encode()).digest()).decode()}",
        colours={n: to_hex(cluster_colour(n)) for n in range(1, MOST_COLOURS + 1)},
        manifest=manifest,
        figures=figures,
        headline=write_headline(rows, analysis.inputs),
        sentence=write_sentence(rows),
        counts=count_states(rows),
        n_items=sum(row.summary.get("n_traces", 0) for row in finished),
        time_spent=format_time(sum(row.status.seconds or 0.0 for row in finished)),
        gigabytes=sum(row.entry.n_bytes for row in rows) / 1e9,
    )


def format_cell(column: Column, row: MovieRow) -> str:
    """Return what the page shows in one cell of its table.

    Parameters
    ----------
    column : Column
    row : MovieRow
        Of an input with a result.

    Returns
    -------
    str
        A dash if the value is not defined.
    """
    if column.show is not None:
        return column.show(row.entry.facts, row.summary)
    value = column.value(row.entry.facts, row.summary)
    if isinstance(value, float):
        return number(value, 2)
    return "–" if value is None else str(value)


def count_states(rows: Sequence[MovieRow]) -> dict[str, int]:
    """Count the inputs in each state.

    Parameters
    ----------
    rows : sequence of MovieRow

    Returns
    -------
    dict of str to int
    """
    return {state: sum(row.status.state == state for row in rows) for state in STATES}


def count_k(rows: Sequence[MovieRow]) -> Counter[int]:
    """Count how often each number of clusters was found.

    Parameters
    ----------
    rows : sequence of MovieRow

    Returns
    -------
    Counter of int
    """
    return Counter(row.summary["k_opt"] for row in rows if "k_opt" in row.summary)


def format_time(seconds: float) -> str:
    """Write a time in h, min or s.

    Parameters
    ----------
    seconds : float

    Returns
    -------
    str
    """
    for unit, name in ((3600.0, "h"), (60.0, "min")):
        if seconds >= 1.5 * unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds:.3g} s"


def write_headline(rows: Sequence[MovieRow], inputs: str = "movies") -> str:
    """Say how much of the archive is analysed.

    Parameters
    ----------
    rows : sequence of MovieRow
    inputs : str
        What the inputs are called, in the plural.

    Returns
    -------
    str
    """
    counts = count_states(rows)
    words = f"{counts['done']} of {len(rows)} {inputs} analysed"
    n_missing = counts["failed"] + counts["set aside"]
    return f"{words}, {n_missing} failed" if n_missing else words


def write_sentence(rows: Sequence[MovieRow]) -> str:
    """Say how many clusters were found, and with what confidence.

    Parameters
    ----------
    rows : sequence of MovieRow

    Returns
    -------
    str
        Empty if the analysis decides no number of clusters.
    """
    counts = count_k(rows)
    if not any(row.summary for row in rows):
        return "No result is finished yet."
    if not counts:
        return ""
    parts = [f"K = {k} in {n}" for k, n in sorted(counts.items())]
    sure = [row for row in rows if row.summary and (row.summary.get("confidence") or 0) >= 0.9]
    return f"{', '.join(parts)}; {len(sure)} of the decisions have a confidence of 0.9 or more."
