"""Writes the reference of the command line as Markdown: python docs/command_reference.py

What is declared is read, parameter by parameter: type, option and help.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import typer
from typer.models import ArgumentInfo

from umlpsd_gpu.cli.main import app

# what the help of an option says about the setting that it is
SETTING = re.compile(r"\s*\[dim\]\(([\w.]+)\)\[/dim\]")
WORDS = {int: "whole number", float: "number", str: "text", Path: "path", bool: ""}
HEADING = ["| Option | Value | Meaning |", "|---|---|---|"]


@dataclass(frozen=True)
class Parameter:
    """An argument or option of a command.

    Attributes
    ----------
    flags : tuple of str
        As on the command line; of an argument what stands for it.
    is_argument, is_required : bool
    kind, default
        Type and value in Python.
    text : str
        Its help, without the setting's name.
    setting : str
        Dotted name of the setting that it is; empty for others.
    """

    flags: tuple[str, ...]
    is_argument: bool
    is_required: bool
    kind: Any
    default: Any
    text: str
    setting: str


def reference_page() -> str:
    """Return the page of all commands."""
    parts = ["# Command line\n", app.info.help or "", "", app.info.epilog or "", ""]
    for name, command in commands_of(app).items():
        parameters = parameters_of(command)
        arguments = [parameter.flags[0] for parameter in parameters if parameter.is_argument]
        usage = " ".join([name, *arguments, *(["[OPTIONS]"] if parameters else [])])
        parts += [f"## `{name}`", "", inspect.cleandoc(command.__doc__ or ""), ""]
        parts += ["```text", usage, "```", ""]
        parts += [*HEADING, *map(row, parameters), ""] if parameters else []
    return "\n".join(parts)


def commands_of(group: typer.Typer, name: str = "umlpsd") -> dict[str, Callable[..., Any]]:
    """Return the function of every command by the command's full name."""
    found = {}
    for info in group.registered_commands:
        if info.callback is not None and not info.hidden:
            own = info.name or info.callback.__name__.replace("_", "-")
            found[f"{name} {own}"] = info.callback
    for inner in group.registered_groups:
        if inner.typer_instance is not None:
            found |= commands_of(inner.typer_instance, f"{name} {inner.name}")
    return found


def parameters_of(command: Callable[..., Any]) -> list[Parameter]:
    """Return what a command takes, in order."""
    hints = get_type_hints(command, include_extras=True)
    signature = inspect.signature(command)
    return [described(name, hints[name], p.default) for name, p in signature.parameters.items()]


def described(name: str, hint: Any, default: Any) -> Parameter:
    """Describe one parameter from its annotation ``Annotated[kind, typer.Option(…)]``."""
    kind, info = get_args(hint)[:2]
    is_argument = isinstance(info, ArgumentInfo)
    # where an annotation holds the option, its first flag is in the place of the default
    first = (info.default,) if isinstance(info.default, str) else ()
    flags = (*first, *(info.param_decls or ()))
    if is_argument:
        flags = (info.metavar or name.upper(),)
    elif not flags:
        spoken = name.replace("_", "-")
        flags = (f"--{spoken}/--no-{spoken}",) if kind is bool else (f"--{spoken}",)
    said = info.help or ""
    setting = SETTING.search(said)
    return Parameter(
        flags=flags,
        is_argument=is_argument,
        is_required=default is inspect.Parameter.empty,
        kind=kind,
        default=default if info.show_default else None,
        text=" ".join(SETTING.sub("", said).split()),
        setting=setting[1] if setting else "",
    )


def row(parameter: Parameter) -> str:
    """Return the row of a parameter."""
    flags = " ".join(f"`{flag}`" for joined in parameter.flags for flag in joined.split("/"))
    setting = f" Setting `{parameter.setting}`." if parameter.setting else ""
    cells = flags, value_in_words(parameter), parameter.text + setting
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def value_in_words(parameter: Parameter) -> str:
    """Say what value a parameter takes, and its default where it has one to show."""
    words = kind_in_words(parameter.kind)
    if parameter.is_required:
        return f"{words}, required"
    if parameter.default is None or parameter.default is False:
        return words
    return f"{words} (`{str(parameter.default).lower()}`)".strip()


def kind_in_words(kind: Any) -> str:
    """Say a type in words of the command line."""
    if get_origin(kind) in (Union, types.UnionType):
        return ", ".join(kind_in_words(k) for k in get_args(kind) if k is not type(None))
    if get_origin(kind) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(kind))
    if get_origin(kind) is list:
        return f"{kind_in_words(get_args(kind)[0])}, one or more"
    return WORDS.get(kind, getattr(kind, "__name__", str(kind)))


if __name__ == "__main__":
    print(reference_page())
