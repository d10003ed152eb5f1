"""Help texts: grouped, complete at 80 columns, and without marks that only developers know."""

import re
from typing import get_args

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.cli.main import app
from umlpsd_gpu.cli.options import SHARED, _all_options

TAKE_SETTINGS = [["run"], ["check"], ["batch", "init"], ["watch"]]
COMMANDS = [
    [],
    *TAKE_SETTINGS,
    *(["batch", name] for name in ("run", "status", "submit", "pool", "report")),
    *([name] for name in ("demo", "simulate", "validate", "replay", "bench", "info")),
]


def help_of(command, columns=80):
    env = {"COLUMNS": str(columns), "TERM": "dumb", "NO_COLOR": "1"}
    done = CliRunner().invoke(app, [*command, "--help"], env=env)
    assert done.exit_code == 0, done.output
    return done.output


def settings_of(model=Settings, prefix=""):
    """Yield the name and the description of every setting."""
    for name, field in model.model_fields.items():
        kinds = [field.annotation, *get_args(field.annotation)]
        section = next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), None)
        if section is not None:
            yield from settings_of(section, f"{name}.")
        else:
            yield prefix + name, field.description


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("columns", [80, 120])
def test_lines_fit_the_terminal_and_no_name_is_cut(command, columns):
    lines = help_of(command, columns).splitlines()
    assert max(map(len, lines)) <= columns
    assert not [line for line in lines if re.search(r"\([a-z_.]+…", line)]


@pytest.mark.parametrize("command", TAKE_SETTINGS, ids=" ".join)
def test_options_of_settings_are_grouped(command):
    text = help_of(command)
    panels = re.findall(r"╭─ ([A-Z]\w+) ─", text)
    expected = ["Settings", "Movies", "Switches", "Traces", "Clustering", "Spectra", "Computing"]
    assert [panel for panel in panels if panel in expected] == expected
    for name, flags in _all_options():
        assert f"({name})" in text
        assert flags.partition("/")[0] in text


def test_choices_and_defaults_are_given():
    text = " ".join(re.sub(r"[│\n]", " ", help_of(["run"], 200)).split())
    assert "One of: time, z, channel, page. Default: time." in text
    assert "Default: 15. (sweep.k_max)" in text
    assert "Default: the 18 scales of the paper." in text


def test_every_command_says_what_it_does():
    for command in COMMANDS:
        assert re.search(r"\n\s+[A-Z][^\n]*[.:,\w]\s*\n", help_of(command).partition("Usage")[2])


def test_every_setting_has_a_sentence_without_marks():
    described = dict(settings_of())
    assert set(dict(SHARED)) <= set(described)
    for name, description in described.items():
        assert description, name
        assert description[0].isupper(), name
        assert description.endswith("."), name
        assert not re.search(r"\[[PMI, ]+\]", description), name
