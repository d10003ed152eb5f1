"""docs/equations.md points at code that exists."""

import importlib
import re
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).parents[2] / "docs" / "equations.md"
PLACES = sorted(
    set(re.findall(r"`(\w+(?:/\w+)+)\.py::(\w+)`", DOCUMENT.read_text(encoding="utf-8")))
)


def test_the_document_names_every_room_with_mathematics() -> None:
    rooms = {module.partition("/")[0] for module, _ in PLACES}
    assert rooms >= {
        "traces",
        "preprocessing",
        "kmeans",
        "decision",
        "spectrum",
        "maps",
        "simulate",
    }


@pytest.mark.parametrize(("module", "name"), PLACES)
def test_each_place_exists(module: str, name: str) -> None:
    assert hasattr(importlib.import_module(f"umlpsd_gpu.{module.replace('/', '.')}"), name)
