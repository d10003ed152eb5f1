"""Keyword arguments of the public verbs: settings, and checks of single ones."""

from __future__ import annotations

import difflib
import functools
import inspect
import operator
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ParamSpec, TypeVar

from umlpsd_gpu.errors import SettingsError

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
# A section of settings, or all settings of an analysis: `umlpsd_gpu.settings.Section`. Not imported
# here: a movie can be opened where pydantic is not installed.
Model = TypeVar("Model")

# section__field names a field whose plain name several sections have
SEPARATOR = "__"
# An error lists no more keywords than this
MOST_LISTED = 16
# A part of a name that is shorter than this could mean any
FEWEST_LETTERS = 3


def check_keywords(verb: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Decorate a verb: a keyword that it does not have is refused with the nearest one it has.

    Parameters
    ----------
    verb : callable
        With typed keywords of its own; ``help()`` and type checkers still see them.

    Returns
    -------
    callable
        It raises SettingsError where Python would raise TypeError.
    """
    known = list(inspect.signature(verb).parameters)

    @functools.wraps(verb)
    def checked(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        require_known(kwargs, known, verb.__name__)
        return verb(*args, **kwargs)

    return checked


def require_known(names: Iterable[str], known: Iterable[str], verb: str) -> None:
    """Check the names of keyword arguments.

    Parameters
    ----------
    names : iterable of str
        As given.
    known : iterable of str
        All that are allowed.
    verb : str
        Name of the function, for the error message.

    Raises
    ------
    SettingsError
        For the first name that is not known.
    """
    for name in names:
        if name not in known:
            advice = _advice(name, known) or f"see help({verb})"
            raise SettingsError(f"{verb}() has no argument '{name}'; {advice}")


def override(settings: Model, values: Mapping[str, Any]) -> Model:
    """Return settings in which the keywords that were given replace fields.

    Parameters
    ----------
    settings : Section
    values : mapping of str to object
        By the name of the field; None means that the keyword was not given.

    Returns
    -------
    Section
        ``settings`` itself where no keyword was given.

    Raises
    ------
    SettingsError
        If a value is not allowed.
    """
    given = {name: _plain(value) for name, value in values.items() if value is not None}
    if not given:
        return settings
    overridden: Model = settings.with_values(given)  # type: ignore[attr-defined]
    return overridden


def settings_from_keywords(settings: Model, values: Mapping[str, Any], verb: str) -> Model:
    """Return settings of an analysis in which keywords replace fields of any section.

    Parameters
    ----------
    settings : AnalysisSettings
        With sections of fields.
    values : mapping of str to object
        By keyword: a field by its plain name where only one section has it (``seed``), or by
        section and field (``sweep__seed``), or a whole section (``sweep={"seed": 1}``). None
        leaves a field as it is.
    verb : str
        What was called, for messages.

    Returns
    -------
    AnalysisSettings

    Raises
    ------
    SettingsError
        If a keyword is unknown or names fields of several sections, or a value is not allowed.
    """
    fields, shared = _keywords_of(type(settings))
    sections = {name.partition(".")[0] for name in fields.values() if "." in name}
    dotted: dict[str, Any] = {}
    for name, value in values.items():
        if name in shared:
            raise SettingsError(
                f"{verb}() can't tell which setting '{name}' is: write "
                + " or ".join(f"{keyword}=…" for keyword in shared[name])
            )
        if name in sections and isinstance(value, Mapping):
            dotted |= {f"{name}.{field}": part for field, part in value.items()}
            continue
        require_known([name], [*fields, *sections], verb)
        dotted[fields.get(name, name)] = value
    return override(settings, dotted)


def show_settings(model: type) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Decorate a verb that takes ``**values``: ``help()`` lists the keywords of all settings.

    Parameters
    ----------
    model : type
        The settings of an analysis, whose fields are sections.
    """

    def decorate(verb: Callable[..., Result]) -> Callable[..., Result]:
        fields, _ = _keywords_of(model)
        own = list(inspect.signature(verb).parameters.values())
        named = {parameter.name for parameter in own}
        added = [
            inspect.Parameter(
                keyword,
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=_annotation(model, dotted),
            )
            for keyword, dotted in _shortest(fields).items()
            if keyword not in named
        ]
        kept = [p for p in own if p.kind is not inspect.Parameter.VAR_KEYWORD]
        verb.__signature__ = inspect.signature(verb).replace(  # type: ignore[attr-defined]
            parameters=kept + added
        )
        return verb

    return decorate


def _keywords_of(model: type) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return the dotted name of each keyword, and the keywords that a shared name may mean."""
    fields: dict[str, str] = {}
    owners: dict[str, list[str]] = {}
    for name, field in _fields(model).items():
        parts = _fields(field.annotation)
        if not parts:
            fields[name] = name
        for part in parts:
            keyword = f"{name}{SEPARATOR}{part}"
            fields[keyword] = f"{name}.{part}"
            owners.setdefault(part, []).append(keyword)
    shared = {part: keywords for part, keywords in owners.items() if len(keywords) > 1}
    # a field of the whole analysis, or a section, keeps its name
    taken = set(fields) | set(_fields(model))
    fields |= {
        part: fields[keywords[0]]
        for part, keywords in owners.items()
        if part not in shared and part not in taken
    }
    return fields, {part: keywords for part, keywords in shared.items() if part not in taken}


def _shortest(fields: dict[str, str]) -> dict[str, str]:
    """Keep the shortest keyword of each setting."""
    by_setting: dict[str, str] = {}
    for keyword, dotted in fields.items():
        if dotted not in by_setting or len(keyword) < len(by_setting[dotted]):
            by_setting[dotted] = keyword
    return {keyword: dotted for dotted, keyword in by_setting.items()}


def _annotation(model: type, dotted: str) -> Any:
    fields = _fields(model)
    *sections, name = dotted.split(".")
    for section in sections:
        fields = _fields(fields[section].annotation)
    return fields[name].annotation | None


def _fields(model: Any) -> dict[str, Any]:
    """Return the fields of a section of settings; none of any other type."""
    found: dict[str, Any] = getattr(model, "model_fields", {}) if isinstance(model, type) else {}
    return found


def _plain(value: Any) -> Any:
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _advice(name: str, known: Iterable[str]) -> str:
    """Name the nearest keyword, else all where they are few."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    # "epochs" means "n_epochs", which letters alone may not tell
    if not near and len(name) >= FEWEST_LETTERS:
        near = sorted((other for other in names if name in other or other in name), key=len)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"it takes {', '.join(names)}" if len(names) <= MOST_LISTED else ""


def whole_number(name: str, value: Any, least: int | None = None) -> int:
    """Return an argument as int.

    Parameters
    ----------
    name : str
        Of the argument, for messages.
    value : int, or float without fraction
    least : int, optional
        Smallest value that is allowed. Default: any.

    Returns
    -------
    int

    Raises
    ------
    SettingsError
        If it is no whole number, or below ``least``; True and False are none.

    Examples
    --------
    >>> from umlpsd_gpu.keywords import whole_number
    >>> whole_number("nperseg", 100.0, 2)
    100
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        number = -1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is not None and not isinstance(value, bool) and (least is None or number >= least):
        return number
    allowed = "" if least is None else f" from {least} on"
    raise SettingsError(f"{name} must be a whole number{allowed}, got {value!r}")
