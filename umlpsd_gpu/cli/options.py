"""Settings as options of the command line, the same in every command that analyses."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import typer

from umlpsd_gpu.analyses.blinking.settings import Settings


def setting(name: str, *flags: str, hint: str = "") -> Any:
    """Declare an option that is the setting ``section.name``, with that field's description."""
    model: Any = Settings
    for part in name.split("."):
        field = model.model_fields[part]
        model = field.annotation
    return typer.Option(
        *flags, help=(hint or field.description) + f" [dim]({name})[/dim]", show_default=False
    )


SCALES = "preprocess.scales"

# Name of the setting, its type on the command line, and its flags
_OPTIONS: tuple[tuple[str, Any, str], ...] = (
    ("movie.dt_s", float, "--dt-s"),
    ("movie.pixel_size_um", float, "--pixel-size-um"),
    ("movie.channel", int, "--channel"),
    ("movie.position", int, "--position"),
    ("movie.z", int, "--z"),
    ("movie.time_axis", Literal["time", "z", "channel"], "--time-axis"),
    ("movie.allow_damaged", bool, "--allow-damaged/--refuse-damaged"),
    ("traces.mode", Literal["emitters", "pixels"], "--traces"),
    ("traces.threshold", float, "--threshold"),
    ("traces.roi", str, "--roi"),
    ("traces.drift_correction", bool, "--drift-correction/--no-drift-correction"),
    ("traces.unequal_lengths", Literal["refuse", "crop"], "--unequal-lengths"),
    (SCALES, str, "--scales"),
    ("sweep.k_max", int, "--k-max"),
    ("sweep.n_epochs", int, "--epochs"),
    ("sweep.seed", int, "--seed"),
    ("sweep.engine", Literal["auto", "batched", "sklearn", "cuml"], "--engine"),
    ("spectrum.method", Literal["periodogram", "welch", "log_welch"], "--psd"),
    ("spectrum.f_min_hz", float, "--f-min-hz"),
    ("spectrum.f_max_hz", float, "--f-max-hz"),
    (
        "spectrum.model",
        Literal["power_law", "power_law_floor", "power_law_knee", "auto"],
        "--psd-model",
    ),
    ("device", Literal["auto", "cpu", "gpu"], "--device"),
    ("n_threads", int, "--threads"),
)
_HINTS = {SCALES: "Smoothing scales: raw,W40,W80,WL6."}
_FILE = "settings_file"


def takes_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command ``--settings`` and an option for each common setting.

    The command's own parameter ``settings`` is what they come to: the file, over which options win.
    """

    @functools.wraps(command)
    def with_options(**given: Any) -> None:
        chosen = {name: given.pop(_parameter(name)) for name, _, _ in _OPTIONS}
        command(settings=_settings(given.pop(_FILE), chosen), **given)

    own = inspect.signature(command).parameters
    hints = get_type_hints(command, include_extras=True)
    parameters = [
        part
        for parameter in own.values()
        for part in (
            _option_parameters()
            if parameter.name == "settings"
            else [parameter.replace(annotation=hints[parameter.name])]
        )
    ]
    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
    with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {p.name: p.annotation for p in parameters}
    return with_options


def _option_parameters() -> list[inspect.Parameter]:
    file = typer.Option("--settings", help="TOML file of settings; options here beat it.")
    kinds = [(_FILE, Annotated[Path | None, file])]
    for name, kind, flags in _OPTIONS:
        option = setting(name, flags, hint=_HINTS.get(name, ""))
        kinds.append((_parameter(name), Annotated[kind | None, option]))
    keyword = inspect.Parameter.KEYWORD_ONLY
    return [inspect.Parameter(n, keyword, default=None, annotation=kind) for n, kind in kinds]


def _parameter(name: str) -> str:
    return name.replace(".", "__")


def _settings(file: Path | None, chosen: dict[str, Any]) -> Settings:
    base = Settings.from_toml(file) if file else Settings()
    scales = chosen[SCALES]
    return base.with_values({**chosen, SCALES: scales.split(",") if scales else None})
