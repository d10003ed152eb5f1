"""Settings as options of the command line, the same in every command that analyses."""

from __future__ import annotations

import functools
import inspect
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import typer

from umlpsd_gpu.analyses.protocol import Analysis
from umlpsd_gpu.analyses.registry import BUILT_IN, get_analysis, guess_analysis
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.settings import ANALYSIS, AnalysisSettings

# Of every analysis: name of the setting, and its flags
SHARED = (
    ("sweep.k_max", "--k-max"),
    ("sweep.n_epochs", "--epochs"),
    ("sweep.seed", "--seed"),
    ("sweep.engine", "--engine"),
    ("device", "--device"),
    ("n_threads", "--threads"),
)
HINTS = {"preprocess.scales": "Smoothing scales, separated by commas: raw,W40,W80,WL6."}
FILE, NAME, VALUES = "settings_file", "analysis_name", "other_values"


@dataclass(frozen=True)
class ChosenSettings:
    """What the options of a command say; the analysis may still depend on the files.

    Attributes
    ----------
    file : Path or None
        Of settings.
    analysis : str or None
        Asked for by name.
    values : dict
        By dotted name; they beat the file.
    flags : dict of str to str
        The option that gave each value.
    """

    file: Path | None
    analysis: str | None
    values: dict[str, Any]
    flags: dict[str, str]

    def of_files(self, names: Sequence[str] = ()) -> tuple[Analysis[Any, Any], Any]:
        """Return the analysis of files, and its settings.

        The analysis is the one asked for, else that of the settings file, else the one that files
        of these names certainly belong to, else blinking.

        Raises
        ------
        SettingsError
            If the analysis is not known, or a setting is not one of its own.
        """
        name = self.analysis or _analysis_named_in(self.file)
        analysis = get_analysis(name) if name else guess_analysis(names)
        return analysis, self._settings_of(analysis)

    def of_blinking(self) -> Any:
        """Return the settings of a command that is about blinking alone."""
        return self._settings_of(get_analysis("blinking"))

    def _settings_of(self, analysis: Analysis[Any, Any]) -> AnalysisSettings:
        model = analysis.settings
        known = {name for name, _ in _all_options() if _has(model, name)}
        for name in self.values:
            if name in self.flags and name not in known:
                raise SettingsError(
                    f"{self.flags[name]} is no option of the analysis '{analysis.name}'; leave it "
                    "out, or name another analysis by --analysis"
                )
        base = model.from_toml(self.file) if self.file else model()
        return base.with_values(self.values)


def takes_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command ``--settings``, ``--analysis``, ``--set`` and options for common settings.

    The command's own parameter ``settings`` gets them as `ChosenSettings`.
    """

    @functools.wraps(command)
    def with_options(**given: Any) -> None:
        flags = {name: flag.partition("/")[0] for name, flag in _all_options()}
        values = {name: given.pop(_parameter(name)) for name in flags}
        chosen = {name: _split(name, value) for name, value in values.items() if value is not None}
        chosen |= dict(map(_assignment, given.pop(VALUES) or ()))
        settings = ChosenSettings(given.pop(FILE), given.pop(NAME), chosen, flags)
        command(settings=settings, **given)

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


@functools.cache
def _all_options() -> tuple[tuple[str, str], ...]:
    """Return name and flags of every option: those of our own analyses, then the shared ones."""
    own = dict(option for name in BUILT_IN for option in get_analysis(name).options)
    return (*own.items(), *SHARED)


def _option_parameters() -> list[inspect.Parameter]:
    file = typer.Option("--settings", help="TOML file of settings; options here override it.")
    analysis = typer.Option(
        "--analysis",
        help="Kind of analysis. Default: that of the settings file, or of the files.",
        show_default=False,
    )
    assignment = typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Any other setting by its name in the settings file, as sweep.max_iter=50; may be "
        "repeated.",
        show_default=False,
    )
    kinds: list[tuple[str, Any]] = [
        (FILE, Annotated[Path | None, file]),
        (NAME, Annotated[str | None, analysis]),
        (VALUES, Annotated[list[str] | None, assignment]),
    ]
    for name, flags in _all_options():
        kind, description = _setting(name)
        text = f"{HINTS.get(name, description)} [dim]({name})[/dim]"
        option = typer.Option(flags, help=text, show_default=False)
        kinds.append((_parameter(name), Annotated[kind | None, option]))
    keyword = inspect.Parameter.KEYWORD_ONLY
    return [inspect.Parameter(n, keyword, default=None, annotation=kind) for n, kind in kinds]


def _setting(name: str) -> tuple[Any, str]:
    """Return the type of a setting on the command line, and its description."""
    for analysis in map(get_analysis, BUILT_IN):
        if _has(analysis.settings, name):
            model: Any = analysis.settings
            *sections, last = name.split(".")
            for section in sections:
                model = model.model_fields[section].annotation
            field = model.model_fields[last]
            return _kind_of(field.annotation), field.description or ""
    raise LookupError(f"no analysis has the setting {name}")


def _kind_of(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, UnionType):
        (annotation,) = (kind for kind in get_args(annotation) if kind is not type(None))
    is_simple = annotation in (int, float, bool, str) or get_origin(annotation) is Literal
    return annotation if is_simple else str


def _has(model: Any, name: str) -> bool:
    for part in name.split("."):
        fields = getattr(model, "model_fields", {})
        if part not in fields:
            return False
        model = fields[part].annotation
    return True


def _split(name: str, value: Any) -> Any:
    """Return the parts of a list that came as one text."""
    return value.split(",") if name == "preprocess.scales" else value


def _assignment(text: str) -> tuple[str, Any]:
    """Read NAME=VALUE, where the value is as in TOML, or a text without quotes."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise SettingsError(f"--set needs NAME=VALUE, as sweep.max_iter=50, got '{text}'")
    try:
        return name.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return name.strip(), value.strip()


def _analysis_named_in(file: Path | None) -> str | None:
    """Return the analysis that a settings file is for; None where it names none."""
    if file is None:
        return None
    try:
        named = tomllib.loads(file.read_text(encoding="utf-8")).get(ANALYSIS)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return None  # reading the settings will say what is wrong
    return named if isinstance(named, str) else None


def _parameter(name: str) -> str:
    return name.replace(".", "__")
