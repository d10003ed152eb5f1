"""Settings as command-line options, the same in every command that runs an analysis."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import typer
from pydantic.fields import FieldInfo

from umlpsd_gpu.analyses.protocol import Analysis
from umlpsd_gpu.analyses.registry import BUILT_IN, analysis_names, get_analysis, guess_analysis
from umlpsd_gpu.cli.assignment import read_assignment
from umlpsd_gpu.errors import SettingsError, UmlpsdError
from umlpsd_gpu.settings import ANALYSIS, AnalysisSettings
from umlpsd_gpu.settings_files import read_toml

# Options of every analysis: name of the setting, and its flags
SHARED = (
    ("sweep.k_max", "--k-max"),
    ("sweep.n_epochs", "--epochs"),
    ("sweep.seed", "--seed"),
    ("sweep.engine", "--engine"),
    ("device", "--device"),
    ("n_threads", "--threads"),
)
HINTS = {
    "preprocess.scales": "Smoothing scales to compare, separated by commas, for example "
    "raw,W40,WL6: raw, W and frames per bin, or WL and wavelet level. Default: the 18 scales of "
    "the paper."
}
FILE, NAME, VALUES = "settings_file", "analysis_name", "other_values"
# Headings of the help text, by the section of a setting; settings without a section are about
# computing
SETTINGS_PANEL, OUTPUT_PANEL, COMPUTING_PANEL = "Settings", "Output", "Computing"
PANELS = {
    "movie": "Movies",
    "traces": "Traces",
    "preprocess": "Clustering",
    "sweep": "Clustering",
    "spectrum": "Spectra",
    "curves": "Curves",
    "conditioning": "Curves",
    "quantities": "Curves",
    "micrograph": "Micrographs",
    "particle": "Particles",
    "segmentation": "Particles",
    "spectrum_image": "Spectrum images",
    "unmixing": "Spectrum images",
    "quantification": "Spectrum images",
    "": COMPUTING_PANEL,
}
# the two flags of a switch are long: in a panel of their own they don't narrow other texts
SWITCHES_PANEL = "Switches"
UNITS = {"_s": "SECONDS", "_hz": "HZ", "_um": "UM", "_v": "VOLTS", "_a": "AMPERES", "_m": "METRES"}


@dataclass(frozen=True)
class ChosenSettings:
    """What the options of a command say; the analysis may still depend on the files.

    Attributes
    ----------
    file : Path or None
        The settings file.
    analysis : str or None
        Name of the analysis, if one was given.
    values : dict
        Values by dotted name; they override those of the file.
    flags : dict of str to str
        The option of each setting that has one.
    """

    file: Path | None
    analysis: str | None
    values: dict[str, Any]
    flags: dict[str, str]

    def resolve(self, names: Sequence[str] = ()) -> tuple[Analysis[Any, Any], Any]:
        """Return the analysis of files, and its settings.

        The analysis is the one given by name, else that of the settings file, else the one that
        files with these suffixes certainly belong to, else blinking.

        Parameters
        ----------
        names : sequence of str
            The files.

        Returns
        -------
        analysis : Analysis
        settings : AnalysisSettings

        Raises
        ------
        SettingsError
            If the analysis is unknown, or it lacks one of the settings.
        """
        name = self.analysis or _analysis_named_in(self.file)
        analysis = get_analysis(name) if name else guess_analysis(names)
        return analysis, self._settings_of(analysis)

    def open(self, analysis: Analysis[Any, Any], names: Sequence[str], settings: Any) -> Any:
        """Open the inputs of an analysis.

        Parameters
        ----------
        analysis : Analysis
        names : sequence of str
        settings : AnalysisSettings

        Returns
        -------
        object
            What the analysis runs on.

        Raises
        ------
        UmlpsdError
            If they can't be opened; with a note that names the other analyses where there are such
            files and nobody chose this analysis.
        """
        try:
            return analysis.open(names, settings)
        except UmlpsdError as error:
            is_guess = not (self.analysis or _analysis_named_in(self.file))
            if is_guess and all(Path(name).is_file() for name in names):
                others = [name for name in analysis_names() if name != analysis.name]
                error.add_note(
                    f"It was opened for {analysis.name}; if it is for another analysis, choose "
                    f"--analysis {', '.join(others[:-1])} or {others[-1]}."
                )
            raise

    def _settings_of(self, analysis: Analysis[Any, Any]) -> AnalysisSettings:
        model = analysis.settings
        # a flag that several analyses share is a setting of its own for each
        own = {flag.partition("/")[0]: name for name, flag in analysis.options}
        values = {own.get(self.flags.get(name, ""), name): v for name, v in self.values.items()}
        for name in values:
            if name in self.flags and not _has(model, name):
                raise SettingsError(
                    f"{self.flags[name]} is no option of the analysis '{analysis.name}'; leave it "
                    "out, or choose another analysis with --analysis"
                )
        base = model.from_toml(self.file) if self.file else model()
        return base.with_values(values)


def add_settings_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add ``--settings``, ``--analysis``, ``--set`` and the options of settings to a command.

    Parameters
    ----------
    command : callable
        Its parameter ``settings`` receives the options as `ChosenSettings`.

    Returns
    -------
    callable
        The command with these options, for typer.
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
    """Return setting and flags of every option: built-in analyses first, then the shared ones.

    Of a flag that several analyses have, the setting of the first one stands for all.
    """
    by_flag: dict[str, str] = {}
    for analysis in BUILT_IN:
        for name, flag in get_analysis(analysis).options:
            by_flag.setdefault(flag, name)
    return (*((name, flag) for flag, name in by_flag.items()), *SHARED)


def _option_parameters() -> list[inspect.Parameter]:
    file = typer.Option(
        "--settings",
        metavar="FILE",
        help="TOML file with settings. Options on the command line override it.",
        rich_help_panel=SETTINGS_PANEL,
    )
    analysis = typer.Option(
        "--analysis",
        metavar="NAME",
        help="Kind of analysis. Default: from the settings file, else from the type of the input.",
        show_default=False,
        rich_help_panel=SETTINGS_PANEL,
    )
    assignment = typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Any other setting, by its name in the settings file, for example "
        "sweep.max_iter=50; can be repeated.",
        show_default=False,
        rich_help_panel=SETTINGS_PANEL,
    )
    kinds: list[tuple[str, Any]] = [
        (FILE, Annotated[Path | None, file]),
        (NAME, Annotated[str | None, analysis]),
        (VALUES, Annotated[list[str] | None, assignment]),
    ]
    for name, flags in _all_options():
        kind, option = _option(name, flags)
        kinds.append((_parameter(name), Annotated[kind | None, option]))
    keyword = inspect.Parameter.KEYWORD_ONLY
    return [inspect.Parameter(n, keyword, default=None, annotation=kind) for n, kind in kinds]


def _option(name: str, flags: str) -> tuple[Any, Any]:
    """Return the type of a setting on the command line, and its option for typer."""
    field = _find_field(name)
    kind = bool if "/" in flags else _kind_of(field.annotation)
    option = typer.Option(
        flags,
        help=f"{_help_text(name, field, kind)} [dim]({name})[/dim]",
        metavar=_metavar(name, kind),
        show_default=False,
        rich_help_panel=SWITCHES_PANEL
        if kind is bool
        else PANELS.get(name.rpartition(".")[0], SETTINGS_PANEL),
    )
    return kind, option


def _find_field(name: str) -> FieldInfo:
    for analysis in map(get_analysis, BUILT_IN):
        if _has(analysis.settings, name):
            model: Any = analysis.settings
            *sections, last = name.split(".")
            for section in sections:
                model = model.model_fields[section].annotation
            field: FieldInfo = model.model_fields[last]
            return field
    raise LookupError(f"no analysis has the setting {name}")


def _help_text(name: str, field: FieldInfo, kind: Any) -> str:
    """Return the description of a setting, the values it may have, and its default."""
    parts = [HINTS.get(name, field.description or "")]
    if get_origin(kind) is Literal:
        parts.append(f"One of: {', '.join(get_args(kind))}.")
    if field.default is not None and kind is not bool and name not in HINTS:
        parts.append(f"Default: {field.default}.")
    return " ".join(parts)


def _metavar(name: str, kind: Any) -> str:
    """Return a short word for the value; a blank for a switch, which takes none."""
    if kind is bool:
        return " "
    if kind in (int, float):
        return next((unit for end, unit in UNITS.items() if name.endswith(end)), "NUMBER")
    if name in ("traces.roi", "curves.topography"):
        return "FILE"
    return "NAMES" if name in HINTS or _is_list(name) else "WORD"


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
    """Return the parts of a list that was given as one text."""
    return [part.strip() for part in value.split(",")] if _is_list(name) else value


def _is_list(name: str) -> bool:
    return name == "preprocess.scales" or get_origin(_find_field(name).annotation) is tuple


def _assignment(text: str) -> tuple[str, Any]:
    return read_assignment(text, "--set", "sweep.max_iter=50")


def _analysis_named_in(file: Path | None) -> str | None:
    """Return the analysis that a settings file names, or None."""
    if file is None:
        return None
    try:
        named = read_toml(file).get(ANALYSIS)
    except SettingsError:
        return None  # the error is reported when the settings are read
    return named if isinstance(named, str) else None


def _parameter(name: str) -> str:
    return name.replace(".", "__")
