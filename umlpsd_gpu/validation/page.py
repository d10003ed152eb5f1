"""Validation → a folder with validation.html, validation.json and figures; a table to print."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from umlpsd_gpu.plotting.style import DrawnFigure
from umlpsd_gpu.storage.result_folder import check_output, files_in, write_whole
from umlpsd_gpu.validation.rates import Rate
from umlpsd_gpu.validation.result import ExponentTest, Validation
from umlpsd_gpu.validation.summary import (
    VALIDATION,
    headline,
    notes_of,
    simulated_in_words,
    summary_of,
)

PAGE = "validation.html"


def write_validation(validation: Validation, folder: str | Path, overwrite: bool = False) -> Path:
    """Write the page, the numbers and the figures; the folder appears only when complete.

    Parameters
    ----------
    validation : Validation
    folder : path
        A new or empty folder, or with ``overwrite`` a validation folder, which is replaced in one
        step.
    overwrite : bool

    Returns
    -------
    Path
        The folder, absolute.

    Raises
    ------
    OutputError
        If the folder belongs to something else or can't be written, or the disk is full.
    """
    # matplotlib takes half a second to import
    from umlpsd_gpu.validation.figures import draw_validation

    check_output(folder, overwrite, VALIDATION)
    figures = draw_validation(validation)
    html = render_validation(validation, figures)
    return write_folder(html, figures, summary_of(validation), folder, overwrite)


def write_folder(
    html: str,
    figures: Sequence[DrawnFigure],
    summary: Mapping[str, Any],
    folder: str | Path,
    overwrite: bool,
) -> Path:
    """Write a page, its figures and numbers; the folder appears only when complete.

    Parameters
    ----------
    html : str
    figures : sequence of DrawnFigure
    summary : mapping
        Plain values; the list of files is added.
    folder : path
        As `write_validation`.
    overwrite : bool

    Returns
    -------
    Path
        The folder, absolute.

    Raises
    ------
    OutputError
        If the folder belongs to something else or can't be written, or the disk is full.
    """
    from umlpsd_gpu.plotting.figures import write_figures

    def fill(partial: Path) -> None:
        (partial / PAGE).write_text(html, encoding="utf-8", errors="replace")
        write_figures(figures, partial)
        content = {**summary, "files": files_in(partial, VALIDATION)}
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
        name = partial / VALIDATION.summary
        name.write_text(text + "\n", encoding="utf-8", errors="replace")

    return write_whole(folder, fill, overwrite, VALIDATION)


def render_validation(validation: Validation, figures: Sequence[DrawnFigure]) -> str:
    """Return the page as HTML that contains its figures and loads nothing.

    Parameters
    ----------
    validation : Validation
    figures : sequence of DrawnFigure

    Returns
    -------
    str
    """
    from umlpsd_gpu.plotting.page_parts import page_templates

    templates = page_templates("umlpsd_gpu.validation")
    templates.filters["percent"] = lambda rate: _percent(rate)
    templates.filters["interval"] = lambda rate: _interval(rate)
    return templates.get_template("validation.html.jinja").render(
        validation=validation,
        recovery=validation.recovery,
        rows=key_rates(validation),
        figures=figures,
        headline=headline(validation),
        simulated=simulated_in_words(validation),
        notes=notes_of(validation),
    )


def key_rates(validation: Validation) -> list[tuple[str, Rate, str]]:
    """Return the most important rates.

    Parameters
    ----------
    validation : Validation

    Returns
    -------
    list of (what, rate, basis)
        ``basis`` names the number of ensembles.
    """
    recovery = validation.recovery
    n = recovery.n_ensembles
    ensembles = f"{n} ensembles" if n > 1 else "1 ensemble"
    rows = [
        (f"K = {recovery.k_true} found", recovery.k_right, ensembles),
        ("“Cannot decide” (confidence below 0.5)", recovery.undecided, ensembles),
        (
            "K found where it was decided",
            recovery.k_right_if_decided,
            f"{recovery.k_right_if_decided.n_trials} of {ensembles}",
        ),
    ]
    if recovery.k_true > 1:
        rows += [
            ("Traces labelled right, at the K said", recovery.accuracy, ensembles),
            ("Traces labelled right, at the true K", recovery.accuracy_at_chosen, ensembles),
            (
                "Traces labelled right without flagged outliers",
                recovery.accuracy_without_outliers,
                ensembles,
            ),
        ]
    rows.append(
        ("Traces flagged as outliers, MSB apart", recovery.flagged(of_outliers=False), ensembles)
    )
    if recovery.has_outliers:
        rows.append(("MSB traces flagged", recovery.flagged(of_outliers=True), ensembles))
    return rows


def validation_table(validation: Validation) -> Table:
    """Return the main numbers as a short table for the terminal.

    Parameters
    ----------
    validation : Validation

    Returns
    -------
    rich.table.Table
    """
    table = Table(box=None, pad_edge=False)
    for heading in ("", "found", "95 % interval"):
        table.add_column(heading, justify="right" if heading else "left")
    for what, rate, _ in key_rates(validation):
        table.add_row(what, _percent(rate), _interval(rate))
    table.add_row("Mean confidence", f"{validation.recovery.confidence.mean():.2f}", "")
    for test in _worst(validation):
        noise = "with shot noise" if test.shot_noise else "no shot noise"
        what = f"Bias of β, {noise}, {test.model}"
        table.add_row(what, _signed(test.bias), f"at β = {test.beta:g}, the largest")
    return table


def _worst(validation: Validation) -> list[ExponentTest]:
    """Return the test with the largest bias, for each kind of noise and each model."""
    worst: dict[tuple[bool, str], ExponentTest] = {}
    for test in filter(lambda test: test.tells, validation.exponents):
        kind = test.shot_noise, test.model
        if abs(test.bias) > abs(worst[kind].bias if kind in worst else 0.0):
            worst[kind] = test
    return list(worst.values())


def _percent(rate: Rate) -> str:
    return f"{100 * rate.share:.1f} %" if rate.n_trials else "–"


def _interval(rate: Rate) -> str:
    return f"{100 * rate.low:.1f} to {100 * rate.high:.1f} %" if rate.n_trials else "–"


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")
