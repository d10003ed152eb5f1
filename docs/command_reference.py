"""Writes the reference of the command line as Markdown: python docs/command_reference.py"""

from __future__ import annotations

import re
from typing import Any

import typer

from umlpsd_gpu.cli.main import app

# what the help of an option says about the setting that it is
SETTING = re.compile(r"\s*\[dim\]\(([\w.]+)\)\[/dim\]")


def reference_page() -> str:
    """Return the page of all commands."""
    commands = commands_of()
    parts = ["# Command line\n", commands["umlpsd"].help or "", ""]
    parts += [f"{(commands['umlpsd'].epilog or '').rstrip('.')}.", ""]
    for name, command in commands.items():
        if not hasattr(command, "commands"):
            parts += [f"## `{name}`", "", one_line(command.help or ""), "", usage(name, command)]
            parts += ["", *table_of(command), ""]
    return "\n".join(parts)


def commands_of(command: Any = None, name: str = "umlpsd") -> dict[str, Any]:
    """Return every command and group by its full name."""
    command = command or typer.main.get_command(app)
    found = {name: command}
    for part, inner in getattr(command, "commands", {}).items():
        if not inner.hidden:
            found |= commands_of(inner, f"{name} {part}")
    return found


def options_of(command: Any) -> list[Any]:
    """Return the options of a command, but for ``--help``."""
    return [p for p in command.params if p.param_type_name == "option" and p.name != "help"]


def usage(name: str, command: Any) -> str:
    """Return a line that shows how the command is called."""
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    words = [name, *(argument.metavar or argument.name.upper() for argument in arguments)]
    return "```text\n" + " ".join([*words, "[OPTIONS]"]) + "\n```"


def table_of(command: Any) -> list[str]:
    """Return a row for each argument and option."""
    rows = []
    for parameter in command.params:
        if parameter.name == "help":
            continue
        flags = [*parameter.opts, *parameter.secondary_opts]
        if parameter.param_type_name == "argument":
            flags = [parameter.metavar or parameter.name.upper()]
        said = parameter.help or ""
        setting = setting_of(said)
        text = one_line(SETTING.sub("", said)) + (f" Setting `{setting}`." if setting else "")
        cells = " / ".join(f"`{flag}`" for flag in flags), kind_of(parameter), text
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return ["| Option | Value | Meaning |", "|---|---|---|", *rows] if rows else []


def setting_of(help_text: str) -> str:
    """Return the dotted name of the setting that an option is; nothing for others."""
    found = SETTING.search(help_text)
    return found[1] if found else ""


def kind_of(parameter: Any) -> str:
    """Say what value an option takes, and its default where it has one to show."""
    kind = parameter.type
    choices = getattr(kind, "choices", None)
    words = {"integer": "whole number", "float": "number", "text": "text", "boolean": ""}
    text = ", ".join(f"`{choice}`" for choice in choices) if choices else ""
    text = text or words.get(kind.name, kind.name)
    default = parameter.default
    if parameter.show_default and default not in (None, False, ()) and not callable(default):
        text += f" (`{default}`)"
    return text + (", required" if parameter.required else "")


def one_line(text: str) -> str:
    """Return a text without line breaks."""
    return " ".join(text.split())


if __name__ == "__main__":
    print(reference_page())
