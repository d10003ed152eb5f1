"""Validation of a result → a folder with validation.html, validation.json and a figure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from umlpsd_gpu.analyses.decision_parts import finite_or_none
from umlpsd_gpu.plotting.page_parts import Section, number, page_templates
from umlpsd_gpu.plotting.style import DrawnFigure
from umlpsd_gpu.storage.result_folder import check_output
from umlpsd_gpu.validation.like_result import (
    RecoveredQuantity,
    ResultValidation,
    notes_of_result,
)
from umlpsd_gpu.validation.page import write_folder
from umlpsd_gpu.validation.rates import Rate
from umlpsd_gpu.validation.summary import FORMAT_VERSION, VALIDATION, plain_rate

HEADINGS = ("Of", "Quantity", "Truth", "Mean found", "Deviation, rms", "95 % intervals hold")


def headline_of_result(validation: ResultValidation) -> str:
    """Return the main result in a few words.

    Parameters
    ----------
    validation : ResultValidation

    Returns
    -------
    str
    """
    right = validation.k_right
    return (
        f"K = {validation.k_true} found in {right.n_hits} of {right.n_trials} simulated data sets"
    )


def write_result_validation(
    validation: ResultValidation, folder: str | Path, overwrite: bool = False
) -> Path:
    """Write the page, the numbers and the figure; the folder appears only when complete.

    Parameters
    ----------
    validation : ResultValidation
    folder : path
        A new or empty folder, or with ``overwrite`` a validation folder, which is replaced.
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
    from umlpsd_gpu.plotting.figures import draw_figures
    from umlpsd_gpu.validation.result_figures import plans_of

    check_output(folder, overwrite, VALIDATION)
    figures = draw_figures(plans_of(validation), validation)
    html = render_result_validation(validation, figures)
    return write_folder(html, figures, summary_of_result(validation), folder, overwrite)


def render_result_validation(validation: ResultValidation, figures: Sequence[DrawnFigure]) -> str:
    """Return the page as HTML that contains its figures and loads nothing.

    Parameters
    ----------
    validation : ResultValidation
    figures : sequence of DrawnFigure

    Returns
    -------
    str
    """
    sections = [
        Section.of_table(
            "Number of components",
            ("Share of data sets in which", "Found", "95 % interval", "Of"),
            [
                _rate_row(f"K = {validation.k_true} was found", validation.k_right),
                _rate_row("K could not be decided", validation.undecided),
            ],
            "Intervals are Wilson’s. Found: " + _found_in_words(validation) + ".",
        ),
        Section.of_table(
            "Quantities found again",
            HEADINGS,
            list(quantity_rows(validation)),
            "Mean and root mean square deviation over the data sets in which it was found. The "
            "last column is the share of these in which the stated 95 % interval holds the truth; "
            "a dash: no error is stated.",
        ),
    ]
    templates = page_templates("umlpsd_gpu.validation")
    return templates.get_template("result_validation.html.jinja").render(
        validation=validation,
        headline=headline_of_result(validation),
        simulated=simulated_like(validation),
        sections=sections,
        figures=figures,
        notes=notes_of_result(validation),
    )


def simulated_like(validation: ResultValidation) -> str:
    """Return what was simulated, in a sentence.

    Parameters
    ----------
    validation : ResultValidation

    Returns
    -------
    str
    """
    n, like = validation.n, f" “{validation.origin}”" if validation.origin else ""
    return f"{n} simulated data set{'s' * (n > 1)} like the study{like}. {validation.caption}"


def quantity_rows(validation: ResultValidation) -> list[tuple[str | float, ...]]:
    """Return the rows of the table of quantities, to three digits.

    Parameters
    ----------
    validation : ResultValidation

    Returns
    -------
    list of tuple
        The group only where it changes.
    """
    rows: list[tuple[str | float, ...]] = []
    last = ""
    for quantity in validation.quantities:
        values = quantity.truth, quantity.mean, quantity.rms
        coverage = "–" if quantity.coverage is None else _percent(quantity.coverage)
        group = quantity.group if quantity.group != last else ""
        rows.append((group, quantity.name, *map(_three_digits, values), coverage))
        last = quantity.group
    return rows


def result_table(validation: ResultValidation) -> Table:
    """Return the quantities as a table for the terminal.

    Parameters
    ----------
    validation : ResultValidation

    Returns
    -------
    rich.table.Table
    """
    table = Table(*HEADINGS, box=None)
    for row in quantity_rows(validation):
        table.add_row(*(cell if isinstance(cell, str) else f"{cell:g}" for cell in row))
    return table


def summary_of_result(validation: ResultValidation) -> dict[str, Any]:
    """Return every number, setting and version, with None in place of NaN.

    Parameters
    ----------
    validation : ResultValidation

    Returns
    -------
    dict
        As written to validation.json.
    """
    return {
        "format": VALIDATION.format,
        "format_version": FORMAT_VERSION,
        "analysis": validation.analysis,
        "simulated": {"origin": validation.origin, "words": simulated_like(validation)},
        "seed": validation.seed,
        "n_ensembles": validation.n,
        "k_true": validation.k_true,
        "k_right": plain_rate(validation.k_right),
        "undecided": plain_rate(validation.undecided),
        "k_found": list(validation.k_found),
        "confidence_mean": float(validation.probabilities.mean()),
        "quantities": [_plain_quantity(each) for each in validation.quantities],
        "notes": notes_of_result(validation),
        "settings": validation.settings.model_dump(mode="json"),
        "timings_s": validation.timings_s,
        "device": validation.device,
        "versions": validation.versions,
    }


def _plain_quantity(quantity: RecoveredQuantity) -> dict[str, Any]:
    coverage = quantity.coverage
    return {
        "group": quantity.group,
        "name": quantity.name,
        "truth": quantity.truth,
        "bias": finite_or_none(quantity.bias),
        "rms": finite_or_none(quantity.rms),
        "coverage": None if coverage is None else plain_rate(coverage),
        "found": [finite_or_none(value) for value in quantity.found],
    }


def _found_in_words(validation: ResultValidation) -> str:
    times = Counter(validation.k_found)
    decided = sorted(k for k in times if k is not None)
    parts = [f"K = {k} in {times[k]}" for k in decided]
    return ", ".join([*parts, *([f"undecided in {times[None]}"] if None in times else [])])


def _rate_row(what: str, rate: Rate) -> tuple[str, ...]:
    low, high = (number(100 * end, 0) for end in (rate.low, rate.high))
    return what, _percent(rate), f"{low} … {high} %", f"{rate.n_hits} / {rate.n_trials}"


def _percent(rate: Rate) -> str:
    return f"{number(100 * rate.share, 0)} %"


def _three_digits(value: float) -> float:
    return float(f"{value:.3g}")
