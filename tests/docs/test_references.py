"""The generated pages: settings, command line, public names."""

import sys
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, Field

import umlpsd_gpu
from umlpsd_gpu.analyses.blinking.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(autouse=True)
def generators(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    yield
    for name in ("api_reference", "command_reference", "settings_reference"):
        sys.modules.pop(name, None)


class Lens(BaseModel):
    aperture: float = Field(1.4, gt=0, le=1.7, description="Numerical aperture.")
    kind: Literal["oil", "air"] = Field("oil", description="Oil | air.")


class Microscope(BaseModel):
    lens: Lens = Lens()
    names: tuple[str, ...] = Field(("a", "b"), description="Names.")
    centre: tuple[int, int] | None = Field(None, description="Row, column.")
    is_on: bool = Field(False, description="On.")


def test_any_model_of_settings_becomes_tables():
    from settings_reference import settings_tables

    text = settings_tables(Microscope, {"lens.aperture": "--aperture"})
    assert text.splitlines() == [
        "| Setting | Allowed | Default | Meaning |",
        "|---|---|---|---|",
        '| `names` | list of text | `"a"`, `"b"` | Names. |',
        "| `centre` | list of the form whole number, whole number | – | Row, column. |",
        "| `is_on` | true or false | `false` | On. |",
        "",
        "### `[lens]`",
        "",
        "| Setting | Allowed | Default | Meaning |",
        "|---|---|---|---|",
        "| `aperture`<br>`--aperture` | number > 0 and ≤ 1.7 | `1.4` | Numerical aperture. |",
        '| `kind` | `"oil"`, `"air"` | `"oil"` | Oil \\| air. |',
    ]


def test_every_setting_of_every_analysis_is_listed_and_explained():
    from settings_reference import analysis_settings, reference_page, section_of

    page, found = reference_page(), analysis_settings()
    assert found["blinking"] is Settings
    for model in found.values():
        for name, field in model.model_fields.items():
            section = section_of(field)
            for setting, inner in (section.model_fields if section else {name: field}).items():
                assert inner.description, f"{name}.{setting} has no description"
                assert f"| `{setting}`" in page
    assert "| `dt_s`<br>`--dt-s` | number > 0 |" in page


def test_every_command_and_option_is_listed():
    from command_reference import reference_page

    page = reference_page()
    for name in ("run", "demo", "check", "simulate", "validate", "batch init", "watch", "info"):
        assert f"## `umlpsd {name}`" in page
    assert "| `--out` | path, required |" in page
    assert "| `--allow-damaged` `--refuse-damaged` |" in page
    assert "| `--seed` | whole number (`0`) |" in page
    assert "[dim]" not in page


def test_the_options_are_those_that_the_help_shows():
    from command_reference import commands_of, parameters_of
    from typer.testing import CliRunner

    from umlpsd_gpu.cli.main import app

    for name, command in commands_of(app).items():
        words = name.split()[1:]
        shown = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "250"}).output
        for parameter in parameters_of(command):
            for flag in [f for joined in parameter.flags for f in joined.split("/")]:
                assert flag.lower() in shown.lower(), f"{flag} of {name}"


def test_every_public_name_has_a_chapter():
    from api_reference import CHAPTERS, reference_page

    page = reference_page()
    for name in umlpsd_gpu.__all__:
        assert page.count(f".{name}\n") == 1
    missing = set(umlpsd_gpu.__all__) ^ set().union(*CHAPTERS.values())
    assert not missing, f"give {sorted(missing)} a chapter in docs/api_reference.py"
