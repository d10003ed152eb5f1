"""The command ``umlpsd validate``: how reliable the method is for data like the user's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.compute.progress import notebook_or_terminal_progress as progress
from umlpsd_gpu.errors import SettingsError

if TYPE_CHECKING:
    from umlpsd_gpu.validation.ensembles import Conditions

out = Console(highlight=False, soft_wrap=True)
LIKE_OR = "Default: as in --like, else {}."


OutDir = Annotated[
    Path, typer.Option("--out", help="Validation folder to write.", show_default=False)
]
Like = Annotated[
    Path | None,
    typer.Option(
        "--like",
        help="Study folder; its frames, frame interval, number of traces, counts and settings "
        "are used. For a study of a spectrum image or micrograph, its components and maps are the "
        "truth.",
    ),
]
NFrames = Annotated[
    int | None,
    typer.Option(
        "--frames", help="Number of frames. " + LIKE_OR.format("10000"), show_default=False
    ),
]
DtS = Annotated[
    float | None,
    typer.Option(
        "--dt-s",
        help="Frame interval in seconds. " + LIKE_OR.format("0.03"),
        show_default=False,
    ),
]
Counts = Annotated[
    str | None,
    typer.Option(
        metavar="LOW,HIGH",
        help="Counts in a frame above the background when fully ON. " + LIKE_OR.format("150,400"),
        show_default=False,
    ),
]
Background = Annotated[
    float | None,
    typer.Option(help="Background counts in a frame. " + LIKE_OR.format("20"), show_default=False),
]
Mix = Annotated[
    str | None,
    typer.Option(
        metavar="CLASS=N,…",
        help="Number of traces of each class (PEB, TSB, PBB, MSB). Default: "
        "PEB=68,TSB=68,PBB=68; with --like, its number of traces in equal parts.",
        show_default=False,
    ),
]
NEnsembles = Annotated[
    int,
    typer.Option(
        "--ensembles", help="Number of simulated ensembles; more give more precise rates."
    ),
]
SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        help="TOML file with the settings of the analysis; overrides those of --like.",
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing validation.")]


def validate(
    out_dir: OutDir,
    like: Like = None,
    n_frames: NFrames = None,
    dt_s: DtS = None,
    counts: Counts = None,
    background: Background = None,
    mix: Mix = None,
    n_ensembles: NEnsembles = 20,
    settings_file: SettingsFile = None,
    seed: Annotated[int, typer.Option(help="Seed; each number gives other ensembles.")] = 0,
    overwrite: Overwrite = False,
) -> None:
    """Simulate data like yours and measure how often K, labels, β or compositions are right."""
    from umlpsd_gpu.storage.result_folder import check_output
    from umlpsd_gpu.validation.page import PAGE, validation_table, write_validation
    from umlpsd_gpu.validation.summary import VALIDATION, headline, notes_of
    from umlpsd_gpu.validation.validate import validate as validated

    check_output(out_dir, overwrite, VALIDATION)
    other = None if like is None else _other_analysis(like)
    if like is not None and other is not None:
        of_blinking = {
            "--frames": n_frames,
            "--dt-s": dt_s,
            "--counts": counts,
            "--background": background,
            "--mix": mix,
            "--settings": settings_file,
        }
        _refuse_options([*_without_none(of_blinking)], other)
        _validate_like(like, other, out_dir, n_ensembles, seed, overwrite)
        return
    classes = _mix_of(mix) if mix is not None else None
    conditions, settings = _starting_point(like, classes)
    if settings_file is not None:
        settings = Settings.from_toml(settings_file)
    given = {
        "n_frames": n_frames,
        "dt_s": dt_s,
        "on_counts": _range_of(counts) if counts is not None else None,
        "background_counts": background,
    }
    conditions = replace(conditions, **_without_none(given))
    with progress() as report:
        validation = validated(settings, conditions, n_ensembles, seed, report)
    written = write_validation(validation, out_dir, overwrite)
    out.print(f"[bold]{escape(headline(validation))}[/]")
    out.print(validation_table(validation))
    for note in notes_of(validation):
        out.print(f"[yellow]Note:[/] {escape(note)}")
    out.print(f"Page: {escape(str(written / PAGE))}")


def _other_analysis(like: Path) -> str | None:
    """Return the analysis of a study folder, or None for a study of blinking, or no study."""
    from umlpsd_gpu.storage.result_folder import read_summary

    name = (read_summary(like) or {}).get("analysis", Settings.analysis)
    return None if name == Settings.analysis else str(name)


def _refuse_options(names: list[str], analysis: str) -> None:
    if names:
        raise SettingsError(
            f"{', '.join(names)}: a validation of the analysis '{analysis}' simulates the study "
            "given with --like as it is; leave the option out"
        )


def _validate_like(
    like: Path, name: str, out_dir: Path, n_ensembles: int, seed: int, overwrite: bool
) -> None:
    """Validate a study of another analysis than blinking, and print what was found."""
    from umlpsd_gpu.analyses.registry import get_analysis
    from umlpsd_gpu.analyses.saving import load_result
    from umlpsd_gpu.validation.like_result import notes_of_result, validate_result
    from umlpsd_gpu.validation.page import PAGE
    from umlpsd_gpu.validation.result_page import (
        headline_of_result,
        result_table,
        write_result_validation,
    )

    result = load_result(like, get_analysis(name).result_type())
    with progress() as report:
        validation = validate_result(result, n_ensembles, seed, like.resolve().name, report)
    written = write_result_validation(validation, out_dir, overwrite)
    out.print(f"[bold]{escape(headline_of_result(validation))}[/]")
    out.print(result_table(validation))
    for note in notes_of_result(validation):
        out.print(f"[yellow]Note:[/] {escape(note)}")
    out.print(f"Page: {escape(str(written / PAGE))}")


def _starting_point(
    like: Path | None, classes: dict[str, int] | None
) -> tuple[Conditions, Settings]:
    """Return conditions and settings of the study given with --like, or the defaults."""
    from umlpsd_gpu.validation.ensembles import Conditions

    if like is None:
        return Conditions(**_without_none({"classes": classes})), Settings()
    from umlpsd_gpu.analyses.blinking.result import Study
    from umlpsd_gpu.validation.likeness import conditions_like

    study = Study.load(like)
    return conditions_like(study, classes, origin=like.resolve().name), study.settings


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _mix_of(text: str) -> dict[str, int]:
    """Read ``PEB=68,TSB=68``."""
    mix: dict[str, int] = {}
    for part in text.split(","):
        name, _, number = (piece.strip() for piece in part.partition("="))
        name = name.upper()
        if not name or not number.isdecimal() or len(number) > 9:
            raise SettingsError(f"--mix must look like PEB=68,TSB=68, got '{text}'")
        if name in mix:
            raise SettingsError(f"--mix names {name} twice; give one number for each class")
        mix[name] = int(number)
    return mix


def _range_of(text: str) -> tuple[float, float]:
    """Read ``150,400``; a single number is both ends."""
    try:
        ends = [float(part) for part in text.split(",")]
    except ValueError:
        ends = []
    if len(ends) not in (1, 2):
        raise SettingsError(f"--counts must look like 150,400, got '{text}'")
    return ends[0], ends[-1]
