"""Writes the reference of a settings model as Markdown: python docs/settings_reference.py

Any pydantic model will do whose fields are settings, or sections that are such models. The site
asks for the settings of every analysis in `umlpsd_gpu.analyses`.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import pkgutil
import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

import umlpsd_gpu.analyses
from umlpsd_gpu.cli.main import app
from umlpsd_gpu.settings import AnalysisSettings

WORDS = {int: "whole number", float: "number", str: "text", bool: "true or false"}
BOUNDS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
HEADING = "| Setting | Allowed | Default | Meaning |\n|---|---|---|---|"


def reference_page() -> str:
    """Return the page of the settings of all analyses."""
    version = importlib.metadata.version("umlpsd_gpu")
    intro = (
        "# Settings\n\n"
        "Every analysis reads its settings from a TOML file (`--settings study.toml`). Sections "
        "and settings that are left out keep their defaults. `settings.toml` in a result folder "
        "lists all of them as they ran and can be used as such a file again. A misspelt name or "
        "a value that is not allowed ends the command before anything is read, with the name that "
        "was probably meant. The most frequent settings are also options of the command line; "
        "`--set section.name=value` gives any other. Both override the file.\n\n"
        f"This page is generated from the settings models of version {version}.\n"
    )
    options = option_of_settings()
    pages = [
        f"## Analysis `{name}`\n\n{settings_tables(model, options)}"
        for name, model in analysis_settings().items()
    ]
    return "\n".join([intro, *pages])


def analysis_settings() -> dict[str, type[BaseModel]]:
    """Return the settings class of each analysis, by the analysis' name."""
    found: dict[str, type[BaseModel]] = {}
    for module in pkgutil.iter_modules(umlpsd_gpu.analyses.__path__, "umlpsd_gpu.analyses."):
        name = f"{module.name}.settings"
        if not module.ispkg or importlib.util.find_spec(name) is None:
            continue
        for item in vars(importlib.import_module(name)).values():
            if isinstance(item, type) and issubclass(item, AnalysisSettings) and item.analysis:
                found[item.analysis] = item
    return dict(sorted(found.items()))


def option_of_settings() -> dict[str, str]:
    """Return the option of ``umlpsd run`` that is a setting, by the setting's dotted name."""
    from command_reference import commands_of, parameters_of

    parameters = parameters_of(commands_of(app)["umlpsd run"])
    return {p.setting: p.flags[0].split("/")[0] for p in parameters if p.setting}


def settings_tables(model: type[BaseModel], options: Mapping[str, str] | None = None) -> str:
    """Return a table of a model's own settings, and one for each of its sections.

    Parameters
    ----------
    model : type of BaseModel
    options : mapping of str to str, optional
        Options of the command line by the dotted name of the setting.
    """
    options = options or {}
    own = {name: field for name, field in model.model_fields.items() if not section_of(field)}
    sections = {name: section_of(field) for name, field in model.model_fields.items()}
    parts = [table(own, "", options)] if own else []
    for name, section in sections.items():
        if section is not None:
            text = f"### `[{name}]`\n\n" + table(section.model_fields, f"{name}.", options)
            parts.append(text)
    return "\n\n".join(parts) + "\n"


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """Return the model of a field that is a section."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def table(fields: Mapping[str, FieldInfo], prefix: str, options: Mapping[str, str]) -> str:
    """Return a row for each setting."""
    rows = [HEADING]
    for name, field in fields.items():
        option = options.get(prefix + name)
        shown = f"`{name}`" + (f"<br>`{option}`" if option else "")
        cells = shown, allowed(field), default_of(field), field.description or ""
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def allowed(field: FieldInfo) -> str:
    """Say in words what values a setting can have."""
    text = kind_in_words(field.annotation)
    bounds = [
        f"{sign} {getattr(rule, name):g}"
        for rule in field.metadata
        for name, sign in BOUNDS.items()
        if getattr(rule, name, None) is not None
    ]
    return " ".join([text, " and ".join(bounds)]).strip()


def kind_in_words(kind: Any) -> str:
    """Say a type in words of a TOML file."""
    if get_origin(kind) in (Union, types.UnionType):
        return " or ".join(kind_in_words(k) for k in get_args(kind) if k is not type(None))
    if get_origin(kind) is Literal:
        return ", ".join(f"`{value!r}`".replace("'", '"') for value in get_args(kind))
    if get_origin(kind) in (tuple, list):
        parts = [part for part in get_args(kind) if part is not Ellipsis]
        counted = "list of" if Ellipsis in get_args(kind) or len(parts) == 1 else "list of the form"
        return f"{counted} " + ", ".join(kind_in_words(part) for part in parts)
    return WORDS.get(kind, getattr(kind, "__name__", str(kind)))


def default_of(field: FieldInfo) -> str:
    """Return the default as it would be written in the file; a dash for none."""
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "–"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple | list):
        return ", ".join(f'`"{item}"`' if isinstance(item, str) else f"`{item}`" for item in value)
    return f'`"{value}"`' if isinstance(value, str) else f"`{value:g}`"


if __name__ == "__main__":
    print(reference_page())
